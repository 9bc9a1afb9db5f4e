package logcache

import (
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
)

// Generation is what was appended between two seals and is to be uploaded
// together.
type Generation struct {
	// From and UpTo are positions: the generation holds the records in
	// [From, UpTo), and of a stream whose records were joined across UpTo some
	// more. Once it is committed the log may be trimmed at UpTo.
	From, UpTo int64
	extents    []Extent
}

// Extent is one stream's share of a generation.
type Extent struct {
	Stream ids.StreamID
	Start  int64 // offset of the first
	End    int64 // offset after the last
	Bytes  int64 // of payload; an upper bound where the log had to be walked
}

// Streams are the streams with data in the generation. Their data is read with
// Window.Read.
func (g *Generation) Streams() []Extent { return g.extents }

// UnsealedBytes is how much of the log, headers and padding included, is
// durable and in no generation yet; nothing as long as there is no data in it.
func (w *Window) UnsealedBytes() int64 {
	durable := w.source.DurableUpTo()
	w.mu.RLock()
	defer w.mu.RUnlock()
	if len(w.toSeal) == 0 {
		return 0
	}
	return durable - w.sealedTo
}

// Seal closes the generation of all that is durable and was in none before.
// Seals are not to run concurrently with each other.
func (w *Window) Seal() *Generation {
	// The position first: whatever is durable was indexed before.
	upTo := w.source.DurableUpTo()
	w.mu.Lock()
	g := &Generation{From: w.sealedTo, UpTo: upTo}
	streams := w.toSeal
	w.toSeal = nil
	w.sealedTo = upTo
	if upTo > g.From {
		w.boundaries = append(slices.Clip(w.boundaries), upTo)
	}
	w.mu.Unlock()

	var later []*streamIndex
	for _, s := range streams {
		s.mu.Lock()
		if e := s.seal(upTo); e.End > e.Start {
			g.extents = append(g.extents, e)
		}
		if s.unsealed && !s.gone {
			later = append(later, s)
		}
		s.mu.Unlock()
	}
	w.mu.Lock()
	w.toSeal = append(w.toSeal, later...)
	w.mu.Unlock()
	return g
}

// seal moves the stream's sealed offset over its records below position.
func (s *streamIndex) seal(position int64) Extent {
	e := Extent{Stream: s.id, Start: s.sealed, End: s.sealed}
	i := s.find(s.sealed)
	for ; i < s.len() && s.at(i).start() < position; i++ {
		if e.End == e.Start {
			e.Start = max(e.Start, s.at(i).base)
		}
		e.End = s.at(i).end
		e.Bytes += int64(s.at(i).bytes)
	}
	s.sealed = e.End
	s.unsealed = i < s.len()
	return e
}
