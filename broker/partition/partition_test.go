package partition

import (
	"context"
	"errors"
	"testing"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/s3stream"
)

func TestVisibleOnlyWhenDurable(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	a := mustProduce(t, p, -1, -1, -1, 3)
	b := mustProduce(t, p, -1, -1, -1, 2)
	if a.BaseOffset != 0 || b.BaseOffset != 3 {
		t.Fatalf("base offsets %d and %d", a.BaseOffset, b.BaseOffset)
	}
	read := func() Fetched {
		f, missed, err := p.Fetch(context.Background(), 0, FetchOptions{MaxBytes: 1 << 20, MinOne: true})
		if err != nil || missed {
			t.Fatalf("fetch: missed %v, %v", missed, err)
		}
		return f
	}
	if f := read(); f.Bytes != 0 || f.HighWatermark != 0 || a.answers != 0 {
		t.Fatalf("before durability: %d bytes visible, high watermark %d, %d answers", f.Bytes, f.HighWatermark, a.answers)
	}
	s.settle(1, nil)
	f := read()
	if f.HighWatermark != 3 || a.answers != 1 || b.answers != 0 {
		t.Fatalf("one durable: high watermark %d, answers %d and %d", f.HighWatermark, a.answers, b.answers)
	}
	it := batch.NewIter(f.Segments[0], batch.TailStrict)
	if !it.Next() || it.Header().BaseOffset != 0 || it.Header().PartitionLeaderEpoch != 3 || batch.CheckCRC(it.Batch(), it.Header()) != nil {
		t.Fatalf("stored header %+v", it.Header())
	}
	if len(f.Segments) != 1 {
		t.Fatalf("%d batches below the high watermark", len(f.Segments))
	}
	if _, _, err := p.Fetch(context.Background(), 6, FetchOptions{}); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("fetch past the end: %v", err)
	}
	if f, _, err := p.Fetch(context.Background(), 4, FetchOptions{MaxBytes: 1}); err != nil || f.Bytes != 0 {
		t.Errorf("fetch between high watermark and end: %d bytes, %v", f.Bytes, err)
	}
}

func TestIdempotence(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	first := mustProduce(t, p, 9, 0, 0, 2)
	again := mustProduce(t, p, 9, 0, 0, 2)
	if again.BaseOffset != first.BaseOffset || again.answers != 0 || len(s.batches) != 1 {
		t.Fatalf("repetition of an append in flight: offset %d, %d answers, %d batches", again.BaseOffset, again.answers, len(s.batches))
	}
	s.settle(1, nil)
	if first.answers != 1 || again.answers != 1 || again.Err != nil {
		t.Fatalf("when durable: answers %d and %d", first.answers, again.answers)
	}
	if late := mustProduce(t, p, 9, 0, 0, 2); late.answers != 1 || late.BaseOffset != 0 {
		t.Fatalf("repetition of a durable append: offset %d, %d answers", late.BaseOffset, late.answers)
	}
	for _, tt := range []struct {
		epoch int16
		seq   int32
		want  error
	}{{0, 3, ErrOutOfOrderSequence}, {0, 1, ErrOutOfOrderSequence}, {1, 5, ErrOutOfOrderSequence}} {
		if _, err := produce(t, p, 9, tt.epoch, tt.seq, 1, 0); !errors.Is(err, tt.want) {
			t.Errorf("epoch %d sequence %d: %v, want %v", tt.epoch, tt.seq, err, tt.want)
		}
	}
	mustProduce(t, p, 9, 0, 2, 1)
	mustProduce(t, p, 9, 1, 0, 1)
	if _, err := produce(t, p, 9, 0, 3, 1, 0); !errors.Is(err, ErrInvalidProducerEpoch) {
		t.Errorf("older epoch: %v", err)
	}
	mustProduce(t, p, 10, 4, 77, 1) // nothing is known: any sequence begins
}

func TestFailedStorageFailsRepetitionsToo(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	first := mustProduce(t, p, 9, 0, 0, 1)
	again := mustProduce(t, p, 9, 0, 0, 1)
	s.settle(1, errDisk)
	for _, a := range []*sent{first, again} {
		if a.answers != 1 || !errors.Is(a.Err, ErrStorage) || !errors.Is(a.Err, errDisk) {
			t.Errorf("%d answers, %v", a.answers, a.Err)
		}
	}
	if o := p.Offsets(); o.HighWatermark != 0 {
		t.Errorf("high watermark %d after a failed write", o.HighWatermark)
	}
	if !p.Watch(&Watch{Waiter: &told{}}, 0) {
		t.Error("a fetch would look again and again for what cannot come")
	}
	if _, err := produce(t, p, 9, 0, 0, 1, 0); !errors.Is(err, ErrStorage) {
		t.Errorf("repetition after the failure: %v", err)
	}
}

