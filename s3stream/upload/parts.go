package upload

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

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

	blocks    [][]byte // buffers of the part being assembled
	reserved  int64    // of u.cfg.Memory, for that part
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
// objects assembled side by side never wait for each other half way. The one
// thing beyond it is a batch larger than a block, of which there is one at a
// time in an object.
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

// holds says that a block buffer belongs to the part being assembled.
func (p *partSender) holds(block []byte) { p.blocks = append(p.blocks, block) }

// send sends the next part in the background.
func (p *partSender) send(s objfmt.Segment) error {
	if p.multipart == nil {
		m, err := p.u.cfg.Store.CreateMultipart(p.ctx, p.key, objstore.PutOptions{})
		if err != nil {
			return err
		}
		p.multipart = m
	}
	p.number++
	number, blocks, reserved := p.number, p.blocks, p.reserved
	p.blocks, p.reserved = nil, 0
	p.sending.Go(func() error {
		defer p.u.free(blocks, reserved)
		return p.multipart.UploadPart(p.ctx, number, objstore.Body(s))
	})
	return nil
}

// finish sends the rest. On nil the object is durable.
func (p *partSender) finish(rest objfmt.Segment) error {
	if p.multipart == nil {
		return p.u.cfg.Store.Put(p.ctx, p.key, objstore.Body(rest), objstore.PutOptions{})
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
	p.u.free(p.blocks, p.reserved)
	p.blocks, p.reserved = nil, 0
	if p.multipart != nil && !finished {
		_ = p.multipart.Abort(context.WithoutCancel(p.parent))
	}
}

func (u *Uploader) free(blocks [][]byte, reserved int64) {
	for _, b := range blocks {
		u.blocks.put(b)
	}
	if reserved > 0 {
		u.cfg.Memory.Release(reserved)
	}
}

// blockPool recycles block buffers. What it holds free is bounded by what was
// reserved at once, and given up under memory pressure.
type blockPool struct {
	size int
	pool sync.Pool
}

// get returns an empty buffer with room for n bytes.
func (p *blockPool) get(n int) []byte {
	if n == p.size {
		if b, ok := p.pool.Get().(*[]byte); ok {
			return (*b)[:0]
		}
	}
	return make([]byte, 0, n)
}

func (p *blockPool) put(b []byte) {
	if cap(b) == p.size {
		p.pool.Put(&b)
	}
}
