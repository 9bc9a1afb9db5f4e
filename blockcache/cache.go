package blockcache

import (
	"context"
	"errors"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
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

// Priority orders those who wait for space.
type Priority uint8

// The priorities, most urgent first.
const (
	Tail    Priority = iota // a consumer near the end of its partition
	CatchUp                 // a consumer replaying history
	priorities
)

// Memory gives the buffers that blocks lie in. Alloc may be given any size up
// to the cache's; it is called under the cache's lock and must not block.
type Memory interface {
	Alloc(size int) []byte
	Free(buf []byte)
}

// Config is what a Cache is made of.
type Config struct {
	BytesMax   int64  // bound of all blocks together, held ones included
	WaitersMax int    // bound of callers waiting for space; 0 means 1024
	Memory     Memory // nil means the garbage-collected heap
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
	waitersMax int
	entries    map[Key]*Block
	spent      queue // finished with by a sequential reader: evicted first
	small      queue // new
	main       queue // used again
	ghosts     ghosts
	waiting    [priorities][]*waiter
	nWaiting   int
	bytes      int64
	stats      Stats
}

type waiter struct {
	size  int
	ready chan struct{} // closed once size bytes are reserved for the waiter
}

// New makes an empty cache.
func New(cfg Config) *Cache {
	c := &Cache{mem: cfg.Memory, bytesMax: cfg.BytesMax, waitersMax: cfg.WaitersMax, entries: map[Key]*Block{}}
	if c.mem == nil {
		c.mem = heap{}
	}
	if c.waitersMax == 0 {
		c.waitersMax = 1024
	}
	return c
}

type heap struct{}

func (heap) Alloc(size int) []byte { return make([]byte, size) }
func (heap) Free([]byte)           {}

// Lookup returns the block of key, held, if it is present and filled.
func (c *Cache) Lookup(key Key) (*Block, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.entries[key]
	if b == nil || b.state != ready {
		return nil, false
	}
	c.touch(b)
	return b, true
}

// Has says whether the block of key is present or being loaded.
func (c *Cache) Has(key Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[key] != nil
}

// Claim returns the block of key, held. If fill is true the block is new and
// the caller must fill its Buffer and call Loaded, exactly once; otherwise the
// caller must Wait before it reads Bytes. Claim waits for space until ctx is
// done; when WaitersMax callers wait already it returns ErrBusy.
func (c *Cache) Claim(ctx context.Context, key Key, size int, p Priority) (b *Block, fill bool, err error) {
	c.mu.Lock()
	if b := c.entries[key]; b != nil {
		c.touch(b)
		c.mu.Unlock()
		return b, false, nil
	}
	c.stats.Misses++
	if int64(size) > c.bytesMax {
		c.mu.Unlock()
		return nil, false, ErrTooLarge
	}
	if c.nWaiting > 0 || !c.reserve(size) {
		if err := c.wait(ctx, size, p); err != nil {
			c.mu.Unlock()
			return nil, false, err
		}
		if b := c.entries[key]; b != nil { // another loaded it while we waited
			c.unreserve(size)
			c.touch(b)
			c.mu.Unlock()
			return b, false, nil
		}
	}
	b = c.insert(key, size)
	c.mu.Unlock()
	return b, true, nil
}

// TryClaim is Claim without waiting for space: ok is false if there is none.
// Whoever holds blocks already claims more only by TryClaim, or two that hold
// what the other waits for would wait for ever.
func (c *Cache) TryClaim(key Key, size int) (b *Block, fill, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.entries[key]; b != nil {
		c.touch(b)
		return b, false, true
	}
	if c.nWaiting > 0 || !c.reserve(size) {
		c.stats.Refused++
		return nil, false, false
	}
	c.stats.Misses++
	return c.insert(key, size), true, true
}

// Get returns the block of key, held and filled, loading it with load if
// nobody has. load fills all of dst. An error of load is given to everyone who
// waits for the block, and the block is forgotten.
func (c *Cache) Get(ctx context.Context, key Key, size int, p Priority, load func(dst []byte) error) (*Block, error) {
	b, fill, err := c.Claim(ctx, key, size, p)
	if err != nil {
		return nil, err
	}
	if fill {
		b.Loaded(load(b.Buffer()))
	}
	if err := b.Wait(ctx); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
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

// Stats returns the counters as they stand.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Bytes, s.BytesMax = c.bytes, c.bytesMax
	s.Blocks, s.Waiters = len(c.entries), c.nWaiting
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

// insert makes the entry of key, held by the caller and being filled; its
// bytes are reserved already.
func (c *Cache) insert(key Key, size int) *Block {
	b := &Block{cache: c, key: key, buf: c.mem.Alloc(size), refs: 1, done: make(chan struct{})}
	c.entries[key] = b
	if c.ghosts.take(key) {
		c.main.push(b)
	} else {
		c.small.push(b)
	}
	return b
}

// wait queues the caller until size bytes are reserved for it. The lock is
// held on entry and on return.
func (c *Cache) wait(ctx context.Context, size int, p Priority) error {
	if c.nWaiting >= c.waitersMax {
		c.stats.Refused++
		return ErrBusy
	}
	w := &waiter{size: size, ready: make(chan struct{})}
	c.waiting[p] = append(c.waiting[p], w)
	c.nWaiting++
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
		c.leave(w, p)
	}
	return ctx.Err()
}

func (c *Cache) leave(w *waiter, p Priority) {
	for i, x := range c.waiting[p] {
		if x == w {
			c.waiting[p] = append(c.waiting[p][:i], c.waiting[p][i+1:]...)
			c.nWaiting--
			break
		}
	}
	c.grant()
}

// grant reserves space for those who wait, in order, as far as it goes.
func (c *Cache) grant() {
	for p := range c.waiting {
		for len(c.waiting[p]) > 0 {
			w := c.waiting[p][0]
			if !c.reserve(w.size) {
				return
			}
			c.waiting[p] = c.waiting[p][1:]
			c.nWaiting--
			close(w.ready)
		}
	}
}