func TestFullLeavesNoTrace(t *testing.T) {
	s := &memStream{refuse: s3stream.ErrFull}
	p := open(t, s, &quota{1 << 20})
	if _, err := produce(t, p, 9, 0, 0, 1, 0); !errors.Is(err, ErrFull) {
		t.Fatalf("append to a full log: %v", err)
	}
	s.refuse = nil
	if a := mustProduce(t, p, 9, 0, 0, 1); a.BaseOffset != 0 {
		t.Errorf("offset %d after a refusal", a.BaseOffset)
	}
}

func TestProducersAreBoundedByMemory(t *testing.T) {
	q := &quota{2 * producerBytes}
	p := open(t, &memStream{}, q)
	for pid := range int64(5) {
		if _, err := produce(t, p, pid, 0, 0, 1, 100+pid); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Producers(); len(got) != 2 || got[0].ID != 3 || got[1].ID != 4 || q.left != 0 {
		t.Errorf("producers %+v, %d bytes left; want the newest two", got, q.left)
	}
	p.stop()
	if q.left != 2*producerBytes {
		t.Errorf("%d bytes left after the end", q.left)
	}
	if _, err := produce(t, p, 1, 0, 0, 1, 0); !errors.Is(err, ErrNotLeader) {
		t.Errorf("append after the end: %v", err)
	}
}

// told counts what a watch is told.
type told struct{ bytes, gone int }

func (w *told) Progress(n int) {
	if n < 0 {
		w.gone++
		return
	}
	w.bytes += n
}

func TestWatchersAreToldOfProgressAndOfTheEnd(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	var a, b told
	wa, wb := Watch{Waiter: &a}, Watch{Waiter: &b}
	if !p.Watch(&wa, 0) || !p.Watch(&wb, 0) {
		t.Fatal("nothing to read, and yet not to wait")
	}
	x := mustProduce(t, p, -1, -1, -1, 1)
	s.settle(1, nil)
	if a.bytes != len(x.Batch) || b.bytes != len(x.Batch) {
		t.Errorf("told of %d and %d bytes of %d", a.bytes, b.bytes, len(x.Batch))
	}
	p.Unwatch(&wa)
	p.Unwatch(&wa)
	if p.Watch(&wa, 0) {
		t.Error("a wait for what is there already")
	}
	p.stop()
	if a.gone != 0 || b.gone != 1 {
		t.Errorf("of the end told %d and %d times", a.gone, b.gone)
	}
	if p.Watch(&wa, 1) {
		t.Error("a wait on a partition that is gone")
	}
}

func TestRestoreFromSummaryAndTail(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	mustProduce(t, p, 1, 0, 0, 1)
	mustProduce(t, p, 2, 5, 0, 3)
	set := &Set{byStream: nil}
	sum := set.Begin(7, 0).(*sliceSummary)
	sum.summarizer.Seed(nil)
	for _, b := range s.batches {
		sum.Add(b)
	}
	s.attachments = []s3stream.Attachment{{Start: 0, End: 4, Summary: sum.Finish()}}
	s.committed = 4
	mustProduce(t, p, 2, 5, 3, 1)
	s.settle(3, nil)

	q := open(t, s, &quota{1 << 20})
	want, got := p.Producers(), q.Producers()
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("restored %+v, want %+v", got, want)
	}
	if dup := mustProduce(t, q, 2, 5, 0, 3); dup.BaseOffset != 1 || dup.answers != 1 {
		t.Errorf("a repetition across the restart got offset %d, %d answers", dup.BaseOffset, dup.answers)
	}
}

