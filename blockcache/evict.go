package blockcache

import "github.com/seawallmq/seawall/internal/invariant"

// smallShare is the part of the cache, as a divisor, that new blocks may hold
// against blocks used again. S3-FIFO's tenth would let a read-ahead of tens of
// megabytes evict itself before it is read, so it is a quarter.
const smallShare = 4

const (
	// spentBytesMax is how much is kept of what sequential readers have finished
	// with: as much as another may be behind them; spentShare of a small cache.
	spentBytesMax = 64 << 20
	spentShare    = 4
	// ghostBytes is the size of a block, for how many keys are remembered.
	ghostBytes = 512 << 10
)

// reserve makes room for size bytes by evicting, and takes them. It says false
// when too much is held or being filled.
func (c *Cache) reserve(size int) bool {
	cost := c.mem.Cost(size)
	for c.bytes+cost > c.bytesMax {
		if !c.evictOne() {
			return false
		}
	}
	c.bytes += cost
	return true
}

func (c *Cache) unreserve(size int) {
	c.bytes -= c.mem.Cost(size)
	c.grant()
}

// trimSpent evicts what sequential readers have finished with, past a bound, so
// that a replay of history uses a little memory again and again: fresh memory
// costs more than all else about a read. Whoever replays the same once more
// brings it into the main queue, by way of the ghosts, and so to stay.
func (c *Cache) trimSpent() {
	for c.spent.bytes > c.spentMax && c.evictFrom(&c.spent) {
	}
}

// evictOne evicts one block, from the queue whose turn it is if that has one
// to give, else from any.
func (c *Cache) evictOne() bool {
	if c.evictFrom(&c.spent) {
		return true
	}
	if c.small.bytes*smallShare > c.bytesMax {
		return c.evictFrom(&c.small) || c.evictFrom(&c.main)
	}
	return c.evictFrom(&c.main) || c.evictFrom(&c.small)
}

// evictFrom walks q from its oldest block, at most usesMax+1 times around, and
// evicts the first that is neither held, nor being filled, nor due another
// round.
func (c *Cache) evictFrom(q *queue) bool {
	for range q.len * (usesMax + 1) {
		b := q.oldest()
		if b == nil {
			return false
		}
		switch {
		case b.refs > 0 || b.state == loading:
			q.remove(b)
			q.push(b)
		case q == &c.small && b.uses > 1:
			b.uses = 0
			q.remove(b)
			c.main.push(b)
		case q == &c.main && b.uses > 0:
			b.uses--
			q.remove(b)
			q.push(b)
		default:
			if q == &c.small || q == &c.spent && c.bytes <= c.bytesMax/2 {
				c.ghosts.add(b.key, max(len(c.entries), int(c.bytesMax/ghostBytes)))
			}
			c.stats.Evictions++
			c.forget(b)
			return true
		}
	}
	return false
}

// forget takes b out of the cache; its bytes come free with its last holder.
func (c *Cache) forget(b *Block) {
	b.in.remove(b)
	delete(c.entries, b.key)
	if b.refs == 0 {
		c.drop(b)
	}
}

// drop gives up a block that is neither held nor in the cache.
func (c *Cache) drop(b *Block) {
	if invariant.Enabled {
		for i := range b.buf {
			b.buf[i] = 0xdb
		}
	}
	b.buf = nil
	if b.mem.blocks--; b.mem.blocks > 0 {
		return
	}
	c.bytes -= c.mem.Cost(len(b.mem.buf))
	invariant.Check(c.bytes >= 0, "blockcache: more bytes freed than taken")
	c.mem.Free(b.mem.buf)
	b.mem.buf = nil
}

// queue is a FIFO of blocks, intrusive.
type queue struct {
	head, tail *Block // head is the oldest
	len        int
	bytes      int64
}

func (q *queue) oldest() *Block { return q.head }

func (q *queue) push(b *Block) {
	b.in, b.prev, b.next = q, q.tail, nil
	if q.tail != nil {
		q.tail.next = b
	} else {
		q.head = b
	}
	q.tail = b
	q.len++
	q.bytes += int64(len(b.buf))
}

func (q *queue) remove(b *Block) {
	if b.prev != nil {
		b.prev.next = b.next
	} else {
		q.head = b.next
	}
	if b.next != nil {
		b.next.prev = b.prev
	} else {
		q.tail = b.prev
	}
	b.in, b.prev, b.next = nil, nil, nil
	q.len--
	q.bytes -= int64(len(b.buf))
}

// ghosts remembers keys last evicted, about as many as the cache may have
// blocks.
type ghosts struct {
	keys  map[Key]struct{}
	order []Key
}

func (g *ghosts) add(key Key, max int) {
	if g.keys == nil {
		g.keys = map[Key]struct{}{}
	}
	for len(g.order) > max {
		delete(g.keys, g.order[0])
		g.order = g.order[1:]
	}
	if _, ok := g.keys[key]; !ok {
		g.keys[key] = struct{}{}
		g.order = append(g.order, key)
	}
}

// take says whether key is remembered, and forgets it. Its place in the order
// stays until it ages out, which only makes the memory a little shorter.
func (g *ghosts) take(key Key) bool {
	_, ok := g.keys[key]
	delete(g.keys, key)
	return ok
}
