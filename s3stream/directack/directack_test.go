package directack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/meta/metatest"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/fault"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/streamtest"
	"github.com/seawallmq/seawall/s3stream/tail"
)

var (
	direct = ids.WALInstance{1}
	older  = ids.WALInstance{2} // a WAL of the same node
)

// world is a log over a store with faults, in a bubble of fake time.
type world struct {
	t      *testing.T
	meta   *metatest.Meta
	bucket *mem.Store
	store  *fault.Store
	log    *Log
	ends   map[ids.StreamID]int64
	epochs map[ids.StreamID]ids.StreamEpoch
	all    map[ids.StreamID][]byte // every batch appended

	mu       sync.Mutex
	accepted map[ids.StreamID]int64
}

// in runs f over a log with the streams 1 and 2 open in it.
func in(t *testing.T, s Settings, memory int64, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := clock.Wall()
		w := &world{
			t: t, meta: metatest.New(), bucket: mem.New(c), ends: map[ids.StreamID]int64{}, epochs: map[ids.StreamID]ids.StreamEpoch{},
			all: map[ids.StreamID][]byte{}, accepted: map[ids.StreamID]int64{},
		}
		w.store = fault.New(w.bucket, c, nil)
		keys := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		random := func() uint64 {
			mu.Lock()
			defer mu.Unlock()
			return keys.Uint64()
		}
		w.log = New(Config{
			Meta:  w.meta,
			Store: objstore.NewRetry(w.store, c, func(n int64) int64 { return int64(random() % uint64(n)) }, objstore.RetryOptions{Attempts: 3}),
			Key:   func(id ids.ObjectID) string { return fmt.Sprintf("%d-%x", id, random()) }, Summarizer: streamtest.NoSummary{},
			BlockBytes: 4 << 10, Memory: budget.New(1<<30).Account("direct", memory), Settings: s,
			Accepted: w.accept, Clock: c, Random: random, Log: slog.New(slog.DiscardHandler),
		})
		w.log.Use(direct)
		w.meta.Create(1, 2)
		w.open(1)
		w.open(2)
		w.log.Start()
		defer func() { _ = w.log.Close() }()
		f(w)
	})
}

func (w *world) accept(s meta.Slice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted[s.Stream] = s.End
}

func (w *world) open(id ids.StreamID) {
	w.t.Helper()
	o, err := w.meta.OpenStreams(w.t.Context(), direct, []meta.OpenStream{{Stream: id, ExpectedEpoch: w.meta.Stream(id).Epoch}})
	if err = errors.Join(err, o[0].Err); err != nil {
		w.t.Fatal(err)
	}
	w.epochs[id], w.ends[id] = o[0].Epoch, o[0].End
	w.log.Begin(id, o[0].Epoch, o[0].End)
}

// ack is told what became of an append.
type ack struct {
	told chan error
	at   time.Time
}

func (a *ack) Durable(err error) {
	a.at = time.Now()
	a.told <- err
}

// wait is what the append was told.
func (a *ack) wait() error { return <-a.told }

func (w *world) append(id ids.StreamID, size int) (*ack, error) {
	base := w.ends[id]
	b := streamtest.Batch(id, base, base+2, size)
	a := &ack{told: make(chan error, 1)}
	err := w.log.Append(tail.Record{Stream: id, Epoch: w.epochs[id], Base: base, End: base + 2, Payload: b}, a)
	if err == nil {
		w.ends[id] += 2
		w.all[id] = append(w.all[id], b...)
	}
	return a, err
}

