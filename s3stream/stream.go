package s3stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/invariant"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/tail"
)

// Stream is one stream that this node holds open: an append-only sequence of
// batches. Append and Close are called by one goroutine at a time (the
// partition orders its appends anyway); everything else by any.
type Stream struct {
	m      *Manager
	log    appendLog
	direct bool // log acknowledges from object storage
	id     ids.StreamID
	epoch  ids.StreamEpoch

	start     atomic.Int64 // first readable offset
	end       atomic.Int64 // next offset to append
	durable   atomic.Int64 // the high watermark: everything below it is durable
	committed atomic.Int64 // everything below it is in objects
	inLog     atomic.Int64 // bytes of batches appended here and not in objects

	closing atomic.Bool
	pending atomic.Int64  // appends whose completion has not run
	drained chan struct{} // told when pending falls to zero while closing
	failed  atomic.Pointer[error]
}

// Batch is what Append takes: opaque bytes that stand for the offsets
// [BaseOffset, EndOffset).
type Batch struct {
	BaseOffset int64
	EndOffset  int64
	Bytes      []byte // copied before Append returns
	CRC        uint32 // CRC32C of Bytes, if HasCRC: they are then not summed again
	HasCRC     bool
}

// Completion is told what became of an append.
type Completion = tail.Completion

// ID is the stream's name.
func (s *Stream) ID() ids.StreamID { return s.id }

// Epoch is the stream epoch under which this node opened it.
func (s *Stream) Epoch() ids.StreamEpoch { return s.epoch }

// StartOffset is the first offset that may still be read.
func (s *Stream) StartOffset() int64 { return s.start.Load() }

// End is the offset that the next append must begin at, never below
// DurableEnd. Append notes its end after the log has taken it, and by then it
// may be durable and read.
func (s *Stream) End() int64 { return max(s.end.Load(), s.durable.Load()) }

// DurableEnd is the offset up to which everything is durable: the high
// watermark. It never falls.
func (s *Stream) DurableEnd() int64 { return s.durable.Load() }

// CommittedEnd is the offset up to which everything is in objects that the
// metadata knows. It may be lower than DurableEnd and never falls.
func (s *Stream) CommittedEnd() int64 { return s.committed.Load() }

// LogBytes is how many bytes of the batches appended here, since the stream was
// opened, are in no object yet.
func (s *Stream) LogBytes() int64 { return max(s.inLog.Load(), 0) }

// Append puts a batch at the stream's end. It copies Bytes and does not wait for
// the device; Manager.Flush must follow, once for any number of appends.
//
// On nil, done.Durable is called exactly once: in order per stream, possibly
// before Append returns, with nil once the batch is durable and visible
// (DurableEnd has risen), or with the error that fenced the WAL. done must not
// call Append or Close.
//
// On an error nothing was appended and done is not called: ErrFull (retriable:
// WaitSpace), ErrFenced, ErrTooLarge or ErrClosed.
func (s *Stream) Append(b Batch, done Completion) error {
	s.pending.Add(1) // before the look at closing: Close sets it, then waits
	if s.closing.Load() {
		s.settle()
		return ErrClosed
	}
	if err := s.Failed(); err != nil {
		s.settle()
		return err
	}
	invariant.Check(b.BaseOffset == s.end.Load() && b.EndOffset > b.BaseOffset,
		"stream %d: append of [%d, %d) at end %d", s.id, b.BaseOffset, b.EndOffset, s.end.Load())
	s.inLog.Add(int64(len(b.Bytes))) // before they can be uploaded
	a := appends.Get().(*appending)
	*a = appending{stream: s, end: b.EndOffset, done: done}
	err := s.log.Append(tail.Record{
		Stream: s.id, Epoch: s.epoch, Base: b.BaseOffset, End: b.EndOffset, Payload: b.Bytes, CRC: b.CRC, HasCRC: b.HasCRC,
	}, a)
	if err != nil {
		appends.Put(a)
		s.inLog.Add(-int64(len(b.Bytes)))
		s.settle()
		return err
	}
	s.end.Store(b.EndOffset)
	return nil
}

// IsDirect says whether appends are acknowledged from object storage.
func (s *Stream) IsDirect() bool { return s.direct }

// WaitSpace waits until an append that was refused with ErrFull may succeed.
func (s *Stream) WaitSpace(ctx context.Context) error { return s.log.WaitSpace(ctx) }

