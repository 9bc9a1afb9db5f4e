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
	img.ranges.put(rangeKey{r.Stream, r.Start}, r)
}

// RecordKind is KindRemoveRange.
func (*RemoveRange) RecordKind() RecordKind { return KindRemoveRange }

func (r *RemoveRange) fields(c *wire.Coder) {
	wire.Uint(c, &r.Stream)
	wire.Int(c, &r.Start)
}

func (r *RemoveRange) apply(img *Image) {
	img.ranges.remove(rangeKey{r.Stream, r.Start})
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