func (w *world) mustAppend(id ids.StreamID, size int) *ack {
	w.t.Helper()
	a, err := w.append(id, size)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// stored reads all of a stream from its objects: what a restart would find.
func (w *world) stored(id ids.StreamID) (out []byte) {
	w.t.Helper()
	next := int64(0)
	for _, r := range w.meta.Objects(id, 0, 1<<20) {
		if r.Start != next {
			w.t.Fatalf("stream %d has a hole, or twice what is, at %d: %+v", id, next, r)
		}
		next = r.End
		raw := make([]byte, r.Size)
		_, err := w.bucket.GetRange(w.t.Context(), r.Key, 0, raw)
		w.must(err)
		footer, err := objfmt.ParseFooter(raw[len(raw)-objfmt.FooterSize:], r.Size)
		w.must(err)
		index, err := objfmt.ParseIndex(footer, raw[footer.IndexPosition:footer.IndexPosition+int64(footer.IndexSize)])
		w.must(err)
		for _, e := range index.Entries() {
			block := raw[e.Position : e.Position+int64(e.Size)]
			if crc.Of(block) != e.CRC32C {
				w.t.Errorf("block at %d of stream %d does not verify", e.Position, e.Stream)
			}
			if e.Stream == id && e.Kind == objfmt.DataBlock {
				out = append(out, block...)
			}
		}
	}
	return out
}

// check compares what is stored with what was appended.
func (w *world) check(streams ...ids.StreamID) {
	w.t.Helper()
	for _, id := range streams {
		if !bytes.Equal(w.stored(id), w.all[id]) {
			w.t.Errorf("stream %d: %d bytes are stored, %d were appended", id, len(w.stored(id)), len(w.all[id]))
		}
		if got := w.meta.Stream(id).CommittedEnd; got != w.ends[id] {
			w.t.Errorf("stream %d is committed to %d, want %d", id, got, w.ends[id])
		}
	}
}

func TestAppendsOfAnIntervalAreOneObject(t *testing.T) {
	in(t, DefaultSettings(), 64<<20, func(w *world) {
		began := time.Now()
		var acks []*ack
		for i := range 10 {
			acks = append(acks, w.mustAppend(ids.StreamID(1+i%2), 300))
			time.Sleep(20 * time.Millisecond)
		}
		for _, a := range acks {
			w.must(a.wait())
			if took := a.at.Sub(began); took < 250*time.Millisecond || took > 260*time.Millisecond {
				t.Errorf("acknowledged after %v", took)
			}
		}
		if n := w.meta.Commits(); n != 1 {
			t.Errorf("%d commits", n)
		}
		w.check(1, 2)
	})
}

func TestABatchOfFullSizeDoesNotWait(t *testing.T) {
	in(t, Settings{Interval: time.Hour, BatchBytes: 1 << 20, PutsMax: 2}, 64<<20, func(w *world) {
		var last *ack
		for range 5 << 10 { // spans pages
			last = w.mustAppend(1, 1000)
		}
		synctest.Wait()
		w.log.Hurry()
		w.must(last.wait())
		if n := w.meta.Commits(); n < 5 {
			t.Errorf("%d commits", n)
		}
		w.check(1)
	})
}

// Objects arrive in another order than they were sealed in, and are committed in
// that all the same.
func TestCommitsAreInOrderOfSealing(t *testing.T) {
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 1 << 20, PutsMax: 4}, 64<<20, func(w *world) {
		puts := 0
		w.store.SetScript(func(op fault.Op) fault.Fault {
			puts++
			return fault.Fault{Delay: time.Duration(5-puts) * 100 * time.Millisecond}
		})
		var acks []*ack
		for range 4 {
			acks = append(acks, w.mustAppend(1, 100))
			time.Sleep(15 * time.Millisecond)
		}
		for i, a := range acks {
			w.must(a.wait())
			if i > 0 && a.at.Before(acks[i-1].at) {
				t.Error("acknowledged before the one before")
			}
		}
		if w.log.Stats().Batches != 4 {
			t.Errorf("%+v", w.log.Stats())
		}
		w.check(1)
	})
}

func TestASlowPutIsHedged(t *testing.T) {
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 1 << 20, PutsMax: 4}, 64<<20, func(w *world) {
		slow := false
		w.store.SetScript(func(fault.Op) fault.Fault {
			if slow {
				slow = false
				return fault.Fault{Hang: true}
			}
			return fault.Fault{Delay: 40 * time.Millisecond}
		})
		for range 20 {
			w.must(w.mustAppend(1, 100).wait())
		}
		slow = true
		began := time.Now()
		w.must(w.mustAppend(1, 100).wait())
		if took := time.Since(began); took > 200*time.Millisecond || w.log.Stats().Hedges != 1 {
			t.Errorf("took %v, with %d hedges", took, w.log.Stats().Hedges)
		}
		w.check(1)
	})
}