// Mark leaves a note in the log on the stream as it is up to its end. A rescuer
// of the log is told the newest one of each stream, if it is not trimmed. Like
// Append it is called by one goroutine at a time and does not wait; done is told
// when the note is durable, if there is no error.
func (s *Stream) Mark(note []byte, done Completion) error {
	if err := s.Failed(); err != nil {
		return err
	}
	if s.closing.Load() {
		return ErrClosed
	}
	return s.log.Mark(s.id, s.epoch, s.end.Load(), note, done)
}

// Failed is nil while the stream takes appends, else why it does not.
func (s *Stream) Failed() error {
	if p := s.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// settle counts one append out.
func (s *Stream) settle() {
	if s.pending.Add(-1) == 0 && s.closing.Load() {
		s.tellDrained()
	}
}

// tellDrained wakes one who waits for pending to be zero, and looks again.
func (s *Stream) tellDrained() {
	select {
	case s.drained <- struct{}{}:
	default:
	}
}

// appending is an append between the WAL taking it and its completion. It is
// pooled: one a batch, in steady state none allocated.
type appending struct {
	stream *Stream
	end    int64
	done   Completion
}

var appends = sync.Pool{New: func() any { return new(appending) }}

// Durable is called by the WAL, in order.
func (a *appending) Durable(err error) {
	s, end, done := a.stream, a.end, a.done
	*a = appending{}
	appends.Put(a)
	if err == nil {
		s.durable.Store(end) // before done: whoever is told may read at once
	} else {
		s.fail(err)
	}
	done.Durable(err)
	s.settle()
}

func (s *Stream) fail(err error) {
	if !errors.Is(err, ErrFenced) {
		err = fmt.Errorf("%w: %w", ErrFenced, err)
	}
	err = fmt.Errorf("stream %d: %w", s.id, err)
	s.failed.CompareAndSwap(nil, &err)
}

// Trim makes newStart the first readable offset (DeleteRecords, retention).
// Offsets at or below the current start are no change. It returns once the
// metadata has it.
func (s *Stream) Trim(ctx context.Context, newStart int64) error {
	if newStart <= s.start.Load() {
		return nil
	}
	if newStart > s.durable.Load() {
		return fmt.Errorf("stream %d: trim to %d: past the durable end %d", s.id, newStart, s.durable.Load())
	}
	if err := s.m.meta.TrimStream(ctx, s.id, s.epoch, newStart); err != nil {
		return fmt.Errorf("stream %d: trim to %d: %w", s.id, newStart, err)
	}
	raise(&s.start, newStart)
	return nil
}

// Trimmed says that newStart is the first readable offset in the metadata,
// however it came there: the outcome of a Trim may have been unknown.
func (s *Stream) Trimmed(newStart int64) { raise(&s.start, newStart) }

// Close stops appends, waits for those under way, and ends the stream's tail
// in the metadata; it returns where. The data stays readable here until it is
// in objects. Close waits for no upload. After an error of the context or the
// metadata it may be called again; of a fenced stream it returns the error.
func (s *Stream) Close(ctx context.Context) (end int64, err error) {
	if end, err = s.finish(ctx); err != nil {
		return 0, err
	}
	if err := s.Failed(); err != nil {
		return 0, err
	}
	if err := s.m.closeStream(ctx, meta.CloseStream{Stream: s.id, Epoch: s.epoch, End: end}); err != nil {
		return 0, fmt.Errorf("stream %d: close at %d: %w", s.id, end, err)
	}
	return end, nil
}

// finish stops appends, waits for those under way, and returns where they end:
// of a stream whose log failed, where what was acknowledged ends. Nothing past
// that was promised, whether the device has it or not.
func (s *Stream) finish(ctx context.Context) (end int64, err error) {
	s.closing.Store(true)
	s.log.Hurry() // whoever appended last may not have flushed
	for s.pending.Load() > 0 {
		select {
		case <-s.drained:
		case <-ctx.Done():
			return 0, fmt.Errorf("stream %d: close: waiting for appends: %w", s.id, ctx.Err())
		}
	}
	s.tellDrained() // whoever else waits
	// Of what is durable, the end is known; what Append notes of it, it may note
	// after the completion.
	end = max(s.durable.Load(), s.committed.Load())
	// Before the metadata is told: as soon as that knows, others may append past
	// it, and this node after them. What they have is not to be looked for here.
	s.log.End(s.id, s.epoch, end, 0)
	return end, nil
}

// raise stores v unless a holds as much already.
func raise(a *atomic.Int64, v int64) {
	for {
		old := a.Load()
		if v <= old || a.CompareAndSwap(old, v) {
			return
		}
	}
}
