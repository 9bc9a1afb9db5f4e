package upload

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objfmt"
)

// objectWriter assembles one object block by block and sends it part by part,
// so that an object of any size takes the memory of its parts in flight.
//
// Batches are copied into block buffers. Sending them from the log cache's own
// pages would spare the copy, but a slow store would then pin those pages, and
// through them hold up appends.
type objectWriter struct {
	u      *Uploader
	layout *objfmt.Writer
	parts  *partSender
	block  objfmt.Block // being filled; its data is buf
	buf    []byte
}

// writeObject writes one planned object under a new key and returns what to
// commit.
func (u *Uploader) writeObject(ctx context.Context, from Piece, id ids.ObjectID, p PlannedObject) (meta.Object, error) {
	key := u.cfg.Key(id)
	w := &objectWriter{
		u:      u,
		layout: objfmt.NewWriter(id, objfmt.ObjectKind(p.Kind)),
		parts:  newPartSender(ctx, u, key),
	}
	err := w.fill(from, p)
	if err == nil {
		_, err = w.layout.Finish()
	}
	if err == nil {
		err = w.sendFull()
	}
	if err == nil {
		err = w.parts.finish(w.layout.Take())
	}
	w.recycle()
	w.parts.close(err == nil)
	if err != nil {
		return meta.Object{}, fmt.Errorf("write object %s: %w", key, err)
	}
	o := meta.Object{ID: id, Key: key, Kind: p.Kind, Size: w.layout.Size(), CRC: w.layout.CRC32C()}
	for _, e := range p.Extents {
		o.Slices = append(o.Slices, meta.Slice{Stream: e.Stream, Epoch: e.Epoch, Start: e.Start, End: e.End, Bytes: e.Bytes})
	}
	return o, nil
}

func (w *objectWriter) fill(from Piece, p PlannedObject) error {
	for _, e := range p.Extents {
		if err := w.extent(from, e); err != nil {
			return fmt.Errorf("stream %d [%d, %d): %w", e.Stream, e.Start, e.End, err)
		}
	}
	return nil
}

// extent adds the batches of one extent and the summary of them.
func (w *objectWriter) extent(from Piece, e Extent) error {
	summary := w.u.cfg.Summarizer.Begin(e.Stream, e.Start)
	next := e.Start
	err := from.Batches(w.parts.ctx, e, func(b Batch) error {
		if b.Start != next { // would be a hole in the log: never make it durable
			return fmt.Errorf("batch at %d where %d is due", b.Start, next)
		}
		next = b.End
		copied, err := w.batch(e, b)
		if err == nil {
			summary.Add(copied)
		}
		return err
	})
	if err == nil && next != e.End {
		err = fmt.Errorf("batches end at %d", next)
	}
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return err
	}
	note := summary.Finish()
	if len(note) == 0 {
		return nil
	}
	_, err = w.layout.AppendBlock(objfmt.Block{
		Stream: e.Stream, Epoch: e.Epoch, Start: e.Start, End: e.End,
		Kind: objfmt.AttachmentBlock, Attachment: meta.SummaryAttachment,
		Data: [][]byte{note}, CRC32C: crc.Of(note),
	})
	if err != nil {
		return err
	}
	return w.sendFull()
}

// batch copies one batch into the block being filled, and returns the copy,
// which is valid until the next call. A block ends before it would exceed its
// size; a batch larger than that is a block of its own.
func (w *objectWriter) batch(e Extent, b Batch) (copied []byte, err error) {
	size := b.Len()
	if len(w.buf) > 0 && len(w.buf)+size > w.u.cfg.BlockBytes {
		if err := w.flush(); err != nil {
			return nil, err
		}
	}
	if w.buf == nil {
		if err := w.parts.reserve(); err != nil {
			return nil, err
		}
		w.buf = w.u.blocks.Get(max(w.u.cfg.BlockBytes, size))
		w.block = objfmt.Block{Stream: e.Stream, Epoch: e.Epoch, Start: b.Start, Kind: objfmt.DataBlock}
	}
	begin := len(w.buf)
	for _, p := range b.Bytes {
		w.buf = append(w.buf, p...)
	}
	w.block.End = b.End
	w.block.Batches++
	return w.buf[begin:], nil
}

// flush ends the block being filled.
func (w *objectWriter) flush() error {
	if w.buf == nil {
		return nil
	}
	w.block.Data, w.block.CRC32C = [][]byte{w.buf}, crc.Of(w.buf)
	w.parts.holds(w.buf)
	w.buf = nil
	if _, err := w.layout.AppendBlock(w.block); err != nil {
		return err
	}
	return w.sendFull()
}

// sendFull sends the parts that are full. All but the last have one size: some
// stores ask for it, and a directory need not copy them together.
func (w *objectWriter) sendFull() error {
	size := int64(w.u.cfg.PartBytes)
	for w.layout.Pending() > size {
		if err := w.parts.send(w.layout.TakeFirst(size), true); err != nil {
			return err
		}
	}
	return nil
}

// recycle gives back a block that an error left half filled.
func (w *objectWriter) recycle() {
	if w.buf != nil {
		w.u.blocks.Put(w.buf)
		w.buf = nil
	}
}
