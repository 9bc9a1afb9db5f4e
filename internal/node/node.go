package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/broker/coordinator"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/admin"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/lograte"
	"github.com/seawallmq/seawall/internal/node/streammeta"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/duties"
	"github.com/seawallmq/seawall/kraftmeta/members"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/objstore/storeurl"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/volume"
)

// Node is one process: a broker, a controller, or both.
type Node struct {
	cfg         *config.Config
	log         *slog.Logger
	clock       clock.Clock
	random      func([]byte)
	incarnation ids.UUID
	shares      shares
	metrics     *nodeMetrics

	// ctx ends when the node stops; what waits for long hears of it.
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	failed chan error // capacity 1: why the node had to stop

	controllers *controllers // the way to them

	// In the order of their start.
	gossip     *members.Members      // nil without gossip.listener
	controller *kraftmeta.Controller // nil without that role
	opened     chan struct{}         // closed when controller is there
	duties     *duties.Duties
	quorum     *server.Server // of requests to the controller
	observer   *kraftmeta.Observer
	metadata   *kraftmeta.Client
	cluster    ids.UUID

	// Of a broker, in the order of their start.
	store       *storeurl.Opened
	pacing      pacing
	peers       *peer.Client // of other brokers
	epoch       ids.NodeEpoch
	lease       *lease
	load        atomic.Uint64   // what this node's partitions cost it, see totalCost
	beating     context.Context // ends when no more heartbeats are sent
	silence     context.CancelFunc
	leaving     atomic.Bool // heartbeats say so
	gone        atomic.Bool // the cluster was told: to be fenced now is no news
	volume      volume.Volume
	wal         *wal.Log
	streamsMeta *streammeta.Meta
	// readRate is the read bandwidth of the WAL's device, bytes a second.
	readRate         atomic.Int64
	readRateMeasured bool             // by the recovery; not changed after the start
	tails            *partition.Tails // what the rescue read of the streams
	streams          *s3stream.Manager
	partitions       *partition.Set
	groups           *coordinator.Coordinator
	listeners        []net.Listener
	server           *server.Server // of clients and brokers; set under mu

	controllerListeners []net.Listener
	listen              func(ctx context.Context, addr string) (net.Listener, error)
	admin               *admin.Server
	adminAt             net.Listener
	refusals            lograte.Limiter // of what other nodes refuse, and are refused
	strangers           atomic.Int64    // voters refused

	mu    sync.Mutex
	state state
	step  string // of the start, the last one begun
}

// state is how far a node has come.
type state string

const (
	starting state = "starting"
	serving  state = "serving"
	draining state = "draining"
	stopped  state = "stopped"
)

// New makes a node. It opens nothing: Start does.
func New(cfg *config.Config, log *slog.Logger) (*Node, error) {
	n := &Node{
		cfg: cfg, log: log, clock: clock.Wall(), state: starting,
		random: func(b []byte) { _, _ = rand.Read(b) }, // never fails
		failed: make(chan error, 1), opened: make(chan struct{}),
		listen: func(ctx context.Context, addr string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", addr)
		},
	}
	n.incarnation = ids.NewUUID(n.random)
	n.controllers = newControllers(cfg, n.clock)
	n.shares = divide(cfg)
	n.pacing = newPacing(cfg, n.clock)
	n.readRate.Store(n.assumeReadRate())
	n.metrics = newNodeMetrics(n)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.beating, n.silence = context.WithCancel(context.Background())
	return n, nil
}

// Start brings the node up and returns when it serves. After an error the node
// is closed.
func (n *Node) Start(ctx context.Context) error {
	began := n.clock.Now()
	for _, step := range n.steps() {
		n.mu.Lock()
		n.step = step.name
		n.mu.Unlock()
		if err := step.do(ctx); err != nil {
			_ = n.Close()
			if n.lease != nil && n.lease.revoked.Load() {
				err = errors.Join(ErrFenced, err)
			}
			return fmt.Errorf("start %s: %w", step.name, err)
		}
	}
	n.setState(serving)
	n.log.Info("serving", "listeners", n.Addr(), "node", n.cfg.Node.ID, "epoch", n.epoch,
		"cluster", n.cluster.String(), "took", n.clock.Now().Sub(began).Round(time.Millisecond))
	return nil
}

// step is one of a start.
type step struct {
	name string
	do   func(context.Context) error
}

func (n *Node) steps() []step {
	steps := []step{{"admin listener", n.startAdmin}, {"listeners", n.bind}}
	if n.cfg.Node.IsBroker { // a fault of the configuration is told before anybody is waited for
		steps = append(steps, step{"object store", n.openStore})
	}
	steps = append(steps, step{"gossip", n.startGossip}, step{"metadata", n.startMetadata})
	if n.cfg.Node.IsBroker {
		steps = append(steps,
			step{"membership", n.joinCluster},
			step{"object store's mark", n.checkStore},
			step{"streams", n.startStreams},
			step{"partitions", n.startPartitions},
			step{"clients", n.serveClients},
		)
	}
	return steps
}

