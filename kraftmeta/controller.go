package kraftmeta

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// snapshotsKept is how many snapshots stay on disk: the newest, and the one
// before in case the newest turns out damaged.
const snapshotsKept = 2

// Controller is one voter of the metadata's consensus. It takes commands and
// serves the feed while it is the active one, the leader of the consensus.
type Controller struct {
	opts      Options
	identity  identity
	store     *logStore
	fsm       *fsm
	raft      *raft.Raft
	streams   *streams               // nil: nothing leads to other voters
	transport *raft.NetworkTransport // over streams
	snapshots outgoing

	leads         leadership
	confirmations confirmations
	asking        atomic.Bool // askVoters is about to

	ready     chan struct{} // closed once the metadata is there and current
	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
	failed    chan struct{} // closed when the controller can go on no more
	failOnce  sync.Once
	failErr   error // valid once failed is closed
	watched   sync.WaitGroup
}

// Open opens a controller's directory, or makes a new one, and joins the
// consensus. It does not wait for a leader, see [Controller.WaitReady].
//
// The error is ErrForeignDir for a directory of another cluster or node,
// ErrLocked for one that another process has open, ErrDamaged for one whose
// bytes are not those written, all wrapped with the path.
func Open(opts Options) (*Controller, error) {
	opts.setDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	c := &Controller{
		opts: opts, ready: make(chan struct{}), closing: make(chan struct{}), failed: make(chan struct{}),
	}
	var err error
	c.identity, err = claimDir(opts.Dir, identity{opts.ClusterID, opts.Node},
		func() ids.UUID { return ids.NewUUID(opts.Random) })
	if err != nil {
		return nil, err
	}
	if c.store, err = openLogStore(opts.Dir, c.fail); err != nil {
		return nil, err
	}
	c.fsm = &fsm{feed: newFeed(opts.FeedBytes), onFail: c.fail}
	if err := c.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start metadata consensus in %s: %w", opts.Dir, err), c.closeTransport(), c.store.close())
	}
	c.leads.consensus = c.raft
	c.watched.Add(1)
	go c.watchLeadership()
	return c, nil
}

func (c *Controller) start() error {
	conf := c.opts.raftConfig()
	// It keeps its files in a folder "snapshots" of the directory.
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(c.opts.Dir, snapshotsKept, conf.Logger)
	if err != nil {
		return err
	}
	transport := c.newTransport(conf.Logger)
	var logs raft.LogStore = c.store
	if c.streams != nil {
		// Followers are sent entries from memory while they keep up.
		if logs, err = raft.NewLogCache(256, c.store); err != nil {
			return err
		}
	}
	started, err := c.bootstrapped(snapshots)
	if err != nil {
		return err
	}
	if !started && !c.opts.Join {
		if err := raft.BootstrapCluster(conf, logs, c.store, snapshots, transport, c.opts.raftServers()); err != nil {
			return err
		}
	}
	if c.raft, err = raft.NewRaft(conf, c.fsm, logs, c.store, snapshots, transport); err != nil {
		return err
	}
	return c.stand()
}

// newTransport makes what carries consensus between voters.
func (c *Controller) newTransport(log hclog.Logger) raft.Transport {
	if c.opts.Dial == nil {
		_, alone := raft.NewInmemTransport(c.opts.self().serverAddress()) // opens no port
		return alone
	}
	c.streams = newStreams(c.opts.self(), c.opts.Dial)
	c.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: c.streams, MaxPool: 2, Timeout: streamTimeout, Logger: log, MsgpackUseNewTimeFormat: true,
	})
	return confirming{c.transport, &c.confirmations}
}

// streamTimeout bounds a connection's making and each message on it, snapshots
// by their size.
const streamTimeout = 2 * time.Second

// bootstrapped says whether the directory has consensus's first entry, which
// names the voters.
func (c *Controller) bootstrapped(snapshots raft.SnapshotStore) (bool, error) {
	started, err := raft.HasExistingState(c.store, c.store, snapshots)
	if err != nil || !started || !c.opts.startsAlone() {
		return started, err
	}
	// A process that died while it bootstrapped may have stored the term and no
	// entry. Nobody would ever elect itself then. A sole voter can take its term
	// back; among several, the others send this one what it lacks.
	last, err := c.store.LastIndex()
	if err != nil || last > 0 {
		return true, err
	}
	if have, err := snapshots.List(); err != nil || len(have) > 0 {
		return true, err
	}
	return false, c.store.SetUint64(termKey, 0)
}

// termKey is where consensus keeps its term.
var termKey = []byte("CurrentTerm")

// stand makes a sole voter elect itself at once instead of after a time-out:
// a follower whose time-out is shortened looks at once whether it has passed.
func (c *Controller) stand() error {
	servers := c.raft.GetConfiguration().Configuration().Servers
	if len(servers) != 1 || servers[0].ID != serverID(c.opts.Node) {
		return nil
	}
	shorter := c.raft.ReloadableConfig()
	shorter.HeartbeatTimeout = electionTimeout
	return c.raft.ReloadConfig(shorter)
}

// watchLeadership begins the terms in which this controller leads, and has what
// waits for that look again.
func (c *Controller) watchLeadership() {
	defer c.watched.Done()
	for {
		select {
		case <-c.closing:
			return
		case leads := <-c.raft.LeaderCh():
			c.fsm.feed.nudge() // a term is over, whatever is next
			if !leads || !c.leads.establish(c.format) {
				continue
			}
			c.fsm.feed.nudge()
			select {
			case <-c.ready:
			default:
				close(c.ready)
			}
		}
	}
}

