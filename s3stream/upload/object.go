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
// Batches are copied into the chunks of a part. Sending them from the log
// cache's own pages would spare the copy, but a slow store would then pin those
// pages, and through them hold up appends.
type objectWriter struct {
	u      *Uploader
	layout *objfmt.Writer
	parts  *partSender
	block  objfmt.Block       // being filled, if it has batches
	head   [SummaryBytes]byte // of a batch in pieces
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
		sum, known := summary.Add(w.headOf(b))
		return w.batch(e, b, sum, known)
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
	if err := w.parts.reserve(); err != nil {
		return err
	}
	return w.append(objfmt.Block{
		Stream: e.Stream, Epoch: e.Epoch, Start: e.Start, End: e.End,
		Kind: objfmt.AttachmentBlock, Attachment: meta.SummaryAttachment,
		CRC32C: w.parts.placeSummed(note, 0),
	})
}

// headOf is what the summarizer is to see of a batch.
func (w *objectWriter) headOf(b Batch) []byte {
	if first := b.Bytes[0]; len(b.Bytes) == 1 || len(first) >= SummaryBytes {
		return first
	}
	n := 0
	for _, p := range b.Bytes {
		n += copy(w.head[n:], p)
	}
	return w.head[:n]
}

// batch copies one batch into the block being filled. A block ends before it
// would exceed its size; a batch larger than that is a block of its own. The
// batch's checksum may be known.
func (w *objectWriter) batch(e Extent, b Batch, sum uint32, known bool) error {
	size := b.Len()
	if have := w.parts.placed - w.layout.Size(); have > 0 && have+int64(size) > int64(w.u.cfg.BlockBytes) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.block.Batches == 0 {
		if err := w.parts.reserve(); err != nil {
			return err
		}
		w.block = objfmt.Block{Stream: e.Stream, Epoch: e.Epoch, Start: b.Start, Kind: objfmt.DataBlock}
	}
	for _, p := range b.Bytes {
		if known {
			w.parts.place(p)
		} else {
			w.block.CRC32C = w.parts.placeSummed(p, w.block.CRC32C)
		}
	}
	if known {
		w.block.CRC32C = crc.Combine(w.block.CRC32C, sum, size)
	}
	w.block.End = b.End
	w.block.Batches++
	return nil
}

// flush ends the block being filled.
func (w *objectWriter) flush() error {
	if w.block.Batches == 0 {
		return nil
	}
	block := w.block
	w.block = objfmt.Block{}
	return w.append(block)
}

// append appends a block whose data was placed since the block before.
func (w *objectWriter) append(b objfmt.Block) error {
	b.Data = w.parts.since(w.layout.Size())
	if _, err := w.layout.AppendBlock(b); err != nil {
		return err
	}
	return w.sendFull()
}

// sendFull sends the parts that are full. All but the last have one size: some
// stores ask for it, and a directory need not copy them together.
func (w *objectWriter) sendFull() error {
	size := int64(w.u.cfg.PartBytes)
	for w.layout.Pending() > size {
		if err := w.parts.send(w.layout.TakeFirst(size)); err != nil {
			return err
		}
	}
	return nil
}
