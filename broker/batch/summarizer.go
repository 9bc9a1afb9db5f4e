package batch

import (
	"cmp"
	"fmt"
	"slices"
)

const (
	// timeEntriesMax bounds the time index of a slice, however large.
	timeEntriesMax = 512
	// timeIntervalFirst is how many bytes of batches an entry stands for at
	// first; the interval doubles each time the index is full.
	timeIntervalFirst = 16 << 10
	// producersMax bounds the producers that are remembered. Past it, those
	// that were silent longest are forgotten, as Kafka forgets them in time.
	producersMax = 10_000
)

// Summarizer makes the [Summary] of one slice of a partition after another. It
// is not safe for concurrent use.
//
// Its memory is bounded by the time index and by 10,000 producers, apart from
// the aborted transactions and leader epochs of the slice.
type Summarizer struct {
	// Complete makes the summary name every producer that is known, and not
	// only those that wrote in the slice. It has an effect only if Seed was
	// called.
	Complete bool

	summary      Summary // without Producers
	batches      int
	timeInterval int // bytes
	entryBytes   int // taken by the last time entry
	producers    map[int64]*trackedProducer
}

// trackedProducer is a producer and what it did in the current slice.
type trackedProducer struct {
	Producer
	wrote  bool // a batch or a marker
	marked bool // a marker: what begins after it does so in the slice
}

// NewSummarizer returns a Summarizer before the first batch of a slice, which
// knows nothing of the producers before it.
func NewSummarizer() *Summarizer {
	return &Summarizer{timeInterval: timeIntervalFirst, producers: make(map[int64]*trackedProducer)}
}

// Seed gives the state of the producers before the slice: all of them. It must
// be called before Add; it copies what it is given.
func (z *Summarizer) Seed(producers []Producer) {
	z.summary.Seeded = true
	for _, p := range producers {
		p.Batches = append(make([]ProducerBatch, 0, producerBatchesMax), p.Batches...)
		z.producers[p.ID] = &trackedProducer{Producer: p}
	}
}

// Add adds the batch that b is, at its final offset, to the slice. Of a batch that
// is not a control batch the header is enough. It returns
// the error of [ParseHeader] for a batch without a sound header, ErrCorrupt for
// one that does not come after the last, and ErrInvalidRecord for a malformed
// marker.
func (z *Summarizer) Add(b []byte) error {
	h, err := ParseHeader(b)
	if err != nil {
		return err
	}
	if h.BaseOffset < z.summary.NextOffset || h.LastOffsetDelta < 0 {
		return fmt.Errorf("%w: batch of offsets %d to %d after one that ends at %d", ErrCorrupt, h.BaseOffset, h.LastOffset(), z.summary.NextOffset)
	}
	var marker EndTxnMarker
	if h.IsControl() {
		if marker, err = readMarker(b); err != nil {
			return err
		}
	}
	z.addTime(&h)
	z.addEpoch(&h)
	if h.HasProducerID() {
		z.addProducer(&h, marker)
	}
	z.summary.NextOffset = h.NextOffset()
	z.batches++
	return nil
}

// readMarker returns the marker that the control batch b is.
func readMarker(b []byte) (EndTxnMarker, error) {
	records, err := OpenRecords(b, nil, DefaultBatchBytesMax)
	if err != nil {
		return EndTxnMarker{}, err
	}
	if !records.Next() {
		return EndTxnMarker{}, fmt.Errorf("%w: control batch without a record", ErrInvalidRecord)
	}
	return ParseEndTxn(records.Record())
}

// addTime notes offset, size and timestamp.
func (z *Summarizer) addTime(h *Header) {
	s := &z.summary
	if z.batches == 0 {
		s.BaseOffset = h.BaseOffset
	}
	if z.batches == 0 || h.MaxTimestamp > s.MaxTimestamp {
		s.MaxTimestamp, s.MaxTimestampBase = h.MaxTimestamp, h.BaseOffset
	}
	if n := len(s.Times); n > 0 && z.entryBytes < z.timeInterval {
		s.Times[n-1].MaxTimestamp = max(s.Times[n-1].MaxTimestamp, h.MaxTimestamp)
		z.entryBytes += h.Size()
		return
	}
	if len(s.Times) == timeEntriesMax {
		z.halveTimes()
	}
	s.Times = append(s.Times, TimeEntry{BaseOffset: h.BaseOffset, MaxTimestamp: h.MaxTimestamp})
	z.entryBytes = h.Size()
}

// halveTimes makes one time entry of each two, which stand for twice the bytes.
func (z *Summarizer) halveTimes() {
	times := z.summary.Times
	for i := range len(times) / 2 {
		first, second := times[2*i], times[2*i+1]
		times[i] = TimeEntry{BaseOffset: first.BaseOffset, MaxTimestamp: max(first.MaxTimestamp, second.MaxTimestamp)}
	}
	z.summary.Times = times[:len(times)/2]
	z.timeInterval *= 2
}

