package partition

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// summaries makes the attachments of a partition's slices, each with the whole
// state of its producers. A slice's state begins with the one at the end of the
// slice before; it may be begun again when an upload is tried again.
type summaries struct {
	mu    sync.Mutex
	known []summaryState // by rising end; the few since the committed end
}

// summaryState is the producers' state where a slice ends.
type summaryState struct {
	end       int64
	producers []batch.Producer
}

// summaryStatesMax bounds the states kept: slices that are uploaded and not
// committed. An older one that is missed only costs a restore more reads.
const summaryStatesMax = 8

// seed notes the state where the objects end.
func (s *summaries) seed(end int64, state producers) {
	s.mu.Lock()
	s.known = append(s.known[:0], summaryState{end, state.snapshot()})
	s.mu.Unlock()
}

func (s *summaries) at(end int64) ([]batch.Producer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.known {
		if k.end == end {
			return k.producers, true
		}
	}
	return nil, false
}

// note adds what is known at end. What was noted of offsets past it stands: a state
// follows from the log up to there, whichever of two logs is uploaded first.
func (s *summaries) note(end int64, state []batch.Producer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(s.known, end, func(k summaryState, end int64) int { return cmp.Compare(k.end, end) })
	if found {
		s.known[i].producers = state
		return
	}
	s.known = slices.Insert(s.known, i, summaryState{end, state})
	if n := len(s.known) - summaryStatesMax; n > 0 {
		s.known = append(s.known[:0], s.known[n:]...)
	}
}

// Begin implements [upload.Summarizer] for the partitions of the set. A stream
// that is not led here is summarized without the producers before the slice.
func (s *Set) Begin(stream ids.StreamID, start int64) upload.Summary {
	z := batch.NewSummarizer()
	z.Complete = true
	s.mu.RLock()
	p := s.byStream[stream]
	s.mu.RUnlock()
	if p != nil {
		if state, ok := p.summaries.at(start); ok {
			z.Seed(state)
		}
	}
	return &sliceSummary{summarizer: z, p: p}
}

// sliceSummary is one attachment under way.
type sliceSummary struct {
	summarizer *batch.Summarizer
	p          *Partition // nil when not led here
}

// Add implements [upload.Summary]. The batches were validated when they were
// appended and checked when they were read: one that cannot be summarized is a
// mistake of ours.
func (s *sliceSummary) Add(b []byte) (crc32c uint32, known bool) {
	if err := s.summarizer.Add(b); err != nil {
		panic(fmt.Sprintf("summary of a stored batch: %v", err))
	}
	if h, err := batch.ParseHeader(b); err != nil || h.Size() < sumBytesMin {
		return 0, false
	}
	return batch.WholeCRC(b), true
}

// Finish implements [upload.Summary].
func (s *sliceSummary) Finish() []byte {
	if s.summarizer.Empty() {
		return nil
	}
	out := s.summarizer.Summary()
	if s.p != nil && out.ProducersComplete {
		s.p.summaries.note(out.NextOffset, out.Producers)
	}
	return out.AppendTo(nil)
}
