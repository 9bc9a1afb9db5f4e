package image

import (
	"iter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Stream is the storage of one topic-partition. Its log is, in order: what
// committed objects hold, from StartOffset to CommittedEnd, and then its
// tails, which are acknowledged in WALs. What an abandoned WAL had of it is a
// gap in it, known as such.
type Stream struct {
	ID        ids.StreamID
	Topic     ids.TopicID
	Partition int32
	Epoch     ids.StreamEpoch // of the latest opening; 0 before the first
	// StartOffset is the first offset that may be read. It may lie past
	// CommittedEnd when records were deleted before their upload.
	StartOffset int64
	// CommittedEnd is the offset up to which the data is in objects, or lost.
	CommittedEnd int64
	// Tails are contiguous and in order: the first starts at or below
	// CommittedEnd, each other where the one before ends; only the last may be
	// open. A tail that objects hold whole is not listed any more.
	Tails []Tail
}

// Tail is a part of a stream that is acknowledged in a WAL and not yet all in
// committed objects.
type Tail struct {
	Epoch ids.StreamEpoch // of the opening that wrote it
	WAL   ids.WALInstance
	Start int64
	End   int64 // OpenEnd while the stream is open there
}

// OpenEnd is the end of a tail that still grows.
const OpenEnd int64 = -1

// IsOpen says whether the tail still grows.
func (t Tail) IsOpen() bool { return t.End == OpenEnd }

// RemoveStream is the end of a stream.
type RemoveStream struct {
	ID ids.StreamID
}

// RecordKind is KindStream.
func (*Stream) RecordKind() RecordKind { return KindStream }

func (r *Stream) fields(c *wire.Coder) {
	wire.Uint(c, &r.ID)
	c.UUID(&r.Topic)
	wire.Int(c, &r.Partition)
	wire.Uint(c, &r.Epoch)
	wire.Int(c, &r.StartOffset)
	wire.Int(c, &r.CommittedEnd)
	wire.List(c, &r.Tails, 19, func(c *wire.Coder, t *Tail) {
		wire.Uint(c, &t.Epoch)
		c.UUID(&t.WAL)
		wire.Int(c, &t.Start)
		wire.Int(c, &t.End)
	})
}

func (r *Stream) apply(img *Image) { img.streams.put(r.ID, r) }

// RecordKind is KindRemoveStream.
func (*RemoveStream) RecordKind() RecordKind { return KindRemoveStream }

func (r *RemoveStream) fields(c *wire.Coder) { wire.Uint(c, &r.ID) }

func (r *RemoveStream) apply(img *Image) { img.streams.remove(r.ID) }

// OpenTail returns the tail that still grows, if the stream is open.
func (r *Stream) OpenTail() (Tail, bool) {
	if n := len(r.Tails); n > 0 && r.Tails[n-1].IsOpen() {
		return r.Tails[n-1], true
	}
	return Tail{}, false
}

// KnownEnd is the offset after the last one whose fate the metadata knows: the
// end of a closed stream, and of an open one the start of its open tail, or
// where what objects hold of it, or what was deleted, ends.
func (r *Stream) KnownEnd() int64 {
	n := len(r.Tails)
	switch {
	case n == 0:
		return r.CommittedEnd
	case r.Tails[n-1].IsOpen():
		return max(r.Tails[n-1].Start, r.CommittedEnd, r.StartOffset)
	}
	return max(r.Tails[n-1].End, r.CommittedEnd)
}

// Stream returns a stream.
func (img *Image) Stream(id ids.StreamID) (*Stream, bool) { return img.streams.get(id) }

// Streams walks the streams by id.
func (img *Image) Streams() iter.Seq[*Stream] { return img.streams.values() }

// PartitionOf returns the partition that a stream stores.
func (img *Image) PartitionOf(id ids.StreamID) (*Partition, bool) {
	s, ok := img.streams.get(id)
	if !ok {
		return nil, false
	}
	return img.Partition(s.Topic, s.Partition)
}

// clone is a copy to change and put: its tails are its own.
func (r *Stream) clone() *Stream {
	next := *r
	next.Tails = append([]Tail(nil), r.Tails...)
	return &next
}