// While all PUTs are taken, appends gather on instead of making more of them.
func TestPutsInFlightAreBounded(t *testing.T) {
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 1 << 20, PutsMax: 2}, 64<<20, func(w *world) {
		w.store.SetScript(func(fault.Op) fault.Fault { return fault.Fault{Delay: time.Second} })
		var acks []*ack
		for range 50 {
			acks = append(acks, w.mustAppend(1, 100))
			time.Sleep(10 * time.Millisecond)
		}
		for _, a := range acks {
			w.must(a.wait())
		}
		if n := w.meta.Commits(); n != 3 {
			t.Errorf("%d objects", n)
		}
		w.check(1)
	})
}

// Whatever the store does, nothing is lost or twice there, and the order is kept.
func TestFaultsOfTheStore(t *testing.T) {
	for seed := range uint64(20) {
		in(t, Settings{Interval: 20 * time.Millisecond, BatchBytes: 8 << 10, PutsMax: 4}, 64<<20, func(w *world) {
			rng := rand.New(rand.NewPCG(seed, 7))
			storeRng := rand.New(rand.NewPCG(seed, 8))
			faults := fault.Seeded(storeRng, fault.Rates{Unavailable: 0.2, Throttled: 0.1, LoseAnswer: 0.2, Hang: 0.05})
			w.store.SetScript(func(op fault.Op) fault.Fault {
				f := faults(op)
				f.Delay = time.Duration(storeRng.Int64N(int64(100 * time.Millisecond)))
				return f
			})
			var acks []*ack
			for range 200 {
				acks = append(acks, w.mustAppend(ids.StreamID(1+rng.IntN(2)), 100+rng.IntN(2000)))
				time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Millisecond))))
			}
			w.must(w.log.Drain(w.t.Context()))
			for _, a := range acks {
				w.must(a.wait())
			}
			w.check(1, 2)
			if w.accepted[1] != w.ends[1] || w.accepted[2] != w.ends[2] {
				t.Errorf("accepted to %v, want %v", w.accepted, w.ends)
			}
		})
	}
}

// A node that is fenced mid-way acknowledges nothing that the metadata has not.
func TestFencedMidWay(t *testing.T) {
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 1 << 20, PutsMax: 4}, 64<<20, func(w *world) {
		w.store.SetScript(func(fault.Op) fault.Fault { return fault.Fault{Delay: 100 * time.Millisecond} })
		commits := 0
		w.meta.Before = func(command string) error {
			if command != "commit" {
				return nil
			}
			if commits++; commits > 2 {
				return meta.ErrFenced
			}
			return nil
		}
		var acks []*ack
		for range 5 { // the third is refused when all of them are on their way
			acks = append(acks, w.mustAppend(1, 100))
			time.Sleep(15 * time.Millisecond)
		}
		good := 0
		for _, a := range acks {
			switch err := a.wait(); {
			case err == nil:
				good++
			case !errors.Is(err, tail.ErrFenced):
				t.Error(err)
			}
		}
		if end := w.meta.Stream(1).CommittedEnd; good != 2 || end != 4 {
			t.Errorf("%d were acknowledged, committed to %d", good, end)
		}
		if _, err := w.append(1, 100); !errors.Is(err, tail.ErrFenced) {
			t.Errorf("an append to a fenced log: %v", err)
		}
		if err := w.log.Drain(w.t.Context()); !errors.Is(err, tail.ErrFenced) {
			t.Errorf("a drain of a fenced log: %v", err)
		}
	})
}

