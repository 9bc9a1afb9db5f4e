package s3stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/tail"
)

// fakeLog keeps appends in memory and completes them when told to; with
// inline it completes them inside Append, as an idle WAL does.
type fakeLog struct {
	inline  bool
	flushes atomic.Int32
	refuse  error
	pending []tail.Completion
	records []tail.Record
	mu      sync.Mutex
	ends    []meta.CloseStream // told by End
}

func (l *fakeLog) Append(r tail.Record, done tail.Completion) error {
	if l.refuse != nil {
		return l.refuse
	}
	r.Payload = bytes.Clone(r.Payload)
	l.records = append(l.records, r)
	l.pending = append(l.pending, done)
	if l.inline {
		l.complete(nil)
	}
	return nil
}

// racing completes an append before Append has come back, and calls meanwhile.
type racing struct {
	*fakeLog
	meanwhile func()
}

func (l *racing) Append(r tail.Record, done tail.Completion) error {
	done.Durable(nil)
	l.meanwhile()
	return nil
}

func (l *fakeLog) complete(err error) {
	pending := l.pending
	l.pending = nil
	for _, done := range pending {
		done.Durable(err)
	}
}

func (l *fakeLog) Begin(ids.StreamID, ids.StreamEpoch, int64) {}
func (l *fakeLog) End(stream ids.StreamID, epoch ids.StreamEpoch, end, _ int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = append(l.ends, meta.CloseStream{Stream: stream, Epoch: epoch, End: end})
}
func (l *fakeLog) Mark(ids.StreamID, ids.StreamEpoch, int64, []byte, tail.Completion) error {
	return nil
}
func (l *fakeLog) Flush(bool)                      { l.flushes.Add(1) }
func (l *fakeLog) DurableUpTo() int64              { return 0 }
func (l *fakeLog) Close() error                    { return nil }
func (l *fakeLog) WaitSpace(context.Context) error { return nil }
func (l *fakeLog) Hurry()                          { l.Flush(false) }

// TryRead covers offsets from 10 on; those from 20 on are in memory.
func (l *fakeLog) TryRead(r read.Request) (read.Result, bool, bool) {
	if r.From < 10 {
		return read.Result{}, false, false
	}
	return l.find(r), true, r.From >= 20
}

func (l *fakeLog) Read(_ context.Context, r read.Request) (read.Result, bool, error) {
	if r.From < 10 {
		return read.Result{}, false, nil
	}
	return l.find(r), true, nil
}

func (l *fakeLog) find(r read.Request) read.Result {
	res := read.Result{NextOffset: r.From}
	for _, x := range l.records {
		if x.Stream == r.Stream && x.End > r.From && x.End <= r.UpTo {
			res.Append(x.Payload, nil)
			res.NextOffset = x.End
		}
	}
	return res
}

type fakeObjects struct{}

func (fakeObjects) Read(_ context.Context, r read.Request) (read.Result, error) {
	res := read.Result{NextOffset: 10}
	res.Append([]byte("object"), nil)
	return res, nil
}

func (fakeObjects) Attachments(context.Context, ids.StreamID, int64, int64) iter.Seq2[read.Attachment, error] {
	return nil
}

// fakeMeta opens every stream at [5, 10), except stream 13.
type fakeMeta struct {
	closed    []meta.CloseStream
	closing   func()
	unsettled error // of closing, after it has happened
}

func (*fakeMeta) OpenStreams(_ context.Context, _ ids.WALInstance, reqs []meta.OpenStream) ([]meta.OpenedStream, error) {
	var out []meta.OpenedStream
	for _, r := range reqs {
		o := meta.OpenedStream{Stream: r.Stream, Epoch: r.ExpectedEpoch + 1, Start: 5, CommittedEnd: 8, End: 10}
		if r.Stream == 13 {
			o.Err = meta.ErrStillOpen
		}
		out = append(out, o)
	}
	return out, nil
}

func (f *fakeMeta) CloseStreams(_ context.Context, streams []meta.CloseStream) error {
	if f.closing != nil {
		f.closing()
	}
	f.closed = append(f.closed, streams...)
	return f.unsettled
}

