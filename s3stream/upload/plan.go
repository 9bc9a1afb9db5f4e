package upload

import (
	"cmp"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// Extent is a contiguous part of one stream in a sealed generation, appended
// under one stream epoch.
type Extent struct {
	Stream     ids.StreamID
	Epoch      ids.StreamEpoch
	Start, End int64 // offsets
	Bytes      int64 // of batches
}

// Limits shape the objects of an upload.
type Limits struct {
	// SplitBytes is the size from which a stream gets an object of its own.
	SplitBytes int64
	// SetBytes bounds the batches in one stream-set object; a further one is
	// begun past it, so that a reader of one stream never depends on an object
	// of any size.
	SetBytes int64
}

// PlannedObject is an object to be written: its extents in the order in which
// they stand in it.
type PlannedObject struct {
	Kind    meta.ObjectKind
	Extents []Extent
	Bytes   int64 // of batches
}

// Plan turns a generation's extents into objects: one for each stream with
// SplitBytes or more, and stream-set objects for all others together. Extents
// are ordered by stream, then offset; the parts of one stream stay in one
// object. extents is reordered in place.
func Plan(extents []Extent, l Limits) []PlannedObject {
	slices.SortFunc(extents, func(a, b Extent) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Start, b.Start))
	})
	var own, sets []PlannedObject
	for len(extents) > 0 {
		n, bytes := streamRun(extents)
		run := extents[:n:n]
		extents = extents[n:]
		if bytes >= l.SplitBytes {
			own = append(own, PlannedObject{Kind: meta.StreamObject, Extents: run, Bytes: bytes})
			continue
		}
		if k := len(sets) - 1; k < 0 || sets[k].Bytes > 0 && sets[k].Bytes+bytes > l.SetBytes {
			sets = append(sets, PlannedObject{Kind: meta.StreamSetObject})
		}
		set := &sets[len(sets)-1]
		set.Extents = append(set.Extents, run...)
		set.Bytes += bytes
	}
	return append(own, sets...)
}

// streamRun is how many extents at the front belong to the first one's stream,
// and their bytes.
func streamRun(extents []Extent) (n int, bytes int64) {
	for _, e := range extents {
		if e.Stream != extents[0].Stream {
			break
		}
		n++
		bytes += e.Bytes
	}
	return n, bytes
}