// format makes a new cluster of one that is none yet, as its first leader must.
func (c *Controller) format() error {
	if !c.Image().ClusterID().IsZero() {
		return nil
	}
	_, err := c.Submit(context.Background(), &image.Request{
		ID:      image.CommandID{Issuer: ids.NewUUID(c.opts.Random), Sequence: 1},
		Command: &image.FormatCluster{ClusterID: c.identity.cluster, Features: c.opts.Features},
	})
	return err
}

// WaitReady waits until this controller has led with all that was committed
// before, or until it follows one that does. It returns an error if the cluster
// uses a format that this program does not know.
func (c *Controller) WaitReady(ctx context.Context) error {
	if err := c.waitLeader(ctx); err != nil {
		return err
	}
	return image.CheckFeatures(c.Image())
}

func (c *Controller) waitLeader(ctx context.Context) error {
	const lookEvery = 20 * time.Millisecond // a follower is told by nobody
	for {
		if leader, _ := c.raft.LeaderWithID(); leader != "" && c.raft.State() == raft.Follower &&
			!c.Image().ClusterID().IsZero() {
			return nil
		}
		t := time.NewTimer(lookEvery)
		select {
		case <-c.ready:
			t.Stop()
			return nil
		case <-c.failed:
			t.Stop()
			return c.failErr
		case <-c.closing:
			t.Stop()
			return ErrClosed
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("wait for the metadata controllers: %w", ctx.Err())
		case <-t.C:
		}
	}
}

// fail marks the controller as unable to go on; the first reason counts. It
// may be called by consensus itself, which then must not be waited for.
func (c *Controller) fail(err error) {
	c.failOnce.Do(func() {
		c.failErr = err
		c.opts.Logger.Error("metadata controller failed for good", "error", err)
		close(c.failed)
	})
	if c.raft != nil {
		// Before it stands for election again, and panics when it cannot store
		// its vote.
		c.raft.Shutdown()
	}
}

// Failed is closed when the controller can go on no more: its disk failed, or
// it met an entry of a newer program. [Controller.Err] then says why. The
// process should stop taking writes and say so in its health.
func (c *Controller) Failed() <-chan struct{} { return c.failed }

// Err is why the controller failed, nil while it has not.
func (c *Controller) Err() error {
	select {
	case <-c.failed:
		return c.failErr
	default:
		return nil
	}
}

// ClusterID is the cluster of the controller's directory.
func (c *Controller) ClusterID() ids.UUID { return c.identity.cluster }

// Image is the newest image applied here.
func (c *Controller) Image() *image.Image { return c.fsm.feed.current() }

// IsActive says whether this controller is the active one, as far as it knows.
func (c *Controller) IsActive() bool { return c.raft.State() == raft.Leader }

// Term is the term in which this controller is the active one and has applied
// all that was committed before, 0 while it is not. changed is closed when that
// or the image may have changed.
func (c *Controller) Term() (term uint64, changed <-chan struct{}) {
	changed = c.fsm.feed.changed() // before the term: else a change between would be missed
	return c.leads.term(), changed
}

func (c *Controller) notActive() error {
	_, id := c.raft.LeaderWithID()
	return &NotControllerError{Hint: nodeOf(id)}
}

// Submit has a command agreed upon and applied, and returns its answer, which
// may be a refusal. Errors: *[NotControllerError], nothing happened;
// ErrUnknownOutcome, submit the same request again to learn it; what the
// controller failed with.
//
// If ctx ends first the outcome is unknown.
func (c *Controller) Submit(ctx context.Context, req *image.Request) (*image.Answer, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	if !c.IsActive() {
		return nil, c.notActive()
	}
	type outcome struct {
		response any
		err      error
	}
	done := make(chan outcome, 1)
	go func() { // neither call of consensus heeds ctx
		future := c.raft.Apply(image.AppendRequest(nil, req), 0)
		err := future.Error()
		done <- outcome{future.Response(), err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, c.submitError(o.err)
		}
		if err, failed := o.response.(error); failed {
			return nil, err
		}
		return o.response.(*image.Answer), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

func (c *Controller) submitError(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return c.notActive()
	case c.Err() != nil:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, c.Err())
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// Fetch serves the feed of the active controller to observers in its process;
// it implements [Source].
func (c *Controller) Fetch(ctx context.Context, req FetchRequest) (*FetchResponse, error) {
	if !req.Cluster.IsZero() && req.Cluster != c.identity.cluster {
		return nil, fmt.Errorf("%w: the observer is of cluster %s, the controller of %s",
			ErrForeignDir, req.Cluster, c.identity.cluster)
	}
	if req.LogEnd > 0 && !c.isVoter(req.Voter) {
		req.LogEnd = 0
	}
	var timeout <-chan time.Time
	if req.MaxWait > 0 {
		t := time.NewTimer(req.MaxWait)
		defer t.Stop()
		timeout = t.C
	}
	for {
		if !c.IsActive() {
			return nil, c.notActive()
		}
		resp, wake := c.fsm.feed.poll(&req, c.opts.Clock.Now())
		if wake == nil || req.MaxWait <= 0 {
			return resp, nil
		}
		select {
		case <-wake:
		case <-timeout:
			return resp, nil
		case <-c.closing:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close leaves the consensus and closes the directory. It is safe to call more
// than once.
func (c *Controller) Close() error {
	c.closeOnce.Do(func() {
		close(c.closing)
		err := errors.Join(c.raft.Shutdown().Error(), c.closeTransport()) // a second shutdown leaves it open
		c.watched.Wait()
		c.closeErr = errors.Join(err, c.store.close())
	})
	return c.closeErr
}

func (c *Controller) closeTransport() error {
	if c.transport == nil {
		return nil
	}
	return c.transport.Close()
}
