package read

import "github.com/seawallmq/seawall/internal/ids"

func (r *Reader) takeCursor(req Request) *cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cursors.take(req.Stream, req.From)
}

// putCursor remembers where the consumer stands and begins to read ahead of it
// if it is time to.
func (r *Reader) putCursor(c *cursor, stream ids.StreamID, next int64) {
	r.mu.Lock()
	want := c.moved(next)
	r.cursors.put(stream, c)
	from := c.asked
	c.reading = c.reading || want > 0
	r.mu.Unlock()
	if want > 0 {
		r.spawn(func() { r.readAhead(c, stream, from, want) })
	}
}

// readAhead asks for the stream's blocks from offset from on, about want bytes
// of them, as long as the cache has room that nobody waits for. It does not
// wait for them: the consumer will.
func (r *Reader) readAhead(c *cursor, stream ids.StreamID, from, want int64) {
	var fills []fill
	var asked []aheadBlock
	full := false
	for ref, err := range r.blocks(r.ctx, stream, from) {
		if err != nil || want <= 0 {
			break // an error is the consumer's to meet
		}
		if ref.Start < from { // the consumer is in it
			continue
		}
		if !r.cfg.Cache.Has(ref.key()) {
			b, isNew, ok := r.cfg.Cache.TryClaim(ref.key(), ref.Size)
			if full = !ok; full {
				break
			}
			if isNew {
				fills = append(fills, fill{ref, b})
			} else {
				b.Release()
			}
		}
		want -= int64(ref.Size)
		asked = append(asked, aheadBlock{ref.End, int64(ref.Size)})
	}
	r.fetch(fills)
	for _, f := range fills {
		f.block.Release() // held only so that it was not evicted before it is loading
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.reading = false
	if n := len(asked); n > 0 {
		c.ahead = append(c.ahead, asked...)
		c.asked = max(c.asked, asked[n-1].end)
	}
	if full {
		c.shrink()
	}
}
