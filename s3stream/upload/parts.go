package upload

import (
	"context"
	"fmt"
	"sync/atomic"

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

	blocks    []*block // of the part being assembled
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

// holds says that a block buffer belongs to the part being assembled.
func (p *partSender) holds(buf []byte) {
	b := &block{buf: buf}
	b.parts.Store(1)
	p.blocks = append(p.blocks, b)
}

// send sends the next part in the background. Where it was cut, the end of its
// last block is for the part after it.
func (p *partSender) send(s objfmt.Segment, cut bool) error {
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
	if cut {
		last := blocks[len(blocks)-1]
		last.parts.Add(1)
		p.blocks = append(p.blocks, last)
	}
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
	if err := p.send(rest, false); err != nil {
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

// block is a buffer that belongs to one part, or to several that were cut in
// it.
type block struct {
	buf   []byte
	parts atomic.Int32
}

func (u *Uploader) free(blocks []*block, reserved int64) {
	for _, b := range blocks {
		if b.parts.Add(-1) == 0 {
			u.blocks.Put(b.buf)
		}
	}
	if reserved > 0 {
		u.cfg.Memory.Release(reserved)
	}
}
