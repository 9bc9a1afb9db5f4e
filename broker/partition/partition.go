package partition

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream"
)

// Errors of a partition. The broker gives them their Kafka codes.
var (
	// ErrNotLeader: this node does not (or no longer) lead the partition.
	ErrNotLeader = errors.New("partition: this node is not the leader")
	// ErrFencedLeaderEpoch: the request names an older leader epoch.
	ErrFencedLeaderEpoch = errors.New("partition: the request's leader epoch is older than the current one")
	// ErrUnknownLeaderEpoch: the request names a leader epoch yet to come here.
	ErrUnknownLeaderEpoch = errors.New("partition: the request's leader epoch is newer than the current one")
	// ErrOffsetOutOfRange: the offset is below the log's start or past its end.
	ErrOffsetOutOfRange = errors.New("partition: offset out of range")
	// ErrFull: there is no room in the WAL or the log cache now; nothing was
	// appended, and the append may be tried again.
	ErrFull = errors.New("partition: no room in the write-ahead log")
	// ErrTooLarge: the batch would never fit into the write-ahead log.
	ErrTooLarge = errors.New("partition: batch is too large for the write-ahead log")
	// ErrStorage: the write-ahead log failed; this node takes no more appends.
	ErrStorage = errors.New("partition: storage failed")
)

// Stream is the storage under one partition: an [s3stream.Stream].
type Stream interface {
	ID() ids.StreamID
	Epoch() ids.StreamEpoch
	StartOffset() int64
	CommittedEnd() int64
	LogBytes() int64
	DurableEnd() int64
	End() int64
	Append(b s3stream.Batch, done s3stream.Completion) error
	Mark(note []byte, done s3stream.Completion) error
	TryRead(from, upTo int64, opt s3stream.ReadOptions) (s3stream.Result, bool)
	Read(ctx context.Context, from, upTo int64, opt s3stream.ReadOptions) (s3stream.Result, error)
	Attachments(ctx context.Context, from, upTo int64) iter.Seq2[s3stream.Attachment, error]
	Trim(ctx context.Context, newStart int64) error
	Trimmed(newStart int64)
	IsLost(offset int64) bool
	IsDirect() bool
	WaitSpace(ctx context.Context) error
	Close(ctx context.Context) (end int64, err error)
}

// Identity says which partition of which topic this is.
type Identity struct {
	TopicID ids.TopicID
	Topic   string
	Index   int32
}

// String is the partition as people write it: topic-index.
func (id Identity) String() string { return fmt.Sprintf("%s-%d", id.Topic, id.Index) }

// Partition is one partition that this node leads.
type Partition struct {
	Identity
	traffic     traffic
	leaderEpoch int32
	stream      Stream
	settings    atomic.Pointer[config.Topic]
	memory      Memory
	tail        *fold // of producers, until the partition is restored; may be nil
	// Until it is restored: where its log is by now, and how another node is
	// asked for the producers at the end of it. asked: it was, and the restore
	// under way does without.
	where func() whereabouts
	asks  func(context.Context, ids.NodeID) (producers, error)
	asked bool

	mu        sync.Mutex
	closed    bool
	end       int64 // the next offset to give
	producers producers
	epochs    epochs
	retained  retained
	summaries summaries

	hwMu    sync.Mutex
	hw      int64
	gone    bool // closed: nobody may wait any more
	failed  error
	repeats []*Append // duplicates of appends that are not durable yet
	watches watchList
}

// Memory grants the bytes that producer state takes (an account of the
// process's budget).
type Memory interface {
	TryAcquire(n int64) bool
	Release(n int64)
}

// Append is one batch on its way into the log. Its owner keeps it, unmoved and
// unread, from Partition.Append until Done is called.
type Append struct {
	// Batch holds the batch as received, validated into Info. Append patches
	// its header in place and copies it; it may be reused once Append returned.
	Batch []byte
	Info  batch.Info
	// LeaderEpoch, if 0 or more, is the epoch that the writer believes in.
	LeaderEpoch int32
	// Done is called exactly once if Append returned nil, in the goroutine
	// that made the batch durable, or in Append itself. It must not block.
	Done interface{ AppendDone(*Append) }

	// BaseOffset is the offset given to the batch's first record, or the one
	// that it had been given when it is a repetition.
	BaseOffset int64
	// LogAppendTimeMs is the time given to the batch, -1 under CreateTime.
	LogAppendTimeMs int64
	// Err is nil once durable; else ErrStorage.
	Err error

	p   *Partition
	end int64
}

