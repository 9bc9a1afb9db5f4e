package partition

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// rawBatch is a batch of one record at an offset.
func rawBatch(offset, pid int64, epoch int16, seq int32) []byte {
	b := batch.NewBuilder()
	b.ProducerID, b.ProducerEpoch, b.BaseSequence = pid, epoch, seq
	b.Add(1000+offset, nil, []byte("v"))
	raw := b.AppendTo(nil)
	batch.SetBaseOffset(raw, offset)
	return raw
}

// Wherever the objects end by then, what a recovery noted of the tail gives the
// state that reading every batch gives.
func TestNotedTailIsAsGoodAsReadingIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		epochs, seqs := map[int64]int16{}, map[int64]int32{}
		var raws [][]byte
		for offset := range int64(1 + random.IntN(30)) {
			pid := random.Int64N(4) - 1 // -1: none
			if pid >= 0 && random.IntN(8) == 0 {
				epochs[pid]++
				seqs[pid] = 0
			}
			raws = append(raws, rawBatch(offset, pid, epochs[pid], seqs[pid]))
			seqs[pid]++
		}
		noted := random.IntN(len(raws))                   // where the recovery began
		committed := noted + random.IntN(len(raws)-noted) // where the objects end by now
		memory := &quota{1 << 20}
		tails := NewTails(memory)
		base, whole := newProducers(), newProducers()
		for i, raw := range raws {
			h, err := batch.ParseHeader(raw)
			if err != nil {
				t.Fatal(err)
			}
			if i >= noted {
				tails.Record(7, 1, int64(i), int64(i)+1, raw)
			}
			if !h.HasProducerID() {
				continue
			}
			if whole.record(&h); i < committed {
				base.record(&h)
			}
		}
		f := tails.take(7, int64(committed), int64(len(raws)))
		if f == nil {
			t.Fatal("nothing was noted")
		}
		p := &Partition{memory: memory}
		base.follow(f.producers)
		p.adoptProducers(base, f.charged())
		if diff := cmp.Diff(whole.snapshot(), base.snapshot()); diff != "" {
			t.Fatalf("noted from %d, objects up to %d: %s", noted, committed, diff)
		}
		if want := 1<<20 - int64(len(whole.byID))*producerBytes; memory.left != want {
			t.Fatalf("%d bytes left, want %d", memory.left, want)
		}
	}
}

func TestNotesThatDoNotFitAreDropped(t *testing.T) {
	memory := &quota{1 << 20}
	tails := NewTails(memory)
	tails.Record(1, 1, 0, 1, rawBatch(0, 1, 0, 0))
	tails.Record(1, 1, 5, 6, rawBatch(5, 2, 0, 0)) // begins anew past a gap
	tails.Record(2, 1, 0, 1, rawBatch(0, 1, 0, 0))
	tails.Record(3, 1, 0, 1, []byte("no batch"))
	if memory.left != 1<<20-2*producerBytes {
		t.Errorf("%d bytes are charged for two producers", 1<<20-memory.left)
	}
	if tails.take(1, 0, 6) != nil || tails.take(2, 0, 9) != nil || tails.take(3, 0, 1) != nil {
		t.Error("notes of another range were taken")
	}
	if memory.left != 1<<20 {
		t.Errorf("%d bytes stay charged", 1<<20-memory.left)
	}
}

// When memory is short, the partition reads the log itself: of a producer that
// was left out, it would go on with what objects say, and take a repeated batch
// for a new one.
func TestNotesThatLeaveProducersOutAreDropped(t *testing.T) {
	memory := &quota{2 * producerBytes}
	tails := NewTails(memory)
	for i := range int64(5) {
		tails.Record(1, 1, i, i+1, rawBatch(i, i, 0, 0))
	}
	if f := tails.take(1, 0, 5); f != nil {
		t.Errorf("taken with producers %v of five", sortedIDs(f.producers.byID))
	}
	if memory.left != 2*producerBytes {
		t.Errorf("%d bytes are left", memory.left)
	}
}

func TestNotesThatNobodyTakesAreForgotten(t *testing.T) {
	memory := &quota{1 << 20}
	tails := NewTails(memory)
	tails.Record(1, 1, 0, 1, rawBatch(0, 1, 0, 0))
	tails.sweep(image.New()) // the stream is gone
	if memory.left != 1<<20 || tails.take(1, 0, 1) != nil {
		t.Errorf("%d bytes stay charged", 1<<20-memory.left)
	}
}

