package partition

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/seawallmq/seawall/broker/batch"
)

// Refusals of the idempotent producer's checks.
var (
	// ErrOutOfOrderSequence: a batch does not follow the last one of its producer.
	ErrOutOfOrderSequence = errors.New("partition: out of order sequence number")
	// ErrInvalidProducerEpoch: the batch comes from a producer that was fenced.
	ErrInvalidProducerEpoch = errors.New("partition: producer epoch is older than the current one")
)

// batchesKept is how many batches a producer may have in flight and repeat:
// Kafka's max.in.flight.requests.per.connection for an idempotent producer.
const batchesKept = 5

// producerBytes is what one producer's state is charged with, map entry
// included.
const producerBytes = 320

// producedBatch is one of a producer's last batches.
type producedBatch struct {
	baseOffset, endOffset int64 // endOffset is exclusive
	firstSeq, lastSeq     int32
}

// producer is what a partition remembers of one producer id.
type producer struct {
	epoch       int16
	n           int8 // batches kept
	last        [batchesKept]producedBatch
	timestampMs int64 // of its newest batch; for expiry
}

// producers is the sequence state of all producers of a partition. It is pure:
// the partition guards it with its lock and feeds it in offset order.
type producers struct {
	byID map[int64]*producer
}

func newProducers() producers { return producers{byID: map[int64]*producer{}} }

// check holds a batch against the state without changing it. A batch that was
// appended before is returned as a duplicate, to be answered with its first
// offsets once those are durable.
func (s *producers) check(h *batch.Header) (dup producedBatch, isDup bool, err error) {
	p := s.byID[h.ProducerID]
	if p == nil {
		// Nothing is remembered: expired, or its records deleted. Any sequence
		// may open the state, as in Kafka.
		return producedBatch{}, false, nil
	}
	lastSeq := h.LastSequence()
	switch {
	case h.ProducerEpoch < p.epoch:
		return producedBatch{}, false, fmt.Errorf("%w: producer %d has epoch %d, the batch %d",
			ErrInvalidProducerEpoch, h.ProducerID, p.epoch, h.ProducerEpoch)
	case h.ProducerEpoch > p.epoch:
		if h.BaseSequence != 0 {
			return producedBatch{}, false, outOfOrder(h, -1)
		}
		return producedBatch{}, false, nil
	}
	for _, b := range p.last[:p.n] {
		if b.firstSeq == h.BaseSequence && b.lastSeq == lastSeq {
			return b, true, nil
		}
	}
	if p.n > 0 {
		if want := batch.AddSequence(p.last[p.n-1].lastSeq, 1); h.BaseSequence != want {
			return producedBatch{}, false, outOfOrder(h, want)
		}
	}
	return producedBatch{}, false, nil
}

func outOfOrder(h *batch.Header, want int32) error {
	return fmt.Errorf("%w: producer %d epoch %d sent sequence %d, expected %d",
		ErrOutOfOrderSequence, h.ProducerID, h.ProducerEpoch, h.BaseSequence, want)
}

// record notes an appended (or replayed) batch and says whether its producer
// is new here.
func (s *producers) record(h *batch.Header) (added bool) {
	p := s.byID[h.ProducerID]
	if p == nil {
		p = &producer{epoch: h.ProducerEpoch}
		s.byID[h.ProducerID] = p
		added = true
	}
	if h.ProducerEpoch != p.epoch {
		p.epoch, p.n = h.ProducerEpoch, 0
	}
	p.push(producedBatch{
		baseOffset: h.BaseOffset, endOffset: h.BaseOffset + int64(h.LastOffsetDelta) + 1,
		firstSeq: h.BaseSequence, lastSeq: h.LastSequence(),
	})
	p.timestampMs = max(p.timestampMs, h.MaxTimestamp)
	return added
}

// remember is record, charging memory for a new producer. When that is short,
// the one that was silent longest makes room.
func (s *producers) remember(h *batch.Header, memory Memory) {
	if !s.record(h) || memory.TryAcquire(producerBytes) {
		return
	}
	if s.evictOldest(h.ProducerID) {
		return // its charge passes to the new one
	}
	delete(s.byID, h.ProducerID)
}

// follow adds what producers did later; it takes over their state. Batches that
// are known already are not added again.
func (s *producers) follow(later producers) {
	for id, l := range later.byID {
		p := s.byID[id]
		if p == nil || p.epoch != l.epoch {
			s.byID[id] = l
			continue
		}
		for _, b := range l.last[:l.n] {
			if p.n == 0 || b.baseOffset >= p.last[p.n-1].endOffset {
				p.push(b)
			}
		}
		p.timestampMs = max(p.timestampMs, l.timestampMs)
	}
}

// push adds a batch; past batchesKept the oldest is forgotten.
func (p *producer) push(b producedBatch) {
	if p.n == batchesKept {
		copy(p.last[:], p.last[1:])
		p.n--
	}
	p.last[p.n] = b
	p.n++
}

// expire forgets producers whose newest batch is older than beforeMs and says
// how many they were.
func (s *producers) expire(beforeMs int64) (n int) {
	for id, p := range s.byID {
		if p.timestampMs < beforeMs {
			delete(s.byID, id)
			n++
		}
	}
	return n
}

// evictOldest forgets the producer, other than keep, that was silent longest.
func (s *producers) evictOldest(keep int64) bool {
	oldest, at := int64(0), int64(math.MaxInt64)
	for id, p := range s.byID {
		if id == keep {
			continue
		}
		if p.timestampMs < at || p.timestampMs == at && id < oldest {
			oldest, at = id, p.timestampMs
		}
	}
	if at == math.MaxInt64 {
		return false
	}
	delete(s.byID, oldest)
	return true
}

func sortedIDs(m map[int64]*producer) []int64 {
	out := make([]int64, 0, len(m))
	for id := range m {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// snapshot is the state as an object's attachment has it, by rising id.
func (s *producers) snapshot() []batch.Producer {
	out := make([]batch.Producer, 0, len(s.byID))
	for _, id := range sortedIDs(s.byID) {
		p := s.byID[id]
		q := batch.Producer{ID: id, Epoch: p.epoch, CoordinatorEpoch: -1, LastTimestamp: p.timestampMs}
		for _, b := range p.last[:p.n] {
			q.Batches = append(q.Batches, batch.ProducerBatch{
				BaseOffset: b.baseOffset, LastOffsetDelta: int32(b.endOffset - b.baseOffset - 1), BaseSequence: b.firstSeq,
			})
		}
		out = append(out, q)
	}
	return out
}

// restoreProducers is the state that an attachment had.
func restoreProducers(snapshot map[int64]batch.Producer) producers {
	s := newProducers()
	for _, q := range snapshot {
		p := &producer{epoch: q.Epoch, timestampMs: q.LastTimestamp}
		for _, b := range q.Batches[max(0, len(q.Batches)-batchesKept):] {
			p.last[p.n] = producedBatch{
				baseOffset: b.BaseOffset, endOffset: b.LastOffset() + 1,
				firstSeq: b.BaseSequence, lastSeq: b.LastSequence(),
			}
			p.n++
		}
		s.byID[q.ID] = p
	}
	return s
}
