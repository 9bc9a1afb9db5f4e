package read

import (
	"context"
	"fmt"
	"iter"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objfmt"
)

// blockRef is a block of a stream in an object.
type blockRef struct {
	object meta.ObjectRange
	objfmt.Entry
}

func (r *blockRef) key() blockcache.Key {
	return blockcache.Key{Object: r.object.Object, Pos: r.Position}
}

// rangesMax is how many of a stream's ranges are asked of the metadata at once.
const rangesMax = 16

// ranges gives the stream's ranges from the one that holds offset from on,
// without a hole: where one does not begin at or before the end of the one
// before, or before from, it ends.
func (r *Reader) ranges(stream ids.StreamID, from int64) iter.Seq[meta.ObjectRange] {
	return func(yield func(meta.ObjectRange) bool) {
		for {
			page := r.cfg.Index.Objects(stream, from, rangesMax)
			for _, o := range page {
				if o.Start > from || !yield(o) {
					return
				}
				from = o.End
			}
			if len(page) < rangesMax {
				return
			}
		}
	}
}

// blocks gives the stream's data blocks from the one that holds offset from
// on, in order, loading indexes as it goes. It ends at a lost part.
func (r *Reader) blocks(ctx context.Context, stream ids.StreamID, from int64) iter.Seq2[blockRef, error] {
	return func(yield func(blockRef, error) bool) {
		for o := range r.ranges(stream, from) {
			if o.IsLost() { // a read begins anew after it
				return
			}
			x, err := r.indexes.of(ctx, o)
			if err != nil {
				yield(blockRef{}, err)
				return
			}
			for _, e := range x.Find(stream, max(from, o.Start)) {
				if e.Start >= o.End {
					break
				}
				if e.Kind != objfmt.DataBlock {
					yield(blockRef{}, fmt.Errorf("object %d: %w: %v block", o.Object, objfmt.ErrUnsupported, e.Kind))
					return
				}
				if !yield(blockRef{o, e}, nil) {
					return
				}
			}
			from = o.End
		}
	}
}
