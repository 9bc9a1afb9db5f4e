package node

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/coordinator"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// openWait bounds how long a start waits for its partitions. What is open by
// then is served; those whose state is in an object store that is away follow
// when it is back.
const openWait = 3 * time.Second

// startPartitions opens what this node leads, and hosts the coordinators of the
// groups on it. Uploads begin after, so that what is uploaded finds its
// partition.
func (n *Node) startPartitions(ctx context.Context) error {
	if err := n.newCoordinator(); err != nil {
		return err
	}
	n.partitions = partition.NewSet(partition.SetConfig{
		Node: n.cfg.Node.ID, Base: n.cfg, Streams: n.streams, Memory: n.shares.state, Clock: n.clock,
		Log: n.log, Image: n.metadata.Image, Tails: n.tails, Random: n.randomUint64, Leads: n.leads,
		States: n.tailStates(), HandedOff: n.metrics.handedOff,
	})
	n.observer.OnDelta(func(prev, next *image.Image, d image.Delta) {
		n.partitions.Changed(prev, next, d)
		n.topicsDeleted(prev, d)
	})
	n.work.Go(func() { n.partitions.Run(n.ctx) })
	if n.cfg.HasOthers() {
		n.work.Go(func() { n.tellLoads(n.ctx) })
	}
	opened, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	if err := n.partitions.AwaitAll(opened, n.metadata.Image().Index()); err != nil {
		n.log.Warn("not all partitions could be opened yet", "error", err)
	}
	n.streams.Start()
	n.startTakeovers()
	return ctx.Err()
}

func (n *Node) newCoordinator() (err error) {
	c := coordinator.DefaultConfig()
	c.Clock, c.Logger = n.clock, n.log
	c.NewUUID = func() string { return ids.NewUUID(n.random).String() }
	c.Partitions = n.offsetsPartitions()
	c.Serves = n.lease.Valid
	g := &c.Group
	g.SessionTimeoutMin, g.SessionTimeoutMax = n.cfg.Group.SessionTimeoutMin, n.cfg.Group.SessionTimeoutMax
	g.InitialRebalanceDelay, g.MembersMax = n.cfg.Group.InitialRebalanceDelay, n.cfg.Group.SizeMax
	g.OffsetMetadataBytesMax = n.cfg.Offsets.MetadataBytesMax
	g.OffsetsRetention, g.OffsetsRetentionCheck = n.cfg.Offsets.Retention, n.cfg.Offsets.RetentionCheckInterval
	n.groups, err = coordinator.New(c)
	return err
}

// offsetsPartitions is how many partitions __consumer_offsets has, or will have:
// groups are mapped by it.
func (n *Node) offsetsPartitions() int32 {
	img := n.metadata.Image()
	if t, ok := img.TopicByName(partition.OffsetsTopic); ok {
		return img.PartitionCount(t.ID)
	}
	return int32(n.cfg.Offsets.NumPartitions)
}

// leads tells the coordinator which partitions of its topic this node leads.
func (n *Node) leads(began, ceased []*partition.Partition) {
	for _, p := range ceased {
		if p.Internal() {
			n.groups.Resign(p.Index, p.LeaderEpoch())
		}
	}
	for _, p := range began {
		if p.Internal() {
			n.groups.Lead(p.Index, p.LeaderEpoch(), coordinator.PartitionLog(p, n.partitions.Flush, n.clock))
		}
	}
}

// topicsDeleted tells the coordinator whose committed offsets mean nothing any
// more.
func (n *Node) topicsDeleted(prev *image.Image, d image.Delta) {
	var names []string
	for _, r := range d.Records {
		if gone, ok := r.(*image.RemoveTopic); ok {
			if t, ok := prev.Topic(gone.ID); ok {
				names = append(names, t.Name)
			}
		}
	}
	if len(names) > 0 {
		n.groups.TopicsDeleted(names)
	}
}

// newBroker makes the registry of the APIs that clients are served.
func (n *Node) newBroker() *broker.Registry {
	r := broker.NewRegistry()
	broker.RegisterApiVersions(r, broker.Identity{
		ClusterID: n.cluster.String(), NodeID: int32(n.cfg.Node.ID),
	}, func() broker.Features { return broker.FeaturesOf(n.metadata.Image()) })
	broker.New(broker.Deps{
		Node: n.cfg.Node.ID, ClusterID: n.cluster.String(), Config: n.cfg, Clock: n.clock, Log: n.log,
		Partitions: n.partitions, Metadata: n.metadata, Groups: n.groups,
		SessionMemory: n.shares.state, Random: n.random, Stopped: n.ctx, Lease: n.lease,
	}, r)
	n.registerTails(r)
	broker.RegisterForwarded(r, n.controllers.ask)
	return r
}
