package read

import "github.com/seawallmq/seawall/internal/ids"

// Request asks for batches of one stream.
type Request struct {
	Stream ids.StreamID
	// From is the first offset wanted. The first batch returned holds it, and
	// may begin before it.
	From int64
	// UpTo is an offset at the edge of a batch; no batch past it is returned.
	UpTo int64
	// MaxBytes bounds what is returned, all batches together.
	MaxBytes int
	// MinOne lets the first batch be larger than MaxBytes.
	MinOne bool
}

// Result is a run of batches. Its bytes are shared with a cache: they are
// valid until Release and must not be written.
type Result struct {
	Segments   [][]byte // whole batches, in offset order; a segment may hold several
	NextOffset int64    // where to read on: the end of the last batch, or From
	holds      []Hold
}

// Hold is something that a Result keeps alive.
type Hold interface{ Release() }

// Append adds bytes that are kept alive by hold, which may be nil when another
// part of the result keeps them.
func (r *Result) Append(segment []byte, hold Hold) {
	r.Segments = append(r.Segments, segment)
	if hold != nil {
		r.holds = append(r.holds, hold)
	}
}

// Bytes is the sum of the segments' lengths.
func (r *Result) Bytes() int {
	n := 0
	for _, s := range r.Segments {
		n += len(s)
	}
	return n
}

// Release gives up the bytes. It may be called more than once.
func (r *Result) Release() {
	for _, h := range r.holds {
		h.Release()
	}
	r.Segments, r.holds = nil, nil
}

// Attachment is what a summarizer noted of a part of a stream when it was
// uploaded: what a reader would otherwise have to scan its batches for.
type Attachment struct {
	Start, End int64  // of the part
	Size       int64  // bytes of batches in it
	Summary    []byte // as the summarizer made it
}
