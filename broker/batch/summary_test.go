package batch

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// logBuilder builds batches one after another, as a partition's log has them.
type logBuilder struct {
	next  int64
	epoch int32
	log   [][]byte
}

func (l *logBuilder) add(records int, maxTimestamp int64, change func(*Builder)) {
	b := NewBuilder()
	b.BaseOffset, b.PartitionLeaderEpoch = l.next, l.epoch
	if change != nil {
		change(b)
	}
	for b.NumRecords() < records {
		b.Add(maxTimestamp, nil, []byte("value"))
	}
	l.log = append(l.log, b.AppendTo(nil))
	l.next += int64(records)
}

// by returns a change that makes a batch an idempotent producer's.
func by(id int64, epoch int16, sequence int32, transactional bool) func(*Builder) {
	return func(b *Builder) {
		b.ProducerID, b.ProducerEpoch, b.BaseSequence, b.Transactional = id, epoch, sequence, transactional
	}
}

// ends returns a change that makes a batch a marker.
func ends(id int64, epoch int16, ts int64, m EndTxnMarker) func(*Builder) {
	return func(b *Builder) {
		b.ProducerID, b.ProducerEpoch = id, epoch
		b.AddEndTxn(ts, m)
	}
}

func summarize(t fataler, z *Summarizer, log [][]byte) Summary {
	t.Helper()
	for _, b := range log {
		if err := z.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	s, err := ParseSummary(z.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// goldenSummary was checked field by field against the package comment.
const goldenSummary = "" +
	"01" + "01" + // version, flags: seeded
	"64" + "07" + // base offset 100, next 107
	"a01f" + "04" + // max timestamp 2000, in the batch at 104
	"02" + "0600" + "0203" + // epochs: 3 at 100, 4 at 103
	"01" + "0000" + // time entries: 100, 2000
	"01" + // producers
	"a91f" + "04" + "0e" + "00" + "00" + // 4009, epoch 2, coordinator epoch 7, timestamp 2000, no transaction
	"02" + "00022a" + "08002d" + // batches: 100 to 102 sequence 42, 104 sequence 45
	"01" + "a91f" + "00" + "08" + "06" // aborted: 4009, certain, 104 to 106

func goldenLog() *logBuilder {
	l := &logBuilder{next: 100, epoch: 3}
	l.add(3, 1000, by(4009, 2, 42, false))
	l.epoch = 4
	l.add(1, 1500, nil)
	l.add(1, 2000, by(4009, 2, 45, true))
	l.add(1, 1700, nil)
	l.add(1, 2000, ends(4009, 2, 2000, EndTxnMarker{Type: ControlAbort, CoordinatorEpoch: 7}))
	return l
}

func TestSummaryGoldenBytes(t *testing.T) {
	z := NewSummarizer()
	z.Seed(nil)
	summarize(t, z, goldenLog().log)
	if got := hex.EncodeToString(z.AppendTo(nil)); got != goldenSummary {
		t.Fatalf("got\n%s\nwant\n%s", got, goldenSummary)
	}
}

func TestSummaryReadsBack(t *testing.T) {
	z := NewSummarizer()
	z.Seed(nil)
	got := summarize(t, z, goldenLog().log)
	want := Summary{
		BaseOffset: 100, NextOffset: 107, MaxTimestamp: 2000, MaxTimestampBase: 104,
		Epochs: []EpochStart{{3, 100}, {4, 103}},
		Times:  []TimeEntry{{100, 2000}},
		Seeded: true,
		Producers: []Producer{{
			ID: 4009, Epoch: 2, CoordinatorEpoch: 7, LastTimestamp: 2000,
			Batches: []ProducerBatch{{100, 2, 42}, {104, 0, 45}},
		}},
		Aborted: []AbortedTxn{{ProducerID: 4009, FirstOffset: 104, LastOffset: 106}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
	if b := got.Producers[0].Batches[0]; b.LastOffset() != 102 || b.LastSequence() != 44 {
		t.Errorf("batch %+v ends at %d, %d", b, b.LastOffset(), b.LastSequence())
	}
}

func TestParseSummaryRefuses(t *testing.T) {
	good, err := hex.DecodeString(goldenSummary)
	if err != nil {
		t.Fatal(err)
	}
	newer := append([]byte{summaryVersion + 1}, good[1:]...)
	if _, err := ParseSummary(newer); !errors.Is(err, ErrSummaryVersion) {
		t.Errorf("newer version: %v", err)
	}
	if _, err := ParseSummary(append(slices.Clone(good), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
	for cut := range good {
		if _, err := ParseSummary(good[:cut]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	// A count must be held against the bytes that are left before it is allocated.
	huge := append(slices.Clone(good[:6]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)
	if _, err := ParseSummary(huge); !errors.Is(err, ErrCorrupt) {
		t.Errorf("huge count: %v", err)
	}
}

func TestSummarizerRefuses(t *testing.T) {
	l := &logBuilder{next: 10}
	l.add(5, 1, nil)
	z := NewSummarizer()
	summarize(t, z, l.log)
	if err := z.Add(l.log[0]); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a batch again: %v", err)
	}
	if err := z.Add(l.log[0][:20]); !errors.Is(err, ErrTruncated) {
		t.Errorf("part of a batch: %v", err)
	}
	bad := NewBuilder()
	bad.BaseOffset, bad.Control = 100, true
	bad.Add(0, []byte{0}, nil)
	if err := z.Add(bad.AppendTo(nil)); !errors.Is(err, ErrInvalidRecord) {
		t.Errorf("malformed marker: %v", err)
	}
	if got := z.Summary().NextOffset; got != 15 {
		t.Errorf("a refused batch was added: next offset %d", got)
	}
}

func TestSummaryOfEmptySlicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	NewSummarizer().AppendTo(nil)
}

// The reader that starts where the index says, and goes on batch by batch, must
// find the first record; and not read much before.
func TestTimeIndexFindsFirstRecord(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, batches := range []int{1, 10, 5000} {
		l := &logBuilder{next: 7}
		for i := range batches {
			l.add(1+rng.IntN(3), int64(i)+rng.Int64N(50), func(b *Builder) { b.Add(0, nil, make([]byte, rng.IntN(8<<10))) })
		}
		z := NewSummarizer()
		s := summarize(t, z, l.log)
		if len(s.Times) > timeEntriesMax {
			t.Fatalf("%d time entries", len(s.Times))
		}
		if batches == 5000 && len(s.Times) < timeEntriesMax/2 {
			t.Errorf("only %d time entries for %d batches", len(s.Times), batches)
		}
		headers := make([]Header, batches)
		for i, b := range l.log {
			headers[i] = mustParse(t, b)
		}
		for ts := int64(-1); ts < int64(batches)+60; ts += 1 + int64(batches)/100 {
			first := slices.IndexFunc(headers, func(h Header) bool { return h.MaxTimestamp >= ts })
			from, ok := s.OffsetForTimestamp(ts)
			if ok != (first >= 0) {
				t.Fatalf("%d batches, timestamp %d: found %v, batch %d has it", batches, ts, ok, first)
			}
			if !ok {
				continue
			}
			start := slices.IndexFunc(headers, func(h Header) bool { return h.BaseOffset == from })
			if start < 0 || start > first {
				t.Fatalf("%d batches, timestamp %d: starts at batch %d, batch %d has it", batches, ts, start, first)
			}
			scanned := 0
			for _, b := range l.log[start:first] {
				scanned += len(b)
			}
			if scanned > z.timeInterval*3/2+(32<<10) {
				t.Fatalf("%d batches, timestamp %d: scans %d bytes at an interval of %d", batches, ts, scanned, z.timeInterval)
			}
		}
	}
}

// Summaries made without knowing what was before, and followed in order, must
// tell as much as those of a summarizer that saw it all.
func TestUnseededSummariesFollowToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &logBuilder{}
		var cuts []int // where slices end, in batches
		sequences := map[int64]int32{}
		epochs := map[int64]int16{}
		open := map[int64]bool{}
		for i := range rapid.IntRange(1, 60).Draw(t, "batches") {
			id := rapid.Int64Range(1, 4).Draw(t, "producer")
			ts := rapid.Int64Range(0, 1000).Draw(t, "timestamp")
			records := rapid.IntRange(1, 3).Draw(t, "records")
			switch rapid.SampledFrom([]string{"write", "write", "transact", "transact", "end", "bump"}).Draw(t, "what") {
			case "transact":
				open[id] = true
				l.add(records, ts, by(id, epochs[id], sequences[id], true))
				sequences[id] += int32(records)
			case "end":
				m := EndTxnMarker{Type: ControlType(rapid.IntRange(0, 1).Draw(t, "commit")), CoordinatorEpoch: int32(i)}
				if open[id] { // a coordinator ends what began
					l.add(1, ts, ends(id, epochs[id], ts, m))
				} else {
					l.add(1, ts, nil)
				}
				open[id] = false
			case "bump":
				epochs[id]++
				sequences[id] = 0
				fallthrough
			default:
				if open[id] { // a producer writes all in its transaction
					l.add(1, ts, nil)
					break
				}
				l.add(records, ts, by(id, epochs[id], sequences[id], false))
				sequences[id] += int32(records)
			}
			if rapid.IntRange(0, 5).Draw(t, "cut") == 0 {
				cuts = append(cuts, len(l.log))
			}
		}
		if len(cuts) == 0 || cuts[len(cuts)-1] != len(l.log) {
			cuts = append(cuts, len(l.log))
		}

		whole := NewSummarizer()
		whole.Seed(nil)
		whole.Complete = true
		want := summarize(t, whole, l.log)

		for _, seeded := range []bool{true, false} {
			z := NewSummarizer()
			if seeded {
				z.Seed(nil)
			}
			var state map[int64]Producer
			var aborted []AbortedTxn
			from := 0
			for _, to := range cuts {
				s := summarize(t, z, l.log[from:to])
				state = s.Follow(state)
				aborted = append(aborted, s.Aborted...)
				from = to
				z.Next()
			}
			got := slices.Collect(maps.Values(state))
			slices.SortFunc(got, func(a, b Producer) int { return int(a.ID - b.ID) })
			if fmt.Sprint(got) != fmt.Sprint(want.Producers) {
				t.Fatalf("seeded %v: got\n%+v\nwant\n%+v", seeded, got, want.Producers)
			}
			if fmt.Sprint(aborted) != fmt.Sprint(want.Aborted) {
				t.Fatalf("seeded %v: aborted\n%+v\nwant\n%+v", seeded, aborted, want.Aborted)
			}
		}
	})
}

func TestSummarizerSeedAndNext(t *testing.T) {
	l := &logBuilder{next: 50}
	l.add(2, 100, by(1, 0, 10, true))
	l.add(1, 100, ends(1, 0, 100, EndTxnMarker{Type: ControlAbort, CoordinatorEpoch: 1}))

	z := NewSummarizer()
	z.Complete = true
	z.Seed([]Producer{
		{ID: 1, TxnOpen: true, TxnFirstOffset: 20, Batches: []ProducerBatch{{20, 0, 9}}},
		{ID: 2, LastTimestamp: 5},
	})
	s := summarize(t, z, l.log)
	if !s.ProducersComplete || len(s.Producers) != 2 || len(s.Producers[0].Batches) != 2 {
		t.Fatalf("got %+v", s)
	}
	if want := []AbortedTxn{{ProducerID: 1, FirstOffset: 20, LastOffset: 52}}; !slices.Equal(s.Aborted, want) {
		t.Fatalf("aborted %+v, want %+v", s.Aborted, want)
	}

	z.Next()
	z.Complete = false
	if !z.Empty() {
		t.Fatal("not empty after Next")
	}
	l.add(1, 200, nil)
	s = summarize(t, z, l.log[2:])
	if s.BaseOffset != 53 || s.MaxTimestamp != 200 || len(s.Producers) != 0 || len(s.Aborted) != 0 {
		t.Fatalf("got %+v", s)
	}
}

func TestFollowCompleteReplacesState(t *testing.T) {
	s := Summary{Seeded: true, ProducersComplete: true, Producers: []Producer{{ID: 2}}}
	state := s.Follow(map[int64]Producer{1: {ID: 1}})
	if len(state) != 1 || state[2].ID != 2 {
		t.Fatalf("got %+v", state)
	}
}

func TestSummarizerKeepsFiveBatches(t *testing.T) {
	l := &logBuilder{}
	for i := range 8 {
		l.add(1, 1, by(1, 0, int32(i), false))
	}
	s := summarize(t, NewSummarizer(), l.log)
	if b := s.Producers[0].Batches; len(b) != 5 || b[0].BaseSequence != 3 || b[4].BaseSequence != 7 {
		t.Fatalf("got %+v", b)
	}
}

func TestSummarizerBoundsProducers(t *testing.T) {
	z := NewSummarizer()
	b := NewBuilder()
	b.Add(0, nil, nil)
	for i := range 3 * producersMax {
		b.BaseOffset, b.ProducerID, b.ProducerEpoch, b.BaseSequence = int64(i), int64(i), 0, 0
		b.Transactional = i == 0
		p := b.AppendTo(nil)
		SetMaxTimestamp(p, int64(i))
		if err := z.Add(p); err != nil {
			t.Fatal(err)
		}
		if len(z.producers) > producersMax {
			t.Fatalf("%d producers", len(z.producers))
		}
	}
	s := z.Summary()
	if s.Producers[0].ID != 0 || !s.Producers[0].TxnOpen {
		t.Error("a producer with an open transaction was forgotten")
	}
	if last := s.Producers[len(s.Producers)-1].ID; last != 3*producersMax-1 {
		t.Errorf("the newest producer is %d", last)
	}
}

func TestSummarizerAddDoesNotAllocate(t *testing.T) {
	z := NewSummarizer()
	b := buildBatch(CodecNone, 1, 100)
	offset := int64(0)
	for range timeEntriesMax * 200 { // fills the index once
		SetBaseOffset(b, offset)
		if err := z.Add(b); err != nil {
			t.Fatal(err)
		}
		offset++
	}
	if n := testing.AllocsPerRun(1000, func() {
		SetBaseOffset(b, offset)
		if err := z.Add(b); err != nil {
			t.Fatal(err)
		}
		offset++
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// What can be read is written the same way again.
func FuzzParseSummary(f *testing.F) {
	golden, err := hex.DecodeString(goldenSummary)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	l := &logBuilder{}
	l.add(2, 100, by(1, 0, 10, true))
	l.add(1, 100, ends(2, 0, 100, EndTxnMarker{Type: ControlAbort}))
	z := NewSummarizer()
	summarize(f, z, l.log)
	f.Add(z.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSummary(b)
		if err != nil {
			return
		}
		again, err := ParseSummary(s.AppendTo(nil))
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("got\n%+v\nthen\n%+v, %v", s, again, err)
		}
		s.OffsetForTimestamp(s.MaxTimestamp)
		s.Follow(nil)
	})
}

func BenchmarkSummarizerAdd(b *testing.B) {
	z := NewSummarizer()
	p := buildBatch(CodecNone, 1, 1000)
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		SetBaseOffset(p, i)
		if err := z.Add(p); err != nil {
			b.Fatal(err)
		}
	}
}
