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
	// Epoch, if not 0, asks only for what that opening of the stream wrote. It
	// matters to windows, not to objects.
	Epoch ids.StreamEpoch
}

// Result is a run of batches. Its bytes are shared with a cache: they are
// valid until Release and must not be written.
type Result struct {
	Segments   [][]byte // in offset order; together whole batches
	NextOffset int64    // where to read on: the end of the last batch, or From
	hold       Hold     // what keeps the bytes alive: mostly one thing
	more       []Hold
}

// Hold is something that a Result keeps alive.
type Hold interface{ Release() }

// Keep makes the result's Release release h too.
func (r *Result) Keep(h Hold) {
	if r.hold == nil {
		r.hold = h
	} else {
		r.more = append(r.more, h)
	}
}

// Append adds bytes that h keeps alive, or another part of the result if h is
// nil.
func (r *Result) Append(segment []byte, h Hold) {
	r.Segments = append(r.Segments, segment)
	if h != nil {
		r.Keep(h)
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
	if r.hold != nil {
		r.hold.Release()
	}
	for _, h := range r.more {
		h.Release()
	}
	r.Segments, r.hold, r.more = nil, nil, nil
}

// Attachment is the summary of a part of a stream, made when it was uploaded:
// what a reader would otherwise have to scan its batches for.
type Attachment struct {
	Start, End int64 // of the part
	Summary    []byte
}

// Framer reads the edges of the batch at the start of p: its length in bytes
// and the offsets [start, end) it stands for. p may end within the batch, but
// not within its header.
type Framer func(p []byte) (size int, start, end int64, err error)
