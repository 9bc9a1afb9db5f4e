package upload

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/recycle"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// partSender sends one object: by one PUT if it is no larger than a part, else
// in parts, several of them in flight while the next is assembled.
type partSender struct {
	u      *Uploader
	key    string
	parent context.Context
	ctx    context.Context // parent's, ends with close, or when a part fails
	end    context.CancelFunc

	chunks    []chunk // placed and not sent
	placed    int64   // bytes of the object in chunks, sent or not
	reserved  int64   // of u.cfg.Memory, for the part being assembled
	multipart objstore.Upload
	number    int // of the last part sent
	sending   *errgroup.Group
}

func newPartSender(ctx context.Context, u *Uploader, key string) *partSender {
	p := &partSender{u: u, key: key, parent: ctx}
	ctx, p.end = context.WithCancel(ctx)
	p.sending, p.ctx = errgroup.WithContext(ctx)
	p.sending.SetLimit(u.cfg.PutsMax)
	return p
}

// reserve takes the memory of a whole part before its first block, so that
// objects assembled side by side never wait for each other half way. Beyond it
// are a batch larger than a block, of which there is one at a time in an
// object, and the block that a part shares with the one before.
func (p *partSender) reserve() error {
	if p.reserved > 0 {
		return nil
	}
	n := int64(p.u.cfg.PartBytes + p.u.cfg.BlockBytes)
	if err := p.u.cfg.Memory.Acquire(p.ctx, n); err != nil {
		return fmt.Errorf("memory for a part: %w", err)
	}
	p.reserved = n
	return nil
}

// chunk is memory of a part: a whole number of a disk's blocks, where all parts
// but the last have that, so that a store may write from it directly.
type chunk struct {
	buf  []byte // what was placed
	from int64  // its position in the object
	size int
}

// place copies b behind what was placed before.
func (p *partSender) place(b []byte) {
	for len(b) > 0 {
		c := p.room()
		n := min(len(b), c.size-len(c.buf))
		c.buf = append(c.buf, b[:n]...)
		p.placed += int64(n)
		b = b[n:]
	}
}

// placeSummed is place that adds b to a checksum: in steps, each read while it is
// in the processor's cache.
func (p *partSender) placeSummed(b []byte, sum uint32) uint32 {
	const step = 32 << 10
	for len(b) > 0 {
		n := min(len(b), step)
		p.place(b[:n])
		sum = crc.Update(sum, b[:n])
		b = b[n:]
	}
	return sum
}

// room is the last chunk, with a byte free. No chunk is of two parts.
func (p *partSender) room() *chunk {
	if n := len(p.chunks); n > 0 && len(p.chunks[n-1].buf) < p.chunks[n-1].size {
		return &p.chunks[n-1]
	}
	part := int64(p.u.cfg.PartBytes)
	size := int(min(recycle.ChunkBytes, part-p.placed%part))
	p.chunks = append(p.chunks, chunk{buf: p.u.chunks.Get(), from: p.placed, size: size})
	return &p.chunks[len(p.chunks)-1]
}

// since is what was placed from a position on, which is not sent.
func (p *partSender) since(position int64) (data [][]byte) {
	for _, c := range p.chunks {
		if skip := max(position-c.from, 0); skip < int64(len(c.buf)) {
			data = append(data, c.buf[skip:])
		}
	}
	return data
}

// send sends the next part in the background.
func (p *partSender) send(s objfmt.Segment) error {
	if p.multipart == nil {
		m, err := p.u.cfg.Store.CreateMultipart(p.ctx, p.key, objstore.PutOptions{PartBytes: int64(p.u.cfg.PartBytes)})
		if err != nil {
			return err
		}
		p.multipart = m
	}
	p.number++
	number, chunks, reserved := p.number, p.chunks, p.reserved
	end := int64(number) * int64(p.u.cfg.PartBytes)
	n := len(chunks)
	for n > 0 && chunks[n-1].from >= end {
		n--
	}
	p.chunks, p.reserved = slices.Clone(chunks[n:]), 0
	p.sending.Go(func() error {
		defer p.u.free(chunks[:n], reserved)
		return p.multipart.UploadPart(p.ctx, number, bodyOf(s))
	})
	return nil
}

// bodyOf is a segment with the slices joined that lie side by side: blocks that
// share a chunk.
func bodyOf(s objfmt.Segment) objstore.Body {
	parts := make([][]byte, 0, len(s.Parts))
	for _, b := range s.Parts {
		if n := len(parts); n > 0 && adjoin(parts[n-1], b) {
			parts[n-1] = parts[n-1][:len(parts[n-1])+len(b)]
		} else {
			parts = append(parts, b)
		}
	}
	return objstore.Body{Parts: parts, Size: s.Size, CRC32C: s.CRC32C}
}

// adjoin says whether b begins where a ends, in one piece of memory.
func adjoin(a, b []byte) bool {
	return cap(a)-len(a) >= len(b) && len(b) > 0 && &a[:len(a)+1][len(a)] == &b[0]
}

// finish sends the rest. On nil the object is durable.
func (p *partSender) finish(rest objfmt.Segment) error {
	if p.multipart == nil {
		return p.u.cfg.Store.Put(p.ctx, p.key, bodyOf(rest), objstore.PutOptions{})
	}
	if err := p.send(rest); err != nil {
		return err
	}
	if err := p.sending.Wait(); err != nil { // which ends p.ctx
		return err
	}
	return p.multipart.Complete(p.parent)
}

// close frees the memory and, unless the object was finished, gives it up.
// Parts that a failed abort leaves in the store are collected with the other
// abandoned uploads.
func (p *partSender) close(finished bool) {
	p.end()
	_ = p.sending.Wait()
	p.u.free(p.chunks, p.reserved)
	p.chunks, p.reserved = nil, 0
	if p.multipart != nil && !finished {
		_ = p.multipart.Abort(context.WithoutCancel(p.parent))
	}
}

func (u *Uploader) free(chunks []chunk, reserved int64) {
	for _, c := range chunks {
		u.chunks.Put(c.buf)
	}
	if reserved > 0 {
		u.cfg.Memory.Release(reserved)
	}
}