// Append gives b its offset and hands it to the stream. It returns an error,
// and Done is not called, if nothing was appended: ErrNotLeader,
// ErrOutOfOrderSequence, ErrInvalidProducerEpoch, ErrFull, ErrStorage, or an
// epoch error. Appends to one partition are made durable in their order.
func (p *Partition) Append(a *Append, nowMs int64) error {
	if err := p.CheckLeaderEpoch(a.LeaderEpoch); err != nil {
		return err
	}
	a.p, a.Err, a.LogAppendTimeMs = p, nil, -1
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrNotLeader
	}
	h := &a.Info.Header
	if h.HasProducerID() {
		dup, isDup, err := p.producers.check(h)
		if err != nil {
			return err
		}
		if isDup && p.stream.IsLost(dup.baseOffset) {
			return fmt.Errorf("%w: producer %d repeats sequence %d, whose records at offset %d were lost with a WAL that was given up",
				ErrOutOfOrderSequence, h.ProducerID, h.BaseSequence, dup.baseOffset)
		}
		if isDup {
			a.BaseOffset, a.end = dup.baseOffset, dup.endOffset
			return p.awaitRepeat(a)
		}
	}
	h.BaseOffset = p.end
	a.BaseOffset, a.end = h.BaseOffset, h.NextOffset()
	p.stamp(a, nowMs)
	if err := p.stream.Append(a.stored(), a); err != nil {
		return storageError(err)
	}
	p.end = a.end
	p.traffic.appended(len(a.Batch))
	if h.HasProducerID() {
		p.producers.remember(h, p.memory)
	}
	return nil
}

// stamp patches what the leader decides into the batch's header.
func (p *Partition) stamp(a *Append, nowMs int64) {
	batch.SetBaseOffset(a.Batch, a.BaseOffset)
	batch.SetLeaderEpoch(a.Batch, p.leaderEpoch)
	h := &a.Info.Header
	switch {
	case p.settings.Load().LogAppendTime:
		batch.SetLogAppendTime(a.Batch, nowMs)
		a.LogAppendTimeMs, h.MaxTimestamp = nowMs, nowMs
	case h.MaxTimestamp != a.Info.MaxTimestamp:
		batch.SetMaxTimestamp(a.Batch, a.Info.MaxTimestamp)
		h.MaxTimestamp = a.Info.MaxTimestamp
	}
}

// sumBytesMin is from where on the storage below is told a batch's sum: a
// smaller one it sums quicker than the sum is derived.
const sumBytesMin = 16 << 10

// stored is the batch as the stream takes it. The sum of a large one is derived
// from the CRC in it, which was verified: its bytes are not read again.
func (a *Append) stored() s3stream.Batch {
	b := s3stream.Batch{BaseOffset: a.BaseOffset, EndOffset: a.end, Bytes: a.Batch}
	if b.HasCRC = len(b.Bytes) >= sumBytesMin; b.HasCRC {
		b.CRC = batch.WholeCRC(b.Bytes)
	}
	return b
}

// awaitRepeat answers a repeated batch when the first one is durable (I1).
func (p *Partition) awaitRepeat(a *Append) error {
	p.hwMu.Lock()
	if p.failed != nil {
		p.hwMu.Unlock()
		return p.failed
	}
	if a.end > p.hw {
		p.repeats = append(p.repeats, a)
		p.hwMu.Unlock()
		return nil
	}
	p.hwMu.Unlock()
	a.Done.AppendDone(a)
	return nil
}

// Durable is called by the stream, in offset order. It moves the high
// watermark, wakes whoever waits for the data, and answers the append.
func (a *Append) Durable(err error) {
	p := a.p
	p.hwMu.Lock()
	var repeats []*Append
	if err != nil {
		p.failed = storageError(err)
		a.Err = p.failed
		repeats, p.repeats = p.repeats, nil
	} else {
		p.hw = a.end
		repeats = p.takeRepeats()
		p.watches.progress(len(a.Batch))
	}
	failed := p.failed
	p.hwMu.Unlock()
	a.Done.AppendDone(a)
	for _, r := range repeats {
		r.Err = failed
		r.Done.AppendDone(r)
	}
}

// stop ends the partition here, and forgets its state.
func (p *Partition) stop() {
	p.resign()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory.Release(int64(len(p.producers.byID)+p.tail.charged()) * producerBytes)
	p.producers, p.tail = newProducers(), nil
}

// resign has the partition take no more appends; whoever waits is told. Appends
// under way are answered as they end.
func (p *Partition) resign() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()

	p.hwMu.Lock()
	p.gone = true
	repeats := p.repeats
	p.repeats = nil
	p.watches.progress(-1)
	p.hwMu.Unlock()
	for _, r := range repeats {
		r.Err = ErrNotLeader
		r.Done.AppendDone(r)
	}
}