// The metadata being away, or objects collected, costs time and nothing else.
func TestCommitsAreRepeated(t *testing.T) {
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 1 << 20, PutsMax: 4}, 64<<20, func(w *world) {
		n := 0
		w.meta.Before = func(command string) error {
			if command == "commit" {
				switch n++; n {
				case 1:
					return errors.New("no controller answers")
				case 2:
					w.meta.Unprepare()
				}
			}
			return nil
		}
		w.must(w.mustAppend(1, 100).wait())
		w.must(w.mustAppend(2, 100).wait())
		w.check(1, 2)
	})
}

// What follows a tail in another log is held back, and holds up nobody else.
func TestAppendsWaitForEarlierTails(t *testing.T) {
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 2 << 10, PutsMax: 4}, 64<<20, func(w *world) {
		w.meta.Create(3)
		o, err := w.meta.OpenStreams(w.t.Context(), older, []meta.OpenStream{{Stream: 3}})
		w.must(errors.Join(err, o[0].Err))
		before := streamtest.Batch(3, 0, 4, 50)
		w.must(w.meta.CloseStreams(w.t.Context(), []meta.CloseStream{{Stream: 3, Epoch: 1, End: 4}}))
		w.open(3)
		var held []*ack
		for range 50 {
			held = append(held, w.mustAppend(3, 200))
			w.must(w.mustAppend(1, 100).wait())
		}
		if end := w.meta.Stream(3).CommittedEnd; end != 0 || len(held[0].told) > 0 {
			t.Fatalf("committed to %d before the tail before", end)
		}
		prepared, err := w.meta.PrepareObjects(w.t.Context(), 1)
		w.must(err)
		layout := objfmt.NewWriter(prepared[0], objfmt.StreamObject)
		block := objfmt.Block{Stream: 3, Epoch: 1, End: 4, Data: [][]byte{before}, Batches: 1, Kind: objfmt.DataBlock}
		block.CRC32C = crc.Of(before)
		_, err = layout.AppendBlock(block)
		w.must(err)
		_, err = layout.Finish()
		w.must(err)
		body := objstore.Body(layout.Take())
		w.must(w.bucket.Put(w.t.Context(), "older", body, objstore.PutOptions{}))
		_, err = w.meta.CommitUpload(w.t.Context(), meta.Upload{WAL: older, Objects: []meta.Object{{
			ID: prepared[0], Key: "older", Kind: meta.StreamObject, Size: body.Size, CRC: body.CRC32C,
			Slices: []meta.Slice{{Stream: 3, Epoch: 1, Start: 0, End: 4, Bytes: 50}},
		}}})
		w.must(err)
		for _, a := range held {
			w.must(a.wait())
		}
		w.all[3] = append(before, w.all[3]...)
		w.check(1, 3)
	})
}

// What waits for another log takes neither the pages nor the memory of others.
func TestHeldBackAppendsLeaveRoomForOthers(t *testing.T) {
	const memory = 8 << 20
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 1 << 20, PutsMax: 4}, memory, func(w *world) {
		w.meta.Create(3)
		o, err := w.meta.OpenStreams(w.t.Context(), older, []meta.OpenStream{{Stream: 3}})
		w.must(errors.Join(err, o[0].Err))
		w.must(w.meta.CloseStreams(w.t.Context(), []meta.CloseStream{{Stream: 3, Epoch: 1, End: 4}}))
		w.open(3)
		for i := range 200 { // some bytes in every page, were they with the others
			_ = w.mustAppend(3, 100)
			a, err := w.append(1, 100<<10)
			if err != nil {
				t.Fatalf("append %d beside what is held back: %v, %+v", i, err, w.log.Stats())
			}
			w.must(a.wait())
		}
		for err = nil; err == nil; {
			_, err = w.append(3, 100<<10)
		}
		if held := w.log.Stats().PendingBytes; !errors.Is(err, tail.ErrFull) || held > memory/backShare || held < memory/backShare*9/10 {
			t.Errorf("%d of %d bytes are held back: %v", held, memory, err)
		}
		w.must(w.mustAppend(1, 100<<10).wait())
	})
}

