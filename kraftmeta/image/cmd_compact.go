package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// CompactObjects puts merged objects in the place of those they were made of,
// each stream accepted or refused by itself. Reserved: its form is fixed here,
// and it is refused as unsupported until compaction is built.
type CompactObjects struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	Objects   []UploadedObject
	Slices    []MergedSlice
}

// MergedSlice is what a merged object holds of a stream, in place of exactly
// the ranges from Sources between the same offsets.
type MergedSlice struct {
	Slice
	Sources []ids.ObjectID // in order of offsets
}

// CommandKind is KindCompactObjects.
func (*CompactObjects) CommandKind() CommandKind { return KindCompactObjects }

// NewResult is an empty result.
func (*CompactObjects) NewResult() *StreamOutcomes { return new(StreamOutcomes) }

func (cmd *CompactObjects) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	wire.List(c, &cmd.Objects, 5, uploadedObjectFields)
	wire.List(c, &cmd.Slices, 6, func(c *wire.Coder, s *MergedSlice) {
		sliceFields(c, &s.Slice)
		wire.List(c, &s.Sources, 1, wire.Uint[ids.ObjectID])
	})
}

func (cmd *CompactObjects) run(*draft) (Result, *Refusal) {
	return nil, refuse(Unsupported, "compaction")
}