func (*fakeMeta) TailAt(ids.StreamID, int64) (meta.HeldTail, bool) { return meta.HeldTail{}, false }

func (*fakeMeta) LostUpTo(_ ids.StreamID, offset int64) (int64, bool) { return offset, false }

func (*fakeMeta) TrimStream(context.Context, ids.StreamID, ids.StreamEpoch, int64) error { return nil }

func open(t *testing.T, log *fakeLog) (*Stream, *fakeMeta) {
	t.Helper()
	fm := &fakeMeta{}
	m := newManager(fm, ids.WALInstance{1}, log, log, fakeObjects{}, 2)
	streams, err := m.Open(context.Background(), []OpenRequest{{Stream: 7, ExpectedEpoch: 3}, {Stream: 13}})
	if !errors.Is(err, meta.ErrStillOpen) || streams[1] != nil {
		t.Fatalf("stream 13 was opened: %v", err)
	}
	s := streams[0]
	if s.Epoch() != 4 || s.StartOffset() != 5 || s.End() != 10 || s.DurableEnd() != 10 || s.CommittedEnd() != 8 {
		t.Fatalf("opened with %d: [%d, %d), durable %d, committed %d", s.Epoch(), s.StartOffset(), s.End(), s.DurableEnd(), s.CommittedEnd())
	}
	return s, fm
}

type told struct{ errs []error }

func (d *told) Durable(err error) { d.errs = append(d.errs, err) }

func TestNothingIsVisibleBeforeItIsDurable(t *testing.T) {
	log := &fakeLog{}
	s, _ := open(t, log)
	done := &told{}
	if err := s.Append(Batch{BaseOffset: 10, EndOffset: 30, Bytes: []byte("abc")}, done); err != nil {
		t.Fatal(err)
	}
	if s.End() != 30 || s.DurableEnd() != 10 || len(done.errs) != 0 {
		t.Fatalf("end %d, durable %d, told %v", s.End(), s.DurableEnd(), done.errs)
	}
	if res, ok := s.TryRead(10, 1000, ReadOptions{MaxBytes: 100}); !ok || len(res.Segments) != 0 || res.NextOffset != 10 {
		t.Errorf("read past the durable end: %v, %v", res, ok)
	}
	log.complete(nil)
	if s.DurableEnd() != 30 || !slices.Equal(done.errs, []error{nil}) {
		t.Errorf("durable %d, told %v", s.DurableEnd(), done.errs)
	}
	res, err := s.Read(context.Background(), 10, 1000, ReadOptions{MaxBytes: 100})
	if err != nil || string(res.Segments[0]) != "abc" || res.NextOffset != 30 {
		t.Errorf("read %v, %v", res, err)
	}
}

