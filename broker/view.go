package broker

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// view is the metadata as a client sees it by the listener that it came by.
type view struct {
	*image.Image
	listener string
}

func (b *Broker) view(c *Ctx) view {
	return view{b.Metadata.Image(), c.Conn.Listener().Name}
}

// clientBroker is a node as clients are told of it.
type clientBroker struct {
	id     int32
	host   string
	port   int32
	rack   *string // nil for none
	fenced bool
}

// brokers lists the nodes by id that clients can reach; fenced ones only if
// wanted.
func (v view) brokers(withFenced bool) []clientBroker {
	var out []clientBroker
	for n := range v.Nodes() {
		if !n.IsAlive() && !withFenced {
			continue
		}
		if b, ok := v.reachable(n); ok {
			out = append(out, b)
		}
	}
	return out
}

// controllerAmong is the broker that clients send to what is for the controller:
// any takes it, so self if it is among those that they know, else the first;
// -1 for none.
func controllerAmong(brokers []clientBroker, self int32) int32 {
	if len(brokers) == 0 {
		return -1
	}
	for _, b := range brokers {
		if b.id == self {
			return self
		}
	}
	return brokers[0].id
}

// reachable is a node as clients of this listener reach it; false if it has no
// such listener.
func (v view) reachable(n *image.Node) (clientBroker, bool) {
	e, ok := n.Endpoint(v.listener)
	if !ok {
		return clientBroker{}, false
	}
	b := clientBroker{id: int32(n.ID), host: e.Host, port: int32(e.Port), fenced: !n.IsAlive()}
	if n.Rack != "" {
		b.rack = &n.Rack
	}
	return b, true
}

// broker finds a living node that clients can reach. The error is that of a
// partition whose leader it should be.
func (v view) broker(id ids.NodeID) (clientBroker, *kerr.Error) {
	n, ok := v.Node(id)
	if !ok || !n.IsAlive() {
		return clientBroker{}, kerr.LeaderNotAvailable
	}
	b, ok := v.reachable(n)
	if !ok {
		return clientBroker{}, kerr.ListenerNotFound
	}
	return b, nil
}

// leader finds the node that leads a partition, if clients can reach it and it
// serves the partition, now or soon. While that waits for a WAL that no living
// node reaches, its leader would only send them away.
func (v view) leader(p *image.Partition) (clientBroker, *kerr.Error) {
	if w, waits := v.WaitsFor(p); waits && v.OutOfReach(w) {
		return clientBroker{}, kerr.LeaderNotAvailable
	}
	return v.broker(p.Leader)
}

// leadership is what clients are told of a partition: its one replica is its
// leader.
type leadership struct {
	index    int32
	leader   int32 // -1 when it cannot be reached
	epoch    int32
	replicas []int32
	isr      []int32
	offline  []int32
	err      *kerr.Error
}

func (v view) leadership(p *image.Partition) leadership {
	l := leadership{index: p.Index, leader: -1, epoch: p.LeaderEpoch, replicas: []int32{}, isr: []int32{}, offline: []int32{}}
	if p.Leader != image.NoLeader {
		l.replicas = []int32{int32(p.Leader)}
		l.isr = l.replicas
	}
	if _, l.err = v.leader(p); l.err == nil {
		l.leader = int32(p.Leader)
	} else {
		l.offline = l.replicas
	}
	return l
}

// topicsByName lists all topics by name.
func (v view) topicsByName() []*image.Topic {
	return slices.SortedFunc(v.Topics(), func(a, b *image.Topic) int { return cmp.Compare(a.Name, b.Name) })
}

// unknownTopic is the error of a topic that does not exist: what clients do
// about it depends on whether it could.
func unknownTopic(name string) *kerr.Error {
	if image.CheckTopicName(name) != nil {
		return kerr.InvalidTopicException
	}
	return kerr.UnknownTopicOrPartition
}

// isInternal says whether a topic is the broker's own.
func isInternal(name string) bool { return name == partition.OffsetsTopic }