// Addr is the address of the first client listener.
func (n *Node) Addr() string {
	if len(n.listeners) == 0 {
		return ""
	}
	return n.listeners[0].Addr().String()
}

// AdminAddr is the address of the admin listener, "" if there is none.
func (n *Node) AdminAddr() string {
	if n.adminAt == nil {
		return ""
	}
	return n.adminAt.Addr().String()
}

// Done tells, once, why the node cannot go on. It is to be drained then.
func (n *Node) Done() <-chan error { return n.failed }

// fail notes the first reason for which the node cannot go on.
func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// at is how far the node has come.
func (n *Node) at() state {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

func (n *Node) setState(s state) {
	n.mu.Lock()
	n.state = s
	n.mu.Unlock()
}

// Report says what a drain left behind.
type Report struct {
	// Uploaded says that everything is in the object store.
	Uploaded bool
	// LeftBytes are in the write-ahead log alone; the next start takes them up.
	LeftBytes int64
	Took      time.Duration
}

// String is the report in a sentence.
func (r Report) String() string {
	if r.Uploaded {
		return fmt.Sprintf("everything is in the object store (%s)", r.Took.Round(time.Millisecond))
	}
	return fmt.Sprintf("%d bytes are left in the write-ahead log for the next start (%s)", r.LeftBytes, r.Took.Round(time.Millisecond))
}

// Drain gives up what the node leads, stops accepting, finishes what is in
// flight, uploads while ctx lasts, and closes the node. Records that were not
// uploaded in time stay in the write-ahead log. An error is about the closing:
// nothing acknowledged is lost.
func (n *Node) Drain(ctx context.Context) (Report, error) {
	began := n.clock.Now()
	n.setState(draining)
	r := Report{Uploaded: true}
	if n.server != nil {
		ctx, stop := n.whileWorthIt(ctx)
		defer stop()
		n.leave(ctx)
		n.cancel() // long polls end
		if err := n.server.Drain(ctx); err != nil {
			n.log.Warn("requests in flight were cut off", "error", err)
		}
		n.groups.Close() // they append by themselves
		if r.Uploaded = n.streams.Drain(ctx) == nil; !r.Uploaded {
			r.LeftBytes = n.untrimmedBytes()
		} else if err := n.streams.Retire(ctx); err != nil {
			n.log.Warn("the write-ahead log is left to the next start, though everything is in the object store", "error", err)
		}
		if r.Uploaded { // else its lease ends when the log is free for whoever rescues it
			n.farewell(ctx)
		}
	}
	if n.controller != nil {
		if err := n.controller.Resign(); err != nil {
			n.log.Warn("another controller has to be elected", "error", err)
		}
	}
	err := n.Close()
	r.Took = n.clock.Now().Sub(began)
	return r, err
}

// adminGrace is how long a closing node waits for answers to operators: one that
// was fenced is to join anew at once.
const adminGrace = 200 * time.Millisecond

// Close stops the node at once: it takes down in reverse what Start built, each
// part once. What is not uploaded stays in the write-ahead log.
func (n *Node) Close() error {
	n.mu.Lock()
	again := n.state == stopped
	n.state = stopped
	n.mu.Unlock()
	if again {
		return nil
	}
	n.cancel()
	n.silence()
	var errs []error
	for _, l := range append(n.listeners, n.controllerListeners...) {
		_ = l.Close() // the server may have closed it
	}
	if n.server != nil {
		n.server.Close()
	}
	if n.gossip != nil {
		errs = append(errs, n.gossip.Close(goodbyeMax))
	}
	if n.groups != nil {
		n.groups.Close()
	}
	if n.streams != nil {
		errs = append(errs, n.streams.Close())
	} else if n.wal != nil {
		errs = append(errs, n.wal.Close())
	}
	if n.peers != nil {
		n.peers.Close()
	}
	if n.observer != nil {
		n.observer.Close()
	}
	if n.controllers.peers != nil {
		n.controllers.peers.Close()
	}
	if n.quorum != nil {
		n.quorum.Close()
	}
	if n.controller != nil {
		errs = append(errs, n.controller.Close())
	}
	if n.volume != nil {
		errs = append(errs, n.volume.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	if n.admin != nil {
		ctx, cancel := context.WithTimeout(context.Background(), adminGrace)
		errs = append(errs, n.admin.Shutdown(ctx))
		cancel()
	}
	n.work.Wait()
	return errors.Join(errs...)
}