func TestReadGoesDownTheLayers(t *testing.T) {
	log := &fakeLog{inline: true}
	s, _ := open(t, log)
	for base := int64(10); base < 30; base += 10 {
		if err := s.Append(Batch{BaseOffset: base, EndOffset: base + 10, Bytes: fmt.Append(nil, base)}, &told{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		from     int64
		ready    bool
		want     string
		notFound bool
	}{
		{from: 25, ready: true, want: "20"}, {from: 12, want: "10"}, {from: 6, want: "object"},
		{from: 4, notFound: true}, {from: 31, notFound: true},
	} {
		if _, ok := s.TryRead(tt.from, 30, ReadOptions{}); ok != tt.ready {
			t.Errorf("from %d: answered from memory: %v", tt.from, ok)
		}
		res, err := s.Read(context.Background(), tt.from, 30, ReadOptions{})
		if tt.notFound {
			if !errors.Is(err, ErrOutOfRange) {
				t.Errorf("from %d: %v", tt.from, err)
			}
		} else if err != nil || string(res.Segments[0]) != tt.want {
			t.Errorf("from %d: %q, %v", tt.from, res.Segments, err)
		}
	}
}

func TestRefusedAppendLeavesNoTrace(t *testing.T) {
	log := &fakeLog{refuse: ErrFull}
	s, fm := open(t, log)
	done := &told{}
	if err := s.Append(Batch{BaseOffset: 10, EndOffset: 11}, done); !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	if s.End() != 10 || len(done.errs) != 0 {
		t.Errorf("end %d, told %v", s.End(), done.errs)
	}
	if end, err := s.Close(context.Background()); end != 10 || err != nil || len(fm.closed) != 1 {
		t.Errorf("closed at %d: %v", end, err)
	}
}

func TestFailedWriteFencesTheStream(t *testing.T) {
	log := &fakeLog{}
	s, fm := open(t, log)
	done := &told{}
	if err := s.Append(Batch{BaseOffset: 10, EndOffset: 11}, done); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken disk")
	log.complete(broken)
	if len(done.errs) != 1 || !errors.Is(done.errs[0], broken) || s.DurableEnd() != 10 {
		t.Errorf("told %v, durable %d", done.errs, s.DurableEnd())
	}
	if err := s.Append(Batch{BaseOffset: 11, EndOffset: 12}, done); !errors.Is(err, ErrFenced) || !errors.Is(err, broken) {
		t.Errorf("append after the failure: %v", err)
	}
	if _, err := s.Close(context.Background()); !errors.Is(err, ErrFenced) || len(fm.closed) != 0 {
		t.Errorf("close after the failure: %v", err)
	}
	err := s.m.HandOff(context.Background(), []Opening{{7, 4}}, func(_ ids.StreamID, end int64) {
		t.Errorf("told that it ends at %d, of which its appender knows more", end)
	})
	if want := (meta.CloseStream{Stream: 7, Epoch: 4, End: 10}); err != nil || len(fm.closed) != 1 || fm.closed[0] != want {
		t.Errorf("handed off: %v, closed %v", err, fm.closed)
	}
}

// An attempt at a hand-off that comes late finds the stream opened here again,
// after another node had it: it is not to close that.
func TestALateHandOffLeavesLaterOpeningsAlone(t *testing.T) {
	log := &fakeLog{}
	was, fm := open(t, log)
	ended := func(ids.StreamID, int64) {}
	fm.unsettled = errors.New("another one was refused")
	if err := was.m.HandOff(t.Context(), []Opening{{7, 4}}, ended); !errors.Is(err, fm.unsettled) || len(fm.closed) != 1 {
		t.Fatalf("handed off: %v, closed %v", err, fm.closed)
	}
	fm.unsettled = nil
	again, err := was.m.Open(t.Context(), []OpenRequest{{Stream: 7, ExpectedEpoch: 5}})
	if err != nil {
		t.Fatal(err)
	}
	if err := was.m.HandOff(t.Context(), []Opening{{7, 4}}, ended); err != nil || len(fm.closed) != 1 {
		t.Errorf("late: %v, closed %v", err, fm.closed)
	}
	if err := again[0].Append(Batch{BaseOffset: 10, EndOffset: 11}, &told{}); err != nil {
		t.Errorf("append to the later opening: %v", err)
	}
}

// As soon as the metadata knows that a tail is closed, another node may append
// past it: by then this node's log does not serve offsets past it any more.
func TestATailEndsHereBeforeItEndsInTheMetadata(t *testing.T) {
	for name, end := range map[string]func(*Stream) error{
		"close": func(s *Stream) error { _, err := s.Close(t.Context()); return err },
		"hand-off": func(s *Stream) error {
			return s.m.HandOff(t.Context(), []Opening{{7, 4}}, func(ids.StreamID, int64) {})
		},
	} {
		log := &fakeLog{inline: true}
		s, fm := open(t, log)
		if err := s.Append(Batch{BaseOffset: 10, EndOffset: 12}, &told{}); err != nil {
			t.Fatal(err)
		}
		fm.closing = func() {
			if want := (meta.CloseStream{Stream: 7, Epoch: 4, End: 12}); !slices.Contains(log.ends, want) {
				t.Errorf("%s: the log was told %v", name, log.ends)
			}
		}
		if err := end(s); err != nil || len(fm.closed) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two wait for the same append: one learns of its end from the other.
func TestTwoWaitForTheSameAppend(t *testing.T) {
	log := &fakeLog{}
	s, _ := open(t, log)
	if err := s.Append(Batch{BaseOffset: 10, EndOffset: 12}, &told{}); err != nil {
		t.Fatal(err)
	}
	ends := make(chan int64)
	for range 2 {
		go func() {
			end, _ := s.finish(context.Background())
			ends <- end
		}()
	}
	for log.flushes.Load() < 2 {
		runtime.Gosched()
	}
	log.complete(nil)
	if a, b := <-ends, <-ends; a != 12 || b != 12 {
		t.Errorf("ended at %d and %d, want 12", a, b)
	}
}

func TestCloseWaitsForAppendsUnderWay(t *testing.T) {
	log := &fakeLog{}
	s, fm := open(t, log)
	if err := s.Append(Batch{BaseOffset: 10, EndOffset: 12}, &told{}); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Close(canceled); !errors.Is(err, context.Canceled) || len(fm.closed) != 0 {
		t.Fatalf("close with an append under way: %v", err)
	}
	if err := s.Append(Batch{BaseOffset: 12, EndOffset: 13}, &told{}); !errors.Is(err, ErrClosed) {
		t.Errorf("append while closing: %v", err)
	}
	log.complete(nil)
	if end, err := s.Close(context.Background()); end != 12 || err != nil {
		t.Fatalf("closed at %d: %v", end, err)
	}
	if want := (meta.CloseStream{Stream: 7, Epoch: 4, End: 12}); fm.closed[0] != want {
		t.Errorf("closed %v", fm.closed)
	}
}

// The device may be done before the goroutine that appends goes on: a close that
// waited for nothing else ends past that append all the same.
// A reader that was given what another goroutine made durable, before Append
// has come back, is not past the end.
func TestEndIsNeverBelowWhatIsDurable(t *testing.T) {
	log := &fakeLog{}
	s, _ := open(t, log)
	s.log = &racing{log, func() {
		if s.DurableEnd() != 11 || s.End() != 11 {
			t.Errorf("durable to %d, end %d", s.DurableEnd(), s.End())
		}
	}}
	if err := s.Append(Batch{BaseOffset: 10, EndOffset: 11, Bytes: []byte("a")}, &told{}); err != nil {
		t.Fatal(err)
	}
	if s.End() != 11 {
		t.Errorf("end %d", s.End())
	}
}

func TestCloseEndsPastWhatIsAcknowledged(t *testing.T) {
	log := &fakeLog{}
	s, fm := open(t, log)
	s.log = &racing{log, func() {
		if end, err := s.Close(context.Background()); end != 11 || err != nil {
			t.Errorf("closed at %d: %v", end, err)
		}
	}}
	done := &told{}
	if err := s.Append(Batch{BaseOffset: 10, EndOffset: 11, Bytes: []byte("a")}, done); err != nil || len(done.errs) != 1 {
		t.Fatalf("append: %v, told %v", err, done.errs)
	}
	if len(fm.closed) != 1 || fm.closed[0].End != 11 {
		t.Errorf("closed in the metadata: %+v", fm.closed)
	}
}

// A stream that waits for the object store holds up none that does not.
func TestHandOffOfAWALStreamWaitsForNoPUT(t *testing.T) {
	s, m := open(t, &fakeLog{})
	x := &Stream{m: s.m, log: &fakeLog{}, direct: true, id: s.id + 1, epoch: 1, drained: make(chan struct{}, 1)}
	s.m.streams[x.id] = x
	if err := x.Append(Batch{EndOffset: 1, Bytes: []byte("x")}, &told{}); err != nil { // its PUT hangs
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := func(ids.StreamID, int64) { cancel() } // of the first one
	if err := s.m.HandOff(ctx, []Opening{{x.id, 1}, {s.id, s.epoch}}, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the direct stream was not waited for: %v", err)
	}
	if len(m.closed) != 1 || m.closed[0].Stream != s.id {
		t.Errorf("closed: %+v", m.closed)
	}
}
