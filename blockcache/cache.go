package blockcache

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/invariant"
)

// ErrBusy says that too many callers wait for space already.
var ErrBusy = errors.New("blockcache: too many waiters for space")

// ErrTooLarge says that a block can never fit in the cache.
var ErrTooLarge = errors.New("blockcache: block larger than the cache")

// Key names a block: an object and the block's position in it, in bytes.
type Key struct {
	Object ids.ObjectID
	Pos    int64
}

// Memory gives the buffers that blocks lie in. Its methods are called under the
// cache's lock and must not block.
type Memory interface {
	// Cost is how many bytes a buffer of size bytes takes.
	Cost(size int) int64
	// Alloc gives size bytes, of any content.
	Alloc(size int) []byte
	// Free takes back what Alloc gave.
	Free(buf []byte)
}

// Config is what a Cache is made of.
type Config struct {
	BytesMax   int64  // bound of all blocks together, held ones included
	WaitersMax int    // bound of callers waiting for space; 0 means 1024
	Memory     Memory // nil means memory off the garbage-collected heap
}

// Stats is a snapshot of a cache's counters.
type Stats struct {
	Hits, Misses    uint64 // claims answered by a present or coming block, and not
	Evictions       uint64
	Refused         uint64 // claims refused or turned away for want of space
	Bytes, BytesMax int64
	Blocks, Waiters int
}

// Cache is a bounded set of blocks, safe for concurrent use.
type Cache struct {
	mu         sync.Mutex
	mem        Memory
	bytesMax   int64
	spentMax   int64
	waitersMax int
	entries    map[Key]*Block
	spent      queue // finished with by a sequential reader: evicted first
	small      queue // new
	main       queue // used again
	ghosts     ghosts
	waiting    []*waiter // in the order in which they came
	bytes      int64
	stats      Stats
}

type waiter struct {
	size  int
	ready chan struct{} // closed once size bytes are reserved for the waiter
}

// New makes an empty cache.
func New(cfg Config) *Cache {
	c := &Cache{mem: cfg.Memory, bytesMax: cfg.BytesMax, spentMax: min(spentBytesMax, cfg.BytesMax/spentShare), waitersMax: cfg.WaitersMax, entries: map[Key]*Block{}}
	if c.mem == nil {
		c.mem = newArena(cfg.BytesMax)
	}
	if c.waitersMax == 0 {
		c.waitersMax = 1024
	}
	return c
}

// Want names a block to be claimed.
type Want struct {
	Key  Key
	Size int // bytes
}

// ClaimRun claims blocks that lie behind one another in one object. If the
// first is present or being filled, it returns that block alone, held, and fill
// is false: the caller must Wait before it reads Bytes. Otherwise it returns
// new blocks, held, for as many of run as are not present, but only the first
// where space is short; the caller must fill Run of the first, which is the
// memory of all of them together, and call Loaded of each, exactly once.
//
// ClaimRun waits for space until ctx is done; when WaitersMax callers wait
// already it returns ErrBusy. run is not empty.
func (c *Cache) ClaimRun(ctx context.Context, run []Want) (blocks []*Block, fill bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if blocks, fill, ok := c.tryClaim(run); ok {
		return blocks, fill, nil
	}
	size := run[0].Size
	if c.mem.Cost(size) > c.bytesMax {
		return nil, false, ErrTooLarge
	}
	if err := c.wait(ctx, size); err != nil {
		return nil, false, err
	}
	if b := c.entries[run[0].Key]; b != nil { // another loaded it while we waited
		c.unreserve(size)
		c.touch(b)
		return []*Block{b}, false, nil
	}
	return c.insert(run[:1], size), true, nil
}

// TryClaimRun is ClaimRun without waiting for space: ok is false if there is
// none. Whoever holds blocks already claims more only by TryClaimRun, or two
// that hold what the other waits for would wait for ever.
func (c *Cache) TryClaimRun(run []Want) (blocks []*Block, fill, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if blocks, fill, ok = c.tryClaim(run); !ok {
		c.stats.Refused++
	}
	return blocks, fill, ok
}

func (c *Cache) tryClaim(run []Want) (blocks []*Block, fill, ok bool) {
	if b := c.entries[run[0].Key]; b != nil {
		c.touch(b)
		return []*Block{b}, false, true
	}
	if len(c.waiting) > 0 {
		return nil, false, false
	}
	n, size := 1, run[0].Size
	for n < len(run) && c.entries[run[n].Key] == nil {
		size += run[n].Size
		n++
	}
	if n > 1 && !c.reserve(size) {
		n, size = 1, run[0].Size
	} else if n > 1 {
		return c.insert(run[:n], size), true, true
	}
	if !c.reserve(size) {
		return nil, false, false
	}
	return c.insert(run[:1], size), true, true
}

// Drop forgets the blocks of an object that exists no more. Held ones stay
// valid for their holders.
func (c *Cache) Drop(object ids.ObjectID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, b := range c.entries {
		if key.Object == object && b.state == ready {
			c.forget(b)
		}
	}
	c.grant()
}

// Close forgets all blocks and gives their memory back. Nobody may hold one, or
// claim one any more.
func (c *Cache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.entries {
		invariant.Check(b.refs == 0, "blockcache: closed with a block held")
		c.forget(b)
	}
	if a, ok := c.mem.(*arena); ok {
		a.close()
	}
}

// Stats returns the counters as they stand.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Bytes, s.BytesMax = c.bytes, c.bytesMax
	s.Blocks, s.Waiters = len(c.entries), len(c.waiting)
	return s
}

// touch counts a use of b and holds it.
func (c *Cache) touch(b *Block) {
	c.stats.Hits++
	b.refs++
	b.uses = min(b.uses+1, usesMax)
	if b.in == &c.spent {
		c.spent.remove(b)
		c.main.push(b)
	}
}

// insert makes the entries of a run, held by the caller and being filled; its
// bytes are reserved already.
func (c *Cache) insert(run []Want, size int) []*Block {
	c.stats.Misses += uint64(len(run))
	mem := &memory{buf: c.mem.Alloc(size), blocks: len(run)}
	out := make([]*Block, len(run))
	at := 0
	for i, w := range run {
		b := &Block{cache: c, key: w.Key, mem: mem, buf: mem.buf[at : at+w.Size : at+w.Size], refs: 1, done: make(chan struct{})}
		at += w.Size
		c.entries[w.Key] = b
		if c.ghosts.take(w.Key) {
			c.main.push(b)
		} else {
			c.small.push(b)
		}
		out[i] = b
	}
	return out
}

// wait queues the caller until size bytes are reserved for it. The lock is
// held on entry and on return.
func (c *Cache) wait(ctx context.Context, size int) error {
	if len(c.waiting) >= c.waitersMax {
		c.stats.Refused++
		return ErrBusy
	}
	w := &waiter{size: size, ready: make(chan struct{})}
	c.waiting = append(c.waiting, w)
	c.mu.Unlock()
	select {
	case <-w.ready:
		c.mu.Lock()
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	select {
	case <-w.ready: // granted meanwhile: give it to the next
		c.unreserve(size)
	default:
		c.leave(w)
	}
	return ctx.Err()
}

func (c *Cache) leave(w *waiter) {
	c.waiting = slices.DeleteFunc(c.waiting, func(x *waiter) bool { return x == w })
	c.grant()
}

// grant reserves space for those who wait, in order, as far as it goes.
func (c *Cache) grant() {
	for len(c.waiting) > 0 && c.reserve(c.waiting[0].size) {
		close(c.waiting[0].ready)
		c.waiting = c.waiting[1:]
	}
}
