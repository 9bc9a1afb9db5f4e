package read

import (
	"fmt"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/s3stream/objfmt"
)

// cutter cuts the batches of a request out of blocks.
type cutter struct {
	req   Request
	frame Framer
	res   Result
	bytes int
	full  bool // UpTo or MaxBytes is reached
}

// add takes over the caller's hold on the next block and adds what the request
// wants of it.
func (c *cutter) add(ref *blockRef, b *blockcache.Block) error {
	if c.full {
		b.Release()
		return nil
	}
	p := b.Bytes()
	from, to := 0, 0 // of p, what is wanted
	for to < len(p) {
		size, _, end, err := c.frame(p[to:])
		if err == nil && (size <= 0 || size > len(p)-to) {
			err = fmt.Errorf("batch of %d bytes with %d left", size, len(p)-to)
		}
		if err != nil {
			b.Release()
			return fmt.Errorf("object %d: block at %d: byte %d: %w: %w", ref.object.Object, ref.Position, to, objfmt.ErrCorrupt, err)
		}
		if end <= c.req.From {
			to += size
			from = to
			continue
		}
		first := c.bytes == 0
		if end > c.req.UpTo || c.bytes+size > c.req.MaxBytes && (!first || !c.req.MinOne) {
			c.full = true
			break
		}
		to += size
		c.bytes += size
		c.res.NextOffset = end
	}
	if to == len(p) {
		c.res.NextOffset = max(c.res.NextOffset, min(ref.End, c.req.UpTo))
	}
	switch {
	case from == to:
		b.Release()
	case to == len(p):
		c.res.Append(p[from:to], spent{b})
	default:
		c.res.Append(p[from:to], b)
	}
	return nil
}

// spent is a hold on a block that is being read to its end.
type spent struct{ *blockcache.Block }

// Release gives the block up as one that its reader will not come back to.
func (s spent) Release() { s.ReleaseSpent() }