func TestASliceOfADeletedStreamIsRefusedAlone(t *testing.T) {
	in(t, DefaultSettings(), 64<<20, func(w *world) {
		gone, stays := w.mustAppend(1, 100), w.mustAppend(2, 100)
		w.meta.Delete(1)
		if err := gone.wait(); !errors.Is(err, tail.ErrFenced) {
			t.Errorf("the stream is deleted: %v", err)
		}
		w.must(stays.wait())
		w.check(2)
		w.must(w.mustAppend(2, 100).wait())
	})
}

// What is in memory serves reads at the tail; what gives way to appends is left to
// objects.
func TestWindow(t *testing.T) {
	const memory = 4 << 20
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 1 << 20, PutsMax: 4}, memory, func(w *world) {
		tryRead := func(from int64, most int) ([]byte, int64, bool) {
			res, covered, ready := w.log.TryRead(read.Request{Stream: 1, From: from, UpTo: w.ends[1], MaxBytes: most, MinOne: true})
			defer res.Release()
			if covered != ready {
				t.Error("covered and not ready")
			}
			return slices.Concat(res.Segments...), res.NextOffset, covered
		}
		for range 40 {
			w.must(w.mustAppend(1, 700).wait())
		}
		for from := int64(0); from < w.ends[1]; {
			got, next, covered := tryRead(from, 2000)
			if !covered || !bytes.Equal(got, w.all[1][from/2*700:next/2*700]) || next == from || len(got) > 2000 {
				t.Fatalf("at %d: %d bytes up to %d", from, len(got), next)
			}
			from = next
		}
		for range 80 {
			a, err := w.append(1, 100<<10)
			for errors.Is(err, tail.ErrFull) {
				w.must(w.log.WaitSpace(w.t.Context()))
				a, err = w.append(1, 100<<10)
			}
			w.must(err)
			if len(w.all[1])%3 == 0 {
				w.must(a.wait())
			}
		}
		w.must(w.log.Drain(w.t.Context()))
		if _, _, covered := tryRead(0, 2000); covered {
			t.Error("what was committed first is still in memory")
		}
		got, next, covered := tryRead(w.ends[1]-4, 1<<20)
		if !covered || next != w.ends[1] || !bytes.Equal(got, w.all[1][len(w.all[1])-200<<10:]) {
			t.Errorf("the newest are not in memory: %d bytes up to %d", len(got), next)
		}
		if s := w.log.Stats(); s.HeldBytes > memory || s.PendingBytes != 0 {
			t.Errorf("%+v", s)
		}
		w.check(1)
	})
}

// With the store away, appends are refused when the memory is full, and go on when
// it is back.
func TestStoreAway(t *testing.T) {
	in(t, Settings{Interval: 10 * time.Millisecond, BatchBytes: 256 << 10, PutsMax: 2}, 4<<20, func(w *world) {
		w.store.Down(true)
		var acks []*ack
		for {
			a, err := w.append(1, 50<<10)
			if errors.Is(err, tail.ErrFull) {
				break
			}
			w.must(err)
			acks = append(acks, a)
		}
		short, cancel := context.WithTimeout(w.t.Context(), time.Minute)
		defer cancel()
		if err := w.log.WaitSpace(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("there is room while the store is away: %v", err)
		}
		w.store.Down(false)
		w.must(w.log.WaitSpace(w.t.Context()))
		acks = append(acks, w.mustAppend(1, 50<<10))
		for _, a := range acks {
			w.must(a.wait())
		}
		w.check(1)
		if _, err := w.append(1, 2<<20); !errors.Is(err, tail.ErrTooLarge) {
			t.Errorf("an append that never fits: %v", err)
		}
	})
}

func TestHedgesAreRationed(t *testing.T) {
	h := &hedging{}
	for range 100 {
		h.took(10 * time.Millisecond)
	}
	if h.after() != hedgeMin {
		t.Errorf("hedged after %v", h.after())
	}
	paid := 0
	for range 100 {
		if h.pay() {
			paid++
		}
		h.took(time.Second)
	}
	if paid > 100/hedgeEvery+hedgesSaved || h.after() != 2*time.Second {
		t.Errorf("%d hedges in 100 PUTs, the next after %v", paid, h.after())
	}
}
