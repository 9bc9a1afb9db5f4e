package s3stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/read"
)

// TailRead asks for batches of a closed tail, as Stream.Read does.
type TailRead struct {
	Stream     ids.StreamID
	Epoch      ids.StreamEpoch // that wrote the tail
	From, UpTo int64
	MaxBytes   int
	MinOne     bool
}

// RemoteTails reads closed tails from the nodes that hold their WALs.
type RemoteTails interface {
	// ReadTail asks holder. The error is ErrNotHere if that has it no more, or
	// not yet.
	ReadTail(ctx context.Context, holder ids.NodeID, r TailRead) (Result, error)
}

// ErrNotHere says that a node does not hold what is asked for: the metadata
// knows, by now or soon, where it is.
var ErrNotHere = errors.New("tail is not held here")

const (
	// servedMax is how many reads for other nodes are under way at once. They
	// do not count as cold reads: two nodes that read from each other must not
	// wait for each other.
	servedMax = 16
	// remoteBytesMax bounds one answer, but for a larger batch.
	remoteBytesMax = 1 << 20
	// remoteWaitMax is how long a read waits for a tail to be found: its holder
	// may have died, and the WAL wait for its rescuer.
	remoteWaitMax = 5 * time.Second
	// Between two looks into the metadata.
	remotePauseFirst = 2 * time.Millisecond
	remotePauseMost  = 200 * time.Millisecond
)

// ReadHeld serves another node a closed tail from a WAL that this one holds. It
// returns ErrNotHere if it does not. Reads wait for their turn among a few, and
// what they return is charged until it is released: a node that is slow to take
// its answers keeps others from theirs, but takes no more memory.
func (m *Manager) ReadHeld(ctx context.Context, r TailRead) (Result, error) {
	held := &heldMemory{account: m.servedMemory}
	if err := held.grow(ctx, remoteBytesMax); err != nil {
		return Result{}, err
	}
	res, err := m.readHeld(ctx, r)
	if err != nil {
		held.Release()
		return Result{}, err
	}
	m.servedBytes.Add(int64(res.Bytes()))
	// Not less, should it be small: it may keep whole pages of the log cache.
	held.fit(max(int64(res.Bytes()), remoteBytesMax))
	res.Keep(held)
	return res, nil
}

func (m *Manager) readHeld(ctx context.Context, r TailRead) (Result, error) {
	select {
	case m.served <- struct{}{}:
		defer func() { <-m.served }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	for _, w := range *m.windows.Load() {
		res, covered, err := w.Read(ctx, read.Request{
			Stream: r.Stream, Epoch: r.Epoch, From: r.From, UpTo: r.UpTo, MaxBytes: min(r.MaxBytes, remoteBytesMax), MinOne: r.MinOne,
		})
		if err != nil {
			return Result{}, fmt.Errorf("stream %d: read at %d for another node: %w", r.Stream, r.From, err)
		}
		if covered {
			return res, nil
		}
	}
	return Result{}, ErrNotHere
}

// remoteReader reads what others hold.
type remoteReader struct {
	self   ids.NodeID
	meta   StreamMeta
	tails  RemoteTails
	memory *budget.Account
	clock  clock.Clock
	bytes  atomic.Int64
}

func newRemoteReader(cfg Config) *remoteReader {
	return &remoteReader{self: cfg.Node, meta: cfg.Meta, tails: cfg.Remote, memory: cfg.RemoteMemory, clock: cfg.Clock}
}

// read finds the tail that holds the offset and asks its holder; found is false
// if objects hold it. While neither is so it looks again: the tail's WAL may be
// about to be rescued, or the commit of its upload about to be seen here.
func (x *remoteReader) read(ctx context.Context, m *Manager, r read.Request) (res Result, found bool, err error) {
	retry, until := clock.Backoff{Min: remotePauseFirst, Max: remotePauseMost}, x.clock.Now().Add(remoteWaitMax)
	for {
		t, ok := x.meta.TailAt(r.Stream, r.From)
		if !ok {
			return Result{}, false, nil
		}
		if res, err = x.ask(ctx, m, t, r); err == nil {
			return res, true, nil
		}
		if ctx.Err() != nil || x.clock.Now().After(until) {
			return Result{}, false, fmt.Errorf("tail held by node %d: %w", t.Holder, err)
		}
		if err := retry.Wait(ctx, x.clock); err != nil {
			return Result{}, false, err
		}
	}
}

// ask makes one attempt at a tail.
func (x *remoteReader) ask(ctx context.Context, m *Manager, t meta.HeldTail, r read.Request) (Result, error) {
	switch t.Holder {
	case meta.NoNode:
		return Result{}, ErrNotHere
	case x.self: // just rescued, or closed; or gone into objects since we looked
		r.Epoch, r.UpTo = t.Epoch, min(r.UpTo, t.End)
		for _, w := range *m.windows.Load() {
			if res, covered, err := w.Read(ctx, r); covered || err != nil {
				return res, err
			}
		}
		return Result{}, ErrNotHere
	}
	ask := TailRead{
		Stream: r.Stream, Epoch: t.Epoch, From: r.From, UpTo: min(r.UpTo, t.End),
		MaxBytes: min(r.MaxBytes, remoteBytesMax), MinOne: r.MinOne,
	}
	held := &heldMemory{account: x.memory}
	if err := held.grow(ctx, int64(max(ask.MaxBytes, 1))); err != nil {
		return Result{}, err
	}
	res, err := x.tails.ReadTail(ctx, t.Holder, ask)
	if err != nil {
		held.Release()
		return Result{}, err
	}
	x.bytes.Add(int64(res.Bytes()))
	held.fit(int64(res.Bytes()))
	res.Keep(held)
	return res, nil
}

// heldMemory is what a result from another node takes until it is released.
type heldMemory struct {
	account *budget.Account
	bytes   int64
}

// memoryWaitMax is how long a read waits for memory: it may itself hold what
// another one waits for.
const memoryWaitMax = time.Second

func (h *heldMemory) grow(ctx context.Context, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, memoryWaitMax)
	defer cancel()
	if err := h.account.Acquire(ctx, n); err != nil {
		return fmt.Errorf("memory for a tail of another node: %w", err)
	}
	h.bytes = n
	return nil
}

// fit gives back what was not needed. A single batch may be larger than what was
// asked for: of that, what cannot be had is not charged.
func (h *heldMemory) fit(n int64) {
	if n > h.bytes {
		if h.account.TryAcquire(n - h.bytes) {
			h.bytes = n
		}
		return
	}
	h.account.Release(h.bytes - n)
	h.bytes = n
}

// Release implements read.Hold.
func (h *heldMemory) Release() {
	h.account.Release(h.bytes)
	h.bytes = 0
}
