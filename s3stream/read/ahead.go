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
	var refs []blockRef
	for ref, err := range r.blocks(r.ctx, stream, from) {
		if err != nil || want <= 0 {
			break // an error is the consumer's to meet
		}
		if ref.Start >= from { // else the consumer is in it
			refs = append(refs, ref)
			want -= int64(ref.Size)
		}
	}
	asked := r.prefetch(refs)
	r.mu.Lock()
	defer r.mu.Unlock()
	c.reading = false
	for _, ref := range refs[:asked] {
		c.ahead = append(c.ahead, aheadBlock{ref.End, int64(ref.Size)})
		c.asked = max(c.asked, ref.End)
	}
	if asked < len(refs) {
		c.shrink()
	}
}

// prefetch begins to load the blocks that are not there yet, and returns how
// many it saw to before the cache had no more room.
func (r *Reader) prefetch(refs []blockRef) (asked int) {
	for asked < len(refs) {
		rest := refs[asked:]
		blocks, fill, ok := r.cfg.Cache.TryClaimRun(wants(rest[:runLen(rest)]))
		if !ok {
			break
		}
		if fill {
			r.fetch(rest[:len(blocks)], blocks)
		}
		for _, b := range blocks {
			b.Release() // while it is being filled it stays without
		}
		asked += len(blocks)
	}
	return asked
}
