package blockcache

import (
	"context"

	"github.com/seawallmq/seawall/internal/invariant"
)

// usesMax caps the use counter: more says nothing about the future.
const usesMax = 3

type blockState uint8

const (
	loading blockState = iota
	ready
	failed
)

// memory is what the blocks of one run lie in. It is freed with the last of
// them: blocks that are read one after another are mostly evicted so, too.
type memory struct {
	buf    []byte
	blocks int // that are not dropped
}

// Block is one cached block. Its fields are guarded by the cache's lock,
// except buf and err, which are written before done is closed and only read
// after.
type Block struct {
	cache *Cache
	key   Key
	mem   *memory // of the run it was claimed in
	buf   []byte  // its part of that
	err   error
	done  chan struct{} // closed when filled or failed
	state blockState
	refs  int
	uses  uint8

	in         *queue // nil once forgotten
	next, prev *Block
}

// Key is the block's name.
func (b *Block) Key() Key { return b.key }

// Run is what the filler fills: the memory of all blocks claimed together with
// this one, in order. Nobody reads a block before Loaded.
func (b *Block) Run() []byte { return b.mem.buf }

// Loaded says that the block is filled, or why it could not be. Only the one
// who was told to fill calls it, once, while holding the block.
func (b *Block) Loaded(err error) {
	c := b.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	invariant.Check(b.state == loading, "blockcache: block loaded twice")
	b.err = err
	b.state = ready
	if err != nil {
		b.state = failed
		c.forget(b)
	}
	close(b.done)
	c.grant()
}

// Wait waits until the block is filled and returns why it could not be, or
// ctx's error. The block is still held after an error.
func (b *Block) Wait(ctx context.Context) error {
	select {
	case <-b.done:
		return b.err
	default:
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Bytes is the block's content: valid after Wait returned nil, or for who filled
// it, and until Release. It is not to be written.
func (b *Block) Bytes() []byte { return b.buf }

// Release gives up a hold.
func (b *Block) Release() { b.release(false) }

// ReleaseSpent gives up a hold of a sequential reader that has read the block
// to its end: unless others used it too, it is the first to be evicted.
func (b *Block) ReleaseSpent() { b.release(true) }

func (b *Block) release(spent bool) {
	c := b.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	invariant.Check(b.refs > 0, "blockcache: block released more often than held")
	b.refs--
	if b.refs > 0 {
		return
	}
	if b.in == nil { // forgotten while held: its bytes come free only now
		c.drop(b)
	} else if spent && b.in == &c.small {
		c.small.remove(b)
		c.spent.push(b)
		c.trimSpent()
	}
	c.grant()
}
