package kraftmeta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/lograte"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// ObserverOptions are the settings of an [Observer].
type ObserverOptions struct {
	Node        ids.NodeID // -1 for an observer that is no node, such as a tool
	Incarnation ids.UUID   // with which the node registers
	Cluster     ids.UUID   // the cluster expected; zero for any
	// LogEnd is, in the process of a controller, the newest index in its log:
	// it is told with each fetch, see [Voting]. nil elsewhere.
	LogEnd func() uint64
	Voter  ids.NodeID // that controller
	Clock  clock.Clock
	Logger *slog.Logger // nil discards
}

// How an observer fetches.
const (
	observeBytes = 4 << 20                // of deltas at a time
	observeWait  = 500 * time.Millisecond // when there is nothing new
	// electing is how long there may be no active controller before that is
	// trouble: controllers elect another one within a second or two.
	electing = 3 * time.Second
)

// Observer follows a feed with an image of its own.
type Observer struct {
	opts   ObserverOptions
	source Source
	floor  atomic.Uint64
	newest atomic.Uint64 // the controller's index, as it last told
	lost   lograte.Trouble
	img    atomic.Pointer[image.Image]

	// advance is held while an image is published and subscribers are told, so
	// that a new subscriber sees neither a gap nor a repetition. It comes
	// before mu.
	advance     sync.Mutex
	subscribers []func(prev, next *image.Image, d image.Delta)

	mu      sync.Mutex
	told    uint64   // subscribers have been told up to here
	waiters []waiter // in no order

	stop context.CancelFunc
	done chan struct{}
}

type waiter struct {
	index uint64
	woken chan struct{}
}

// NewObserver returns an observer with an empty image; Start sets it going.
func NewObserver(source Source, opts ObserverOptions) *Observer {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	o := &Observer{opts: opts, source: source, done: make(chan struct{})}
	o.img.Store(image.New())
	return o
}

// Start begins to follow the feed, in a goroutine, until Close. Call it once.
func (o *Observer) Start() {
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	go o.follow(ctx)
}

// Close stops following. The image stays as it is; waiters get ErrClosed.
func (o *Observer) Close() {
	if o.stop == nil {
		return
	}
	o.stop()
	<-o.done
}

// Image is the newest image. It only ever advances.
func (o *Observer) Image() *image.Image { return o.img.Load() }

// LivingFloor is an index that every living node's observer has passed, as the
// controller last told: objects removed at or below it may be deleted (I4).
func (o *Observer) LivingFloor() uint64 { return o.floor.Load() }

// Lag is by how many commands the image is behind the controller, as that last
// told.
func (o *Observer) Lag() uint64 {
	newest, have := o.newest.Load(), o.Image().Index()
	return max(newest, have) - have
}

// Lost is for how long no active controller has answered, 0 while one does. An
// election is no trouble unless it takes long.
func (o *Observer) Lost() time.Duration { return o.lost.For(o.opts.Clock.Now()) }

// OnDelta subscribes f to changes. It is called once before OnDelta returns,
// with all that is there as a change of an empty image, and from then on for
// every change in order. When the observer had to begin again with a snapshot,
// d is the difference: subscribers need not know.
//
// f runs in the observer's goroutine, and WaitFor returns after it: it must not
// block, nor wait for the observer or for commands. There is no way to
// unsubscribe: subscribers live as long as the observer.
func (o *Observer) OnDelta(f func(prev, next *image.Image, d image.Delta)) {
	o.advance.Lock()
	defer o.advance.Unlock()
	empty, now := image.New(), o.Image()
	f(empty, now, image.Diff(empty, now))
	o.subscribers = append(o.subscribers, f)
}

// WaitFor returns once the image contains the command at index and subscribers
// have been told: a submitter then reads its own writes. The error is ctx's,
// or ErrClosed.
func (o *Observer) WaitFor(ctx context.Context, index uint64) error {
	w := waiter{index, make(chan struct{})}
	o.mu.Lock()
	if o.told >= index {
		o.mu.Unlock()
		return nil
	}
	o.waiters = append(o.waiters, w)
	o.mu.Unlock()
	select {
	case <-w.woken:
		return nil
	case <-o.done:
		return ErrClosed
	case <-ctx.Done():
		o.forget(w)
		return fmt.Errorf("wait for metadata index %d: %w", index, ctx.Err())
	}
}

func (o *Observer) forget(gone waiter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, w := range o.waiters {
		if w.woken == gone.woken {
			o.waiters[i] = o.waiters[len(o.waiters)-1]
			o.waiters = o.waiters[:len(o.waiters)-1]
			return
		}
	}
}

// follow fetches and publishes until ctx ends.
func (o *Observer) follow(ctx context.Context) {
	defer close(o.done)
	retry := newBackoff()
	answered := o.opts.Clock.Now()
	for ctx.Err() == nil {
		resp, err := o.source.Fetch(ctx, o.nextFetch())
		now := o.opts.Clock.Now()
		if err != nil {
			elsewhere := errors.As(err, new(*NotControllerError)) && now.Sub(answered) < electing
			if ctx.Err() == nil && !elsewhere {
				o.lost.Fail(o.opts.Logger, now, "cannot follow the metadata", err)
			}
			_ = retry.Wait(ctx, o.opts.Clock) // ends with ctx, as the loop does
			continue
		}
		retry.Reset()
		answered = now
		o.lost.Over(o.opts.Logger, now, "following the metadata again")
		o.take(resp)
	}
}

// nextFetch asks for what comes after the image.
func (o *Observer) nextFetch() FetchRequest {
	req := FetchRequest{
		Cluster: o.opts.Cluster, Node: o.opts.Node, Incarnation: o.opts.Incarnation,
		After: o.Image().Index(), MaxBytes: observeBytes, MaxWait: observeWait,
	}
	if o.opts.LogEnd != nil {
		req.Voter, req.LogEnd = o.opts.Voter, o.opts.LogEnd()
	}
	return req
}

// take publishes what a fetch brought.
func (o *Observer) take(resp *FetchResponse) {
	o.floor.Store(resp.LivingFloor)
	o.newest.Store(resp.Index)
	if s := resp.Snapshot; s != nil && s.Index() > o.Image().Index() {
		o.publish(s, image.Diff(o.Image(), s))
	}
	for _, d := range resp.Deltas {
		if d.Index > o.Image().Index() {
			o.publish(o.Image().With(d), d)
		}
	}
}

func (o *Observer) publish(next *image.Image, d image.Delta) {
	o.advance.Lock()
	prev := o.img.Swap(next)
	for _, f := range o.subscribers {
		f(prev, next, d)
	}
	o.advance.Unlock()

	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = next.Index()
	left := o.waiters[:0]
	for _, w := range o.waiters {
		if w.index <= o.told {
			close(w.woken)
		} else {
			left = append(left, w)
		}
	}
	o.waiters = left
}