// A mark has all producers, so that what follows needs no objects: neither here
// nor, told by state, elsewhere.
func TestMarksMakeNotesWhole(t *testing.T) {
	memory := &quota{1 << 20}
	tails := NewTails(memory)
	before := newProducers()
	before.byID[9] = &producer{epoch: 2, timestampMs: 5}
	tails.Record(1, 1, 3, 4, rawBatch(3, 1, 0, 0)) // of before the mark
	tails.Mark(1, 1, 7, encodeState(7, &before))
	tails.Record(1, 1, 7, 8, rawBatch(7, 4, 0, 0))
	if _, err := tails.state(1, 0, 7); !errors.Is(err, ErrNoState) {
		t.Errorf("a state of another end: %v", err)
	}
	told, err := tails.state(1, 0, 8)
	if err != nil {
		t.Fatal(err)
	}
	state, err := parseState(told)
	if got := sortedIDs(state.byID); err != nil || !slices.Equal(got, []int64{4, 9}) || state.byID[9].epoch != 2 {
		t.Errorf("told of producers %v, %v", got, err)
	}
	f := tails.take(1, 0, 8)
	if f == nil || !f.whole || f.charged() != 2 || memory.left != 1<<20-2*producerBytes {
		t.Errorf("taken: %+v, %d bytes left", f, memory.left)
	}
}

// Several instances have a part each of a stream, and are read in any order and
// side by side.
func TestNotesOfSeveralInstancesAreJoined(t *testing.T) {
	type note func(*Tails)
	record := func(epoch ids.StreamEpoch, offset, pid int64) note {
		return func(tails *Tails) { tails.Record(1, epoch, offset, offset+1, rawBatch(offset, pid, 0, 0)) }
	}
	before := newProducers()
	before.byID[9] = &producer{epoch: 2, timestampMs: 5}
	mark := func(tails *Tails) { tails.Mark(1, 4, 12, encodeState(12, &before)) }

	older := []note{record(2, 8, 1), record(2, 9, 2)}
	newer := []note{record(3, 10, 2), record(3, 11, 3)}
	newest := []note{mark, record(4, 12, 1)}
	for _, test := range []struct {
		name    string
		read    []note
		from    int64
		end     int64
		want    []int64 // producers
		charged int64
	}{
		{"in their order", slices.Concat(older, newer), 8, 12, []int64{1, 2, 3}, 3},
		{"the newer first", slices.Concat(newer, older), 8, 12, []int64{1, 2, 3}, 3},
		{"side by side", []note{newer[0], older[0], older[1], newer[1]}, 8, 12, []int64{1, 2, 3}, 3},
		{"the newer is enough", slices.Concat(newer, older), 10, 12, []int64{2, 3}, 4},
		{"the older alone", slices.Concat(newer, older), 8, 10, []int64{1, 2}, 4},
		{"one is missing", slices.Concat(newer), 8, 12, nil, 2},
		{"nothing there ends so", slices.Concat(newer, older), 8, 11, nil, 4},
		{"a mark in the newest, read first", slices.Concat(newest, older, newer), 0, 13, []int64{1, 9}, 6},
		{"a mark in the newest, read last", slices.Concat(older, newer, newest), 0, 13, []int64{1, 9}, 6},
		{"read twice, as after a failure", slices.Concat(newer, older[:1], older), 8, 12, []int64{1, 2, 3}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			memory := &quota{1 << 20}
			tails := NewTails(memory)
			for _, n := range test.read {
				n(tails)
			}
			told, err := tails.state(1, test.from, test.end)
			if (err != nil) != (test.want == nil) {
				t.Fatalf("state: %v", err)
			}
			if err == nil {
				if state, err := parseState(told); err != nil || !slices.Equal(sortedIDs(state.byID), test.want) {
					t.Errorf("told of producers %v, %v; want %v", sortedIDs(state.byID), err, test.want)
				}
			}
			if got := (1<<20 - memory.left) / producerBytes; got != test.charged {
				t.Errorf("%d producers are charged, want %d", got, test.charged)
			}
			f := tails.take(1, test.from, test.end)
			if (f != nil) != (test.want != nil) || f != nil && !slices.Equal(sortedIDs(f.producers.byID), test.want) {
				t.Errorf("taken: %+v, want producers %v", f, test.want)
			}
			if got := (1<<20 - memory.left) / producerBytes; got != int64(len(test.want)) {
				t.Errorf("%d producers stay charged, want %d", got, len(test.want))
			}
		})
	}
}
