package batch

// Summary is what a reader of a slice of a partition would otherwise have to
// scan the slice for. It is made by a [Summarizer], stored as an attachment
// beside the slice, and read back by [ParseSummary].
type Summary struct {
	// BaseOffset is the first batch's offset, NextOffset the one after the
	// last batch.
	BaseOffset, NextOffset int64
	// MaxTimestamp is the largest timestamp in ms, and MaxTimestampBase the
	// base offset of the first batch that has it.
	MaxTimestamp, MaxTimestampBase int64
	// Epochs says where leader epochs begin, in ascending order. The first is
	// where the slice begins, though its epoch may have begun before.
	Epochs []EpochStart
	// Times is the time index, in ascending order of offsets.
	Times []TimeEntry

	// Seeded says that the summarizer knew the producers before the slice.
	// Without, all it says of them is what stands in the slice.
	Seeded bool
	// ProducersComplete says that Producers has every producer of the
	// partition, and not only those that wrote in the slice.
	ProducersComplete bool
	// Producers is the state of idempotent producers at the end of the slice,
	// in ascending order of ids.
	Producers []Producer
	// Aborted lists the transactions that were aborted in the slice, in
	// ascending order of their markers.
	Aborted []AbortedTxn
}

// EpochStart is where a leader epoch begins.
type EpochStart struct {
	Epoch int32
	// StartOffset is the base offset of the epoch's first batch.
	StartOffset int64
}

// TimeEntry stands for a run of batches.
type TimeEntry struct {
	// BaseOffset is the first batch's.
	BaseOffset int64
	// MaxTimestamp is the largest of the run, up to the next entry.
	MaxTimestamp int64
}

// producerBatchesMax is how many batches are remembered of a producer: it may
// have as many in flight and send any of them again.
const producerBatchesMax = 5

// Producer is what a leader has to know about an idempotent producer.
type Producer struct {
	ID    int64
	Epoch int16
	// CoordinatorEpoch is that of the newest marker, -1 if there was none.
	CoordinatorEpoch int32
	// LastTimestamp is the MaxTimestamp of the newest batch or marker, in ms.
	LastTimestamp int64
	// TxnOpen says that a transaction is going on, since TxnFirstOffset.
	// TxnUncertain says that it may have begun before the slice.
	TxnOpen, TxnUncertain bool
	TxnFirstOffset        int64
	// Batches are the newest of the epoch, oldest first, at most five.
	Batches []ProducerBatch
}

// ProducerBatch is a batch that a producer may send again.
type ProducerBatch struct {
	BaseOffset      int64
	LastOffsetDelta int32
	BaseSequence    int32
}

// LastOffset returns the offset of the batch's last record.
func (b ProducerBatch) LastOffset() int64 { return b.BaseOffset + int64(b.LastOffsetDelta) }

// LastSequence returns the sequence number of the batch's last record.
func (b ProducerBatch) LastSequence() int32 { return AddSequence(b.BaseSequence, b.LastOffsetDelta) }

// AbortedTxn is an aborted transaction.
type AbortedTxn struct {
	ProducerID int64
	// FirstOffset is where the transaction began, or, if Uncertain, where it
	// is first seen in the slice: it may have begun before.
	FirstOffset int64
	Uncertain   bool
	// LastOffset is the offset of the marker that aborted it.
	LastOffset int64
}

// OffsetForTimestamp returns the base offset of a batch at or after which the
// first record with a timestamp of at least tsMillis stands, and not far after:
// the reader goes on from there batch by batch. ok is false if the slice has no
// such record.
func (s *Summary) OffsetForTimestamp(tsMillis int64) (batchBaseOffset int64, ok bool) {
	for _, e := range s.Times {
		if e.MaxTimestamp >= tsMillis {
			return e.BaseOffset, true
		}
	}
	return 0, false
}

// Follow takes the producers by id as they were before the slice, and returns
// them as they are at its end. Where the slice was summarized without a seed,
// Follow also settles what that left uncertain in s. It changes state, which may
// be nil, and what it puts there shares memory with s.
func (s *Summary) Follow(state map[int64]Producer) map[int64]Producer {
	if s.ProducersComplete || state == nil {
		state = make(map[int64]Producer, len(s.Producers))
	}
	for i := range s.Aborted {
		if a := &s.Aborted[i]; a.Uncertain {
			if before := state[a.ProducerID]; before.TxnOpen {
				a.FirstOffset = before.TxnFirstOffset
			}
			a.Uncertain = false
		}
	}
	for i := range s.Producers {
		p := &s.Producers[i]
		if before, ok := state[p.ID]; ok && !s.Seeded {
			p.follow(&before)
		}
		p.TxnUncertain = false
		state[p.ID] = *p
	}
	return state
}

// follow completes what an unseeded slice says of a producer by what was known
// before it.
func (p *Producer) follow(before *Producer) {
	if p.TxnUncertain && before.TxnOpen {
		p.TxnFirstOffset = before.TxnFirstOffset
	}
	p.CoordinatorEpoch = max(p.CoordinatorEpoch, before.CoordinatorEpoch)
	if missing := producerBatchesMax - len(p.Batches); missing > 0 && p.Epoch == before.Epoch {
		older := before.Batches[max(0, len(before.Batches)-missing):]
		p.Batches = append(append(make([]ProducerBatch, 0, producerBatchesMax), older...), p.Batches...)
	}
}
