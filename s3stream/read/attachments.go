package read

import (
	"context"
	"fmt"
	"iter"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// Attachments gives, in offset order, the summaries of the parts of a stream
// that overlap [from, upTo). Parts without one, and what is not in objects, are
// missing. An error ends the iteration. A summary is valid until the next step.
func (r *Reader) Attachments(ctx context.Context, stream ids.StreamID, from, upTo int64) iter.Seq2[Attachment, error] {
	return func(yield func(Attachment, error) bool) {
		for o := range r.ranges(stream, from) {
			if o.Start >= upTo {
				return
			}
			if o.IsLost() {
				continue
			}
			x, err := r.indexes.of(ctx, o)
			if err != nil {
				yield(Attachment{}, fmt.Errorf("attachments of stream %d: %w", stream, err))
				return
			}
			for _, e := range x.Attachments(stream) {
				if e.Attachment != meta.SummaryAttachment || e.End <= max(from, o.Start) || e.Start >= min(upTo, o.End) {
					continue
				}
				b, err := r.summary(ctx, blockRef{o, e})
				if err != nil {
					yield(Attachment{}, fmt.Errorf("attachments of stream %d: %w", stream, err))
					return
				}
				more := yield(Attachment{Start: e.Start, End: e.End, Summary: b.Bytes()}, nil)
				b.Release()
				if !more {
					return
				}
			}
		}
	}
}

// summary returns the block of an attachment, held.
func (r *Reader) summary(ctx context.Context, ref blockRef) (*blockcache.Block, error) {
	held, err := r.claim(ctx, []blockRef{ref})
	if err != nil {
		return nil, err
	}
	if err := held[0].Wait(ctx); err != nil {
		held[0].Release()
		return nil, err
	}
	return held[0], nil
}
