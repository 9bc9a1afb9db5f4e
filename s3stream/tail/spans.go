package tail

import (
	"slices"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
)

// Span is what one opening of a stream appended to a WAL instance: the offsets
// [Start, End), End being OpenEnd while it goes on.
type Span struct {
	Epoch      ids.StreamEpoch
	Start, End int64
}

// OpenEnd is the end of a span that still grows.
const OpenEnd = int64(1)<<62 - 1

// spans knows the openings of every stream in one WAL instance. The log cache
// knows offsets only: a stream that left for another node and came back has a
// gap in this instance, over which neither a read nor an upload may run.
type spans struct {
	mu      sync.RWMutex
	streams map[ids.StreamID][]Span // by rising offset
}

func newSpans() *spans { return &spans{streams: map[ids.StreamID][]Span{}} }

// begin notes that a stream was opened and goes on at start.
func (s *spans) begin(stream ids.StreamID, epoch ids.StreamEpoch, start int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[stream] = append(s.streams[stream], Span{epoch, start, OpenEnd})
}

// end notes where an opening ended.
func (s *spans) end(stream ids.StreamID, epoch ids.StreamEpoch, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.streams[stream] {
		if x.Epoch == epoch {
			s.streams[stream][i].End = end
		}
	}
}

// set replaces what is known of a stream.
func (s *spans) set(stream ids.StreamID, known []Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[stream] = known
}

// at is the span that holds offset, or that ends there and goes on.
func (s *spans) at(stream ids.StreamID, offset int64) (Span, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, x := range s.streams[stream] {
		if x.Start <= offset && offset < x.End {
			return x, true
		}
	}
	return Span{}, false
}

// cut gives the parts of [start, end) by the span that each lies in.
func (s *spans) cut(stream ids.StreamID, start, end int64) []Span {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Span
	for _, x := range s.streams[stream] {
		part := Span{x.Epoch, max(start, x.Start), min(end, x.End)}
		if part.Start < part.End {
			out = append(out, part)
		}
	}
	return out
}

// forget drops the openings that ended at or below an offset to which the
// stream is in objects, and those in which nothing was appended.
func (s *spans) forget(stream ids.StreamID, committed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.DeleteFunc(s.streams[stream], func(x Span) bool { return x.End <= max(committed, x.Start) })
	if len(left) == 0 {
		delete(s.streams, stream)
	} else {
		s.streams[stream] = left
	}
}
