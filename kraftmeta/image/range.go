package image

import (
	"iter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Range is a part of a stream that a committed object holds, or one that was
// lost with an abandoned WAL. The ranges of a stream do not overlap, and are
// contiguous up to its committed end but for what was trimmed.
type Range struct {
	Stream ids.StreamID
	Start  int64
	End    int64           // exclusive
	Epoch  ids.StreamEpoch // of the opening that wrote it
	Object ids.ObjectID    // 0 when it is lost
	Bytes  int64           // of the batches in it, for retention by size
}

// IsLost says that no object holds the range, nor ever will.
func (r *Range) IsLost() bool { return r.Object == 0 }

// RemoveRange says that a stream needs a range no more, or has it elsewhere.
type RemoveRange struct {
	Stream ids.StreamID
	Start  int64
}

// RecordKind is KindRange.
func (*Range) RecordKind() RecordKind { return KindRange }

func (r *Range) fields(c *wire.Coder) {
	wire.Uint(c, &r.Stream)
	wire.Int(c, &r.Start)
	wire.Int(c, &r.End)
	wire.Uint(c, &r.Epoch)
	wire.Uint(c, &r.Object)
	wire.Int(c, &r.Bytes)
}

func (r *Range) apply(img *Image) {
	key := rangeKey{r.Stream, r.Start}
	if old, ok := img.ranges.get(key); ok { // compaction moved it to another object
		img.setRanges.remove(setRangeKey{old.Object, key})
	}
	img.ranges.put(key, r)
	if o, ok := img.objects.get(r.Object); ok && o.Kind == StreamSetObject {
		img.setRanges.put(setRangeKey{r.Object, key}, r)
	}
}

// RecordKind is KindRemoveRange.
func (*RemoveRange) RecordKind() RecordKind { return KindRemoveRange }

func (r *RemoveRange) fields(c *wire.Coder) {
	wire.Uint(c, &r.Stream)
	wire.Int(c, &r.Start)
}

func (r *RemoveRange) apply(img *Image) {
	key := rangeKey{r.Stream, r.Start}
	if old, ok := img.ranges.get(key); ok {
		img.setRanges.remove(setRangeKey{old.Object, key})
	}
	img.ranges.remove(key)
}

// Ranges walks a stream's ranges in order of offsets, beginning with the one
// that holds offset or else the first after it.
func (img *Image) Ranges(stream ids.StreamID, offset int64) iter.Seq[*Range] {
	from := rangeKey{stream, offset}
	if r, ok := img.ranges.last(from); ok && r.Stream == stream && r.End > offset {
		from.start = r.Start
	}
	return func(yield func(*Range) bool) {
		for key, r := range img.ranges.from(from) {
			if key.stream != stream || !yield(r) {
				return
			}
		}
	}
}

// SetRanges walks the ranges that a stream-set object still holds, by stream
// and offset; nothing for objects of another kind.
func (img *Image) SetRanges(object ids.ObjectID) iter.Seq[*Range] {
	return func(yield func(*Range) bool) {
		for key, r := range img.setRanges.from(setRangeKey{object: object}) {
			if key.object != object || !yield(r) {
				return
			}
		}
	}
}
