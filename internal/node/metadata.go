package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// feedWait bounds how long a controller may hold a fetch of the feed.
const feedWait = 500 * time.Millisecond

// startMetadata starts the controller, if there is one in this process, and
// follows the active one's feed. The node speaks to its own controller as it
// would to another's, by requests in Kafka's framing, looped back through a pipe.
func (n *Node) startMetadata(ctx context.Context) error {
	n.controllers.peers = peer.New(peer.Config{
		Self: n.controllers.self, Clock: n.clock, ClientID: n.clientID(),
		Loopback: func(c net.Conn) error {
			if n.quorum == nil {
				return errors.New("no controller is known yet")
			}
			return n.quorum.ServeConn(c, server.Listener{Name: "CONTROLLER", Private: true})
		},
		Dial: n.controllers.dial, DialMax: controllerAnswerMax, RequestMax: controllerAnswerMax,
	})
	cluster, err := n.configuredCluster()
	if err != nil {
		return err
	}
	observes := noNode // nobody waits for what a controller's own image has
	if n.cfg.Node.IsBroker {
		observes = n.cfg.Node.ID
	}
	remote := kraftmeta.NewRemote(n.controllers)
	observer := kraftmeta.ObserverOptions{
		Node: observes, Incarnation: n.incarnation, Cluster: cluster, Clock: n.clock, Logger: n.log,
	}
	if n.cfg.Node.IsController { // which is open before the observer starts
		observer.Voter, observer.LogEnd = n.cfg.Node.ID, func() uint64 { return n.controller.LogEnd() }
	}
	n.observer = kraftmeta.NewObserver(remote, observer)
	n.observer.OnDelta(n.metrics.cluster.changed)
	n.observer.OnDelta(n.watchLevels)
	n.metadata = kraftmeta.NewClient(timedSubmitter{remote, n}, n.observer, n.incarnation, n.clock)
	if n.cfg.Node.IsController {
		if err := n.startController(); err != nil {
			return err
		}
		if err := n.await(ctx, n.otherVoters(), n.controller.WaitReady); err != nil {
			return err
		}
	}
	n.observer.Start()
	err = n.await(ctx, "the active controller", func(ctx context.Context) error {
		return n.observer.WaitFor(ctx, 1) // its first command formats a cluster
	})
	if err != nil {
		return err
	}
	if err := image.CheckFeatures(n.observer.Image()); err != nil {
		return err
	}
	n.cluster = n.observer.Image().ClusterID()
	if !cluster.IsZero() && cluster != n.cluster {
		return fmt.Errorf("cluster.id=%s: the controllers are of cluster %s", cluster, n.cluster)
	}
	return nil
}

func (n *Node) clientID() string { return fmt.Sprintf("seawall-%d", n.cfg.Node.ID) }

// awaitLogEvery is how often a start that waits for others says so.
const awaitLogEvery = 5 * time.Second

// otherVoters names whom a controller waits for that has no majority.
func (n *Node) otherVoters() string {
	var others []string
	for _, v := range n.cfg.Controller.Voters {
		if v.ID != int32(n.cfg.Node.ID) {
			others = append(others, v.String())
		}
	}
	if len(others) == 0 {
		return "the other controllers"
	}
	return "most of the controllers; the others are " + strings.Join(others, ", ")
}

// await waits for others as long as ctx lasts, and says in the log that it does.
func (n *Node) await(ctx context.Context, whom string, wait func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- wait(ctx) }()
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	n.work.Go(func() {
		for clock.Sleep(waiting, n.clock, awaitLogEvery) == nil {
			n.log.Info("waiting for " + whom)
		}
	})
	return <-done
}

// joinCluster makes this incarnation of the broker known and begins its lease;
// the node epoch is the controller's to give.
func (n *Node) joinCluster(ctx context.Context) error {
	n.peers = peer.New(peer.Config{
		Self: n.cfg.Node.ID, Clock: n.clock, ClientID: n.clientID(),
		Loopback: n.serveLoopback, Dial: n.dialBroker,
	})
	cmd := &image.RegisterNode{Node: n.cfg.Node.ID, Incarnation: n.incarnation, Rack: n.cfg.Node.Rack, Reach: n.reach()}
	for i, l := range n.cfg.Network.Advertised {
		port := l.Port
		if port == 0 {
			port = n.listeners[i].Addr().(*net.TCPAddr).Port
		}
		cmd.Endpoints = append(cmd.Endpoints, image.Endpoint{Listener: l.Name, Host: l.Host, Port: uint16(port)})
	}
	var err error
	if n.epoch, err = n.register(ctx, cmd); err != nil {
		return err
	}
	n.startLease()
	return nil
}

// register takes the place of the node's incarnation before. That one may have
// been fenced, or its own late registration come through, since this process
// looked: then it looks again. But one that came since and opened a WAL is no
// dead process's: it is this one that is late, and must not fence it.
func (n *Node) register(ctx context.Context, cmd *image.RegisterNode) (ids.NodeEpoch, error) {
	// The feed may be behind, even that of the active controller: what was
	// before this process is known once a command, that changes nothing, is
	// answered.
	if _, err := kraftmeta.Do(ctx, n.metadata, new(image.AssignRescuers)); err != nil {
		return 0, err
	}
	for cmd.Previous = n.metadata.Image().EpochOf(cmd.Node); ; {
		r, err := kraftmeta.Do(ctx, n.metadata, cmd)
		if err == nil {
			return r.Epoch, nil
		}
		img := n.metadata.Image() // as of the refusal, at least
		epoch := img.EpochOf(cmd.Node)
		switch {
		case !errors.Is(err, &image.Refusal{Reason: image.StaleNodeEpoch}):
			return 0, err
		case img.HasOpenedWAL(cmd.Node, epoch):
			return 0, fmt.Errorf("node.id=%d: another process has joined as this node since this one started: %w", cmd.Node, err)
		}
		cmd.Previous = epoch
	}
}

// dialBroker connects to another broker, where the metadata says that it is.
func (n *Node) dialBroker(ctx context.Context, node ids.NodeID) (net.Conn, error) {
	known, ok := n.metadata.Image().Node(node)
	if !ok {
		return nil, fmt.Errorf("broker %d is not known", node)
	}
	e, ok := known.Endpoint(n.cfg.Network.InterBroker)
	if !ok && n.cfg.Network.InterBroker == "" && len(known.Endpoints) > 0 { // a controller alone is configured with none
		e, ok = known.Endpoints[0], true
	}
	if !ok {
		return nil, fmt.Errorf("broker %d has no listener %s", node, n.cfg.Network.InterBroker)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(e.Host, fmt.Sprint(e.Port)))
}

// serveLoopback serves a connection of this broker to itself.
func (n *Node) serveLoopback(c net.Conn) error {
	s := n.clientServer()
	if s == nil {
		return fmt.Errorf("broker %d does not serve yet", n.cfg.Node.ID)
	}
	return s.ServeConn(c, server.Listener{Name: n.cfg.Network.InterBroker, Private: true, Requests: n.shares.peers})
}

// timedSubmitter measures how long commands take.
type timedSubmitter struct {
	to kraftmeta.Submitter
	n  *Node
}

// Submit implements kraftmeta.Submitter.
func (s timedSubmitter) Submit(ctx context.Context, req *image.Request) (*image.Answer, error) {
	began := s.n.clock.Now()
	answer, err := s.to.Submit(ctx, req)
	s.n.metrics.commanded(s.n.clock.Now().Sub(began), err)
	return answer, err
}