// addEpoch notes the leader epoch.
func (z *Summarizer) addEpoch(h *Header) {
	epochs := z.summary.Epochs
	if n := len(epochs); n == 0 || h.PartitionLeaderEpoch > epochs[n-1].Epoch {
		z.summary.Epochs = append(epochs, EpochStart{Epoch: h.PartitionLeaderEpoch, StartOffset: h.BaseOffset})
	}
}

// addProducer notes what the batch does to its producer's state. marker is
// looked at only if it is a control batch.
func (z *Summarizer) addProducer(h *Header, marker EndTxnMarker) {
	p := z.producers[h.ProducerID]
	if p == nil {
		z.makeRoom()
		p = &trackedProducer{Producer: Producer{ID: h.ProducerID, CoordinatorEpoch: -1}}
		p.Batches = make([]ProducerBatch, 0, producerBatchesMax)
		z.producers[h.ProducerID] = p
	}
	if h.ProducerEpoch != p.Epoch { // sequences begin anew
		p.Epoch, p.Batches = h.ProducerEpoch, p.Batches[:0]
	}
	p.LastTimestamp = h.MaxTimestamp
	uncertain := !z.summary.Seeded && !p.marked
	p.wrote = true

	switch {
	case h.IsControl():
		z.endTxn(p, h, marker, uncertain)
	case h.IsTransactional() && !p.TxnOpen:
		p.TxnOpen, p.TxnFirstOffset, p.TxnUncertain = true, h.BaseOffset, uncertain
	}
	if !h.IsControl() && h.BaseSequence >= 0 {
		if len(p.Batches) == producerBatchesMax {
			p.Batches = slices.Delete(p.Batches, 0, 1)
		}
		p.Batches = append(p.Batches, ProducerBatch{BaseOffset: h.BaseOffset, LastOffsetDelta: h.LastOffsetDelta, BaseSequence: h.BaseSequence})
	}
}

// endTxn ends the producer's transaction.
func (z *Summarizer) endTxn(p *trackedProducer, h *Header, marker EndTxnMarker, uncertain bool) {
	if marker.Type != ControlAbort && marker.Type != ControlCommit {
		return
	}
	if marker.Type == ControlAbort && (p.TxnOpen || uncertain) {
		aborted := AbortedTxn{ProducerID: p.ID, FirstOffset: h.BaseOffset, LastOffset: h.BaseOffset, Uncertain: uncertain}
		if p.TxnOpen {
			aborted.FirstOffset = p.TxnFirstOffset
		}
		z.summary.Aborted = append(z.summary.Aborted, aborted)
	}
	p.CoordinatorEpoch = marker.CoordinatorEpoch
	p.TxnOpen, p.TxnUncertain, p.TxnFirstOffset = false, false, 0
	p.marked = true
}

// makeRoom forgets producers if there are as many as may be: half of them at
// once, so that it is seldom done.
func (z *Summarizer) makeRoom() {
	if len(z.producers) < producersMax {
		return
	}
	idle := make([]*trackedProducer, 0, len(z.producers))
	for _, p := range z.producers {
		if !p.TxnOpen {
			idle = append(idle, p)
		}
	}
	slices.SortFunc(idle, func(a, b *trackedProducer) int {
		return cmp.Or(cmp.Compare(a.LastTimestamp, b.LastTimestamp), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range idle[:min(len(idle), producersMax/2)] {
		delete(z.producers, p.ID)
	}
}

// Empty reports whether the slice has no batch yet.
func (z *Summarizer) Empty() bool { return z.batches == 0 }

// Summary returns the summary of the slice so far. It shares memory with the
// Summarizer and is valid until the next Add or Next. It panics on an empty
// slice.
func (z *Summarizer) Summary() Summary {
	if z.batches == 0 {
		panic("batch: summary of an empty slice")
	}
	s := z.summary
	s.ProducersComplete = z.Complete && s.Seeded
	for _, p := range z.producers {
		if p.wrote || s.ProducersComplete {
			s.Producers = append(s.Producers, p.Producer)
		}
	}
	slices.SortFunc(s.Producers, func(a, b Producer) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// AppendTo appends the summary of the slice so far to dst, in the format of the
// package comment. It panics on an empty slice.
func (z *Summarizer) AppendTo(dst []byte) []byte {
	s := z.Summary()
	return s.AppendTo(dst)
}

// Next begins the slice that follows. What is known of the producers stays.
func (z *Summarizer) Next() {
	z.summary = Summary{Seeded: z.summary.Seeded}
	z.batches, z.entryBytes, z.timeInterval = 0, 0, timeIntervalFirst
	for id, p := range z.producers {
		if !z.summary.Seeded {
			delete(z.producers, id)
			continue
		}
		p.wrote, p.marked = false, false
	}
}