// takeRepeats removes the repetitions whose first append is durable by now.
// Called under hwMu.
func (p *Partition) takeRepeats() (ready []*Append) {
	if len(p.repeats) == 0 {
		return nil
	}
	waiting := p.repeats[:0]
	for _, r := range p.repeats {
		if r.end <= p.hw {
			ready = append(ready, r)
		} else {
			waiting = append(waiting, r)
		}
	}
	p.repeats = waiting
	return ready
}

// CheckLeaderEpoch holds the epoch that a client believes in (negative: none)
// against the current one.
func (p *Partition) CheckLeaderEpoch(epoch int32) error {
	switch {
	case epoch < 0 || epoch == p.leaderEpoch:
		return nil
	case epoch < p.leaderEpoch:
		return ErrFencedLeaderEpoch
	}
	return ErrUnknownLeaderEpoch
}

// LeaderEpoch is the epoch in which this node leads the partition.
func (p *Partition) LeaderEpoch() int32 { return p.leaderEpoch }

// Settings are the topic's settings in force.
func (p *Partition) Settings() *config.Topic { return p.settings.Load() }

// Internal says whether the topic is the broker's own, which clients read and
// do not write.
func (id Identity) Internal() bool { return id.Topic == OffsetsTopic }

// OffsetsTopic is the internal topic of consumer groups.
const OffsetsTopic = "__consumer_offsets"

// Offsets are a partition's bounds at one moment.
type Offsets struct {
	Start int64 // of the log
	// HighWatermark is where durable, hence visible, data ends (I2).
	HighWatermark int64
	// LastStable is where data of decided transactions ends; without
	// transactions, the high watermark.
	LastStable int64
}

// Offsets reads the partition's bounds.
func (p *Partition) Offsets() Offsets {
	p.hwMu.Lock()
	hw := p.hw
	p.hwMu.Unlock()
	return Offsets{Start: min(p.stream.StartOffset(), hw), HighWatermark: hw, LastStable: hw}
}

// WaitSpace waits until an append that got ErrFull may succeed.
func (p *Partition) WaitSpace(ctx context.Context) error { return p.stream.WaitSpace(ctx) }

// EndOffsetForEpoch answers OffsetForLeaderEpoch; both are -1 when unknown.
func (p *Partition) EndOffsetForEpoch(asked int32) (epoch int32, endOffset int64) {
	hw := p.Offsets().HighWatermark
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epochs.endOffset(asked, hw)
}

// DeleteRecords moves the log's start up to offset; -1 means the high
// watermark. It returns the new start.
func (p *Partition) DeleteRecords(ctx context.Context, offset int64) (start int64, err error) {
	o := p.Offsets()
	if offset == -1 {
		offset = o.HighWatermark
	}
	if offset < 0 || offset > o.HighWatermark {
		return o.Start, ErrOffsetOutOfRange
	}
	if offset > o.Start {
		if err := p.stream.Trim(ctx, offset); err != nil {
			return o.Start, err
		}
		p.trimmed(offset)
	}
	return max(offset, o.Start), nil
}

// trimmed follows the metadata: the log begins at start, if it did not begin
// later before.
func (p *Partition) trimmed(start int64) {
	p.stream.Trimmed(start)
	p.mu.Lock()
	p.epochs.trim(start)
	p.mu.Unlock()
}

// ProducerState is what DescribeProducers tells of one producer.
type ProducerState struct {
	ID           int64
	Epoch        int16
	LastSequence int32
	// LastTimestampMs is the newest batch's largest timestamp.
	LastTimestampMs int64
}

// Producers lists the active producers by rising id.
func (p *Partition) Producers() []ProducerState {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]ProducerState, 0, len(p.producers.byID))
	for _, id := range sortedIDs(p.producers.byID) {
		s := p.producers.byID[id]
		last := int32(-1)
		if s.n > 0 {
			last = s.last[s.n-1].lastSeq
		}
		out = append(out, ProducerState{ID: id, Epoch: s.epoch, LastSequence: last, LastTimestampMs: s.timestampMs})
	}
	return out
}

// storageError turns the stream's errors into the partition's, keeping the
// cause.
func storageError(err error) error {
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(err, s3stream.ErrFull):
		return ErrFull
	case errors.Is(err, s3stream.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, s3stream.ErrClosed):
		return ErrNotLeader
	case errors.Is(err, ErrStorage):
		return err
	}
	return fmt.Errorf("%w: %w", ErrStorage, err)
}