func TestOffsetsByTime(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	for _, ms := range []int64{100, 300, 200, 300} {
		if _, err := produce(t, p, -1, -1, -1, 2, ms); err != nil {
			t.Fatal(err)
		}
	}
	s.settle(4, nil)
	for _, tt := range []struct{ ms, want int64 }{{0, 0}, {100, 0}, {101, 2}, {300, 2}, {301, -1}} {
		if got, err := p.OffsetForTime(context.Background(), tt.ms); err != nil || got.Offset != tt.want {
			t.Errorf("at %d: %+v, %v; want offset %d", tt.ms, got, err, tt.want)
		}
	}
	if got, err := p.MaxTimestamp(context.Background()); err != nil || got.Offset != 2 || got.TimestampMs != 300 {
		t.Errorf("largest timestamp: %+v, %v", got, err)
	}
	if _, err := p.DeleteRecords(context.Background(), 3); err != nil {
		t.Fatal(err)
	}
	if got, err := p.OffsetForTime(context.Background(), 0); err != nil || got.Offset != 3 {
		t.Errorf("after deletion up to 3: %+v, %v", got, err)
	}
	if _, err := p.DeleteRecords(context.Background(), 9); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("deletion past the high watermark: %v", err)
	}
}

func TestLogAppendTime(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	p.settings.Store(&config.Topic{LogAppendTime: true})
	a := mustProduce(t, p, -1, -1, -1, 1)
	h, err := batch.ParseHeader(s.batches[0])
	if err != nil || a.LogAppendTimeMs != 1000 || h.MaxTimestamp != 1000 || h.TimestampType() != batch.LogAppendTime {
		t.Fatalf("answered %d, stored %+v, %v", a.LogAppendTimeMs, h, err)
	}
	if err := batch.CheckCRC(s.batches[0], &h); err != nil {
		t.Error(err)
	}
}

// The stream fake refuses a batch that comes with another sum than its own.
func TestLargeBatchesComeWithTheirSum(t *testing.T) {
	s := &memStream{}
	p := open(t, s, &quota{1 << 20})
	for _, c := range []struct {
		records int
		summed  bool
	}{{1, false}, {4000, true}} {
		for _, stamped := range []bool{false, true} {
			p.settings.Store(&config.Topic{LogAppendTime: stamped})
			mustProduce(t, p, -1, -1, -1, c.records)
			if s.summed != c.summed {
				t.Errorf("%d records, log append time %t: summed %t", c.records, stamped, s.summed)
			}
		}
	}
}

func TestLeaderEpochHistory(t *testing.T) {
	var e epochs
	e.begin(2, 0)
	e.begin(4, 10)
	e.begin(5, 10) // 4 wrote nothing
	e.begin(7, 30)
	for _, tt := range []struct {
		asked, epoch int32
		end          int64
	}{{-1, -1, -1}, {1, 1, 0}, {2, 2, 10}, {3, 2, 10}, {4, 2, 10}, {5, 5, 30}, {6, 5, 30}, {7, 7, 44}, {8, -1, -1}} {
		if epoch, end := e.endOffset(tt.asked, 44); epoch != tt.epoch || end != tt.end {
			t.Errorf("epoch %d: %d ends at %d, want %d at %d", tt.asked, epoch, end, tt.epoch, tt.end)
		}
	}
	e.trim(12)
	if e.at(12) != 5 || e.at(30) != 7 || e.at(11) != -1 {
		t.Errorf("after the trim to 12: %+v", e.starts)
	}
}

func TestEpochChecks(t *testing.T) {
	p := open(t, &memStream{}, &quota{1 << 20})
	for epoch, want := range map[int32]error{-1: nil, 3: nil, 2: ErrFencedLeaderEpoch, 4: ErrUnknownLeaderEpoch} {
		if err := p.CheckLeaderEpoch(epoch); !errors.Is(err, want) {
			t.Errorf("epoch %d: %v, want %v", epoch, err, want)
		}
	}
}

// A repetition is not acknowledged when its first append was lost with a WAL that
// was given up: its producer begins anew.
func TestRepetitionOfWhatWasLost(t *testing.T) {
	s := new(memStream)
	p := open(t, s, &quota{left: 1 << 20})
	mustProduce(t, p, 1, 0, 0, 3)
	mustProduce(t, p, 1, 0, 3, 1)
	s.settle(2, nil)
	s.lostUpTo = 3
	if _, err := produce(t, p, 1, 0, 0, 3, 500); !errors.Is(err, ErrOutOfOrderSequence) {
		t.Errorf("of what was lost: %v", err)
	}
	if again := mustProduce(t, p, 1, 0, 3, 1); again.answers != 1 || again.Err != nil || again.BaseOffset != 3 {
		t.Errorf("of what was not: %+v", again)
	}
	if next := mustProduce(t, p, 1, 1, 0, 3); next.BaseOffset != 4 {
		t.Errorf("under a new epoch: %+v", next)
	}
}
