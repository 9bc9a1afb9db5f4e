package logcache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// rig is a cache in front of a real log on a device in memory.
type rig struct {
	t     testing.TB
	cache *Cache
	w     *Window
	log   *wal.Log
	next  map[ids.StreamID]int64 // offset to be appended next
}

type rigOptions struct {
	pages      int // of the cache
	capacity   int64
	indexBytes int64
	pinned     int64
}

func newRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	if o.capacity == 0 {
		o.capacity = 64 << 20
	}
	if o.indexBytes == 0 {
		o.indexBytes = 16 << 20
	}
	b := budget.New(1 << 40)
	cache, err := New(Config{
		Pool:  page.NewPool(b.Account("log cache", int64(o.pages)*page.Size)),
		Index: b.Account("log cache index", o.indexBytes), PinnedBytesMax: o.pinned,
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := volume.OnDevice("test", device.NewMemory(o.capacity+walfmt.DataOffset), volume.Options{Cluster: ids.UUID{1}, Node: 1})
	if err != nil {
		t.Fatal(err)
	}
	area, err := v.Create(volume.Spec{Instance: ids.UUID{9}, NodeEpoch: 1, WindowBytes: wal.WindowBytesDefault})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, cache: cache, w: cache.NewWindow(), next: map[ids.StreamID]int64{}}
	r.log, err = wal.New(wal.Config{Area: area, Clock: clock.Wall(), Pages: cache, Sink: r.w, NoKeeper: true})
	if err != nil {
		t.Fatal(err)
	}
	r.w.Attach(r.log)
	return r
}

type waiter chan error

func (w waiter) Durable(err error) { w <- err }

// tryAppend appends count records of the stream as one payload of n bytes.
func (r *rig) tryAppend(id ids.StreamID, count int64, n int) error {
	done := make(waiter, 1)
	base := r.next[id]
	_, err := r.log.Append(&wal.Record{
		Kind: walfmt.KindData, Stream: id, StreamEpoch: 1, BaseOffset: base, EndOffset: base + count,
		Payload: payload(id, base, n),
	}, done)
	if err != nil {
		return err
	}
	r.next[id] += count
	return <-done
}

func (r *rig) append(id ids.StreamID, count int64, n int) {
	r.t.Helper()
	if err := r.tryAppend(id, count, n); err != nil {
		r.t.Fatal(err)
	}
}

// payload is what a record must hold, derived from its stream and offset.
func payload(id ids.StreamID, base int64, n int) []byte {
	b := make([]byte, n)
	seed := uint64(id)<<32 ^ uint64(base)
	for i := 0; i+8 <= n; i += 8 {
		binary.BigEndian.PutUint64(b[i:], seed+uint64(i))
	}
	return b
}

func join(segments [][]byte) []byte { return bytes.Join(segments, nil) }

// readAll reads a stream from offset from to its end and checks each record,
// which holds count offsets in n bytes.
func (r *rig) readAll(id ids.StreamID, from, count int64, n, bytesMax int) {
	r.t.Helper()
	for offset := from; offset < r.next[id]; {
		res, err := r.w.Read(id, offset, r.next[id], bytesMax, true)
		if err != nil {
			r.t.Fatalf("stream %d at %d: %v", id, offset, err)
		}
		got := join(res.Segments)
		if len(got) != res.Bytes || len(got) == 0 || res.Bytes > max(bytesMax, n) {
			r.t.Fatalf("stream %d at %d: %d bytes, says %d, asked for %d", id, offset, len(got), res.Bytes, bytesMax)
		}
		for at := offset; at < res.NextOffset; at += count {
			want := payload(id, at, n)
			if !bytes.Equal(got[:n], want) {
				r.t.Fatalf("stream %d at %d: wrong bytes", id, at)
			}
			got = got[n:]
		}
		if len(got) != 0 {
			r.t.Fatalf("stream %d at %d: %d bytes beyond offset %d", id, offset, len(got), res.NextOffset)
		}
		offset = res.NextOffset
		res.Release()
	}
}

// held is the offsets of a stream that the window can serve, [first, end).
func (r *rig) held(id ids.StreamID) (first, end int64, ok bool) {
	s := r.w.stream(id)
	if s == nil {
		return 0, 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.len()
	if n == 0 {
		return 0, 0, false
	}
	return s.at(0).base, s.at(n - 1).end, true
}

func TestReadFromPages(t *testing.T) {
	r := newRig(t, rigOptions{pages: 32})
	for range 3000 {
		r.append(1, 3, 1000)
		r.append(2, 1, 200)
	}
	r.readAll(1, 0, 3, 1000, 10_000)
	r.readAll(2, 0, 1, 200, 1<<20)
	if first, end, ok := r.held(1); !ok || first != 0 || end != 9000 {
		t.Fatalf("range %d to %d, %v", first, end, ok)
	}
	if n := r.cache.Stats().PinnedBytes; n != 0 {
		t.Fatalf("%d bytes pinned after all were released", n)
	}
}

func TestReadBounds(t *testing.T) {
	r := newRig(t, rigOptions{pages: 4})
	for range 10 {
		r.append(1, 2, 100)
	}
	check := func(from, upTo int64, bytesMax int, minOne bool, wantBytes int, wantNext int64) {
		t.Helper()
		res, err := r.w.Read(1, from, upTo, bytesMax, minOne)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Release()
		if res.Bytes != wantBytes || res.NextOffset != wantNext {
			t.Errorf("read from %d below %d: %d bytes, next %d; want %d, %d", from, upTo, res.Bytes, res.NextOffset, wantBytes, wantNext)
		}
	}
	check(0, 20, 1000, true, 1000, 20)
	check(3, 20, 1000, true, 900, 20) // the record that holds the offset, whole
	check(0, 20, 250, true, 200, 4)
	check(0, 20, 50, true, 100, 2)
	check(0, 20, 50, false, 0, 0)
	check(0, 6, 1000, true, 300, 6) // below the high watermark
	check(20, 20, 1000, true, 0, 20)
	if _, err := r.w.Read(2, 0, 10, 10, true); !errors.Is(err, ErrNotHere) {
		t.Fatalf("unknown stream: %v", err)
	}
}

func TestRecordsSpanPages(t *testing.T) {
	r := newRig(t, rigOptions{pages: 32})
	for range 5 {
		r.append(1, 1, 2_500_000)
		r.append(2, 1, 700_000)
	}
	r.readAll(1, 0, 1, 2_500_000, 1)
	r.readAll(2, 0, 1, 700_000, 5_000_000)
}

// Four times the cache is written without any upload: memory stays bounded and
// everything is read back, from the log where it must be.
func TestEvictedPagesAreReadFromTheLog(t *testing.T) {
	r := newRig(t, rigOptions{pages: 8})
	rng := rand.New(rand.NewPCG(1, 2))
	for r.log.Stats().HeadPosition < 32<<20 {
		r.append(ids.StreamID(1+rng.IntN(5)), 2, 3000)
		r.append(9, 1, 40)
	}
	s := r.cache.Stats()
	if s.EvictedPages < 20 || s.Pages.UsedBytes > 8*page.Size {
		t.Fatalf("%+v", s)
	}
	for id := ids.StreamID(1); id <= 5; id++ {
		r.readAll(id, 0, 2, 3000, 100_000)
		r.readAll(id, 500, 2, 3000, 4000)
	}
	r.readAll(9, 0, 1, 40, 1000)
}

func TestTryReadNeverLooksAtTheLog(t *testing.T) {
	r := newRig(t, rigOptions{pages: 4})
	for r.log.Stats().HeadPosition < 8<<20 {
		r.append(1, 1, 3000)
	}
	end := r.next[1]
	if _, err := r.w.TryRead(1, 0, end, 1<<20, true); !errors.Is(err, ErrNotInMemory) {
		t.Fatalf("of what was evicted: %v", err)
	}
	res, err := r.w.TryRead(1, end-10, end, 1<<20, true)
	if err != nil || res.NextOffset != end || res.Bytes != 30_000 {
		t.Fatalf("of the newest records: %v", err)
	}
	res.Release()
}

func TestIndexShrinksWithPagesAndIsBounded(t *testing.T) {
	r := newRig(t, rigOptions{pages: 8, indexBytes: 600_000})
	for r.log.Stats().HeadPosition < 40<<20 {
		r.append(1, 1, 100) // some 7,000 records a page
	}
	if s := r.cache.Stats(); s.IndexBytes > s.IndexBytesMax+7500*entryBytes {
		t.Fatalf("index of %d bytes, bound %d", s.IndexBytes, s.IndexBytesMax)
	}
	r.readAll(1, 0, 1, 100, 1<<20)
}

// Many streams, no upload, an index far too small for an entry a page: the
// entries are joined further, and everything is read back all the same.
func TestIndexOfManyStreamsIsJoinedFurther(t *testing.T) {
	const streams, n = 300, 1000
	r := newRig(t, rigOptions{pages: 6, indexBytes: 400_000})
	for r.log.Stats().HeadPosition < 40<<20 {
		for id := range ids.StreamID(streams) {
			r.append(id, 2, n)
		}
	}
	r.append(1, 2, n)
	if reach := r.w.reach.Load(); reach == 0 {
		t.Fatal("the index was never short of room")
	}
	if s := r.cache.Stats(); s.IndexBytes > 2*s.IndexBytesMax {
		t.Fatalf("index of %d bytes, bound %d", s.IndexBytes, s.IndexBytesMax)
	}
	for _, id := range []ids.StreamID{0, 1, streams - 1} {
		r.readAll(id, 0, 2, n, 5000)
		r.readAll(id, 50, 2, n, 1<<20)
	}
	g := r.w.Seal()
	r.log.Trim(g.UpTo)
	r.w.Trimmed(g.UpTo)
	if r.w.reach.Load() != 0 {
		t.Fatal("joined far although there is room again")
	}
}

// A stretch may hold a record longer than the pieces it is walked in.
func TestLongRecordInALongStretch(t *testing.T) {
	r := newRig(t, rigOptions{pages: 6})
	r.w.reach.Store(reachMax)
	for range 5 {
		r.append(1, 1, 1_500_000)
		r.append(2, 1, 500_000)
	}
	for range 8 {
		r.append(2, 1, 1_000_000)
	}
	s := r.w.stream(1)
	if len(s.evicted) != 1 || s.evicted[0].bytes < 5_000_000 {
		t.Fatalf("evicted: %+v", s.evicted)
	}
	r.readAll(1, 0, 1, 1_500_000, 10)
	r.readAll(1, 2, 1, 1_500_000, 10_000_000)
}

func TestGapInOffsetsEndsARead(t *testing.T) {
	r := newRig(t, rigOptions{pages: 3})
	for evicted := range 2 {
		id := ids.StreamID(1 + evicted)
		for range 10 {
			r.append(id, 1, 100)
		}
		r.next[id] = 50 // the stream was moved away and came back
		r.append(id, 1, 100)
		if evicted > 0 {
			for r.cache.Stats().EvictedPages == 0 {
				r.append(9, 1, 100_000)
			}
		}
		res, err := r.w.Read(id, 5, 51, 10_000, true)
		if err != nil || res.NextOffset != 10 || res.Bytes != 500 {
			t.Fatalf("%+v, %v", res, err)
		}
		res.Release()
		if _, err := r.w.Read(id, 20, 51, 10_000, true); !errors.Is(err, ErrNotHere) {
			t.Fatalf("within the gap: %v", err)
		}
		r.readAll(id, 50, 1, 100, 100)
	}
}

func TestSealCoversEachRecordOnce(t *testing.T) {
	r := newRig(t, rigOptions{pages: 8})
	rng := rand.New(rand.NewPCG(3, 4))
	sealed := map[ids.StreamID]int64{}
	var last int64
	for range 20 {
		for range rng.IntN(2000) {
			r.append(ids.StreamID(1+rng.IntN(20)), 1+rng.Int64N(3), 100+rng.IntN(4000))
		}
		g := r.w.Seal()
		if g.From != last || g.UpTo != r.log.DurableUpTo() {
			t.Fatalf("generation of positions %d to %d, want %d to %d", g.From, g.UpTo, last, r.log.DurableUpTo())
		}
		last = g.UpTo
		for _, e := range g.Streams() {
			if e.Start != sealed[e.Stream] || e.End <= e.Start || e.Bytes <= 0 {
				t.Fatalf("extent %+v, want it to start at %d", e, sealed[e.Stream])
			}
			sealed[e.Stream] = e.End
		}
		r.log.Trim(g.UpTo)
		r.w.Trimmed(g.UpTo)
	}
	for id, next := range r.next {
		if sealed[id] != next {
			t.Fatalf("stream %d: sealed up to %d, appended up to %d", id, sealed[id], next)
		}
	}
	if n := r.w.UnsealedBytes(); n != 0 {
		t.Fatalf("%d bytes unsealed", n)
	}
}

// A trim may fall in the middle of an evicted page: what lies above it must
// stay readable, what lies below must say that it is not here.
func TestTrimInsideAnEvictedPage(t *testing.T) {
	r := newRig(t, rigOptions{pages: 3, capacity: 16 << 20})
	for range 100 {
		r.append(1, 1, 3000)
	}
	g1 := r.w.Seal()
	for range 100 {
		r.append(1, 1, 3000)
	}
	g2 := r.w.Seal()
	for r.cache.Stats().EvictedPages < 3 {
		r.append(2, 1, 50_000)
	}
	for i, g := range []*Generation{g1, g2} {
		r.log.Trim(g.UpTo)
		r.w.Trimmed(g.UpTo)
		end := int64(100 * (i + 1))
		if first, _, ok := r.held(1); i == 0 && (!ok || first != end) {
			t.Fatalf("first offset %d after a trim at offset %d", first, end)
		}
		if _, err := r.w.Read(1, end-1, 200, 1000, true); !errors.Is(err, ErrNotHere) {
			t.Fatalf("below the trim: %v", err)
		}
		if end < 200 {
			r.readAll(1, end, 1, 3000, 100_000)
		}
	}
	if r.w.stream(1) != nil {
		t.Fatal("a stream without entries is still indexed")
	}
}

func TestUploadedPagesStayReadableUntilEvicted(t *testing.T) {
	r := newRig(t, rigOptions{pages: 4})
	for range 50 {
		r.append(1, 1, 1000)
	}
	g := r.w.Seal()
	r.log.Trim(g.UpTo)
	r.w.Trimmed(g.UpTo)
	r.readAll(1, 0, 1, 1000, 5000)
}

func TestSlowReadersPinABoundedShare(t *testing.T) {
	r := newRig(t, rigOptions{pages: 6, pinned: 2 * page.Size})
	for r.log.Stats().HeadPosition < 5<<20 {
		r.append(1, 1, 10_000)
	}
	var held []*Result
	for offset := int64(0); offset < r.next[1]; offset += 50 {
		res, err := r.w.Read(1, offset, r.next[1], 10_000, true)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, res)
	}
	if n := r.cache.Stats().PinnedBytes; n > 2*page.Size {
		t.Fatalf("%d bytes pinned", n)
	}
	for r.log.Stats().HeadPosition < 30<<20 { // goes on past the readers
		r.append(2, 1, 10_000)
	}
	for i, res := range held {
		if !bytes.Equal(join(res.Segments), payload(1, int64(i)*50, 10_000)) {
			t.Fatalf("result %d changed while it was held", i)
		}
		res.Release()
	}
}

func TestFullWhenNothingIsDurable(t *testing.T) {
	r := newRig(t, rigOptions{pages: 2})
	var held []*page.Page
	for p := r.cache.Page(); p != nil; p = r.cache.Page() {
		held = append(held, p)
	}
	if err := r.tryAppend(1, 1, 100); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("append without memory: %v", err)
	}
	for _, p := range held {
		p.Release()
	}
	r.append(1, 1, 100)
}

func TestClose(t *testing.T) {
	r := newRig(t, rigOptions{pages: 4})
	r.append(1, 1, 100)
	r.append(2, 1, 100)
	r.w.Seal()
	if err := r.log.Close(); err != nil {
		t.Fatal(err)
	}
	r.w.Close()
	if s := r.cache.Stats(); s.IndexBytes != 0 || s.Pages.UsedBytes != 0 {
		t.Fatalf("left behind: %+v", s)
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("pools are not kept under the race detector")
	}
	r := newRig(t, rigOptions{pages: 4})
	for range 200 {
		r.append(1, 1, 1000)
	}
	allocs := testing.AllocsPerRun(100, func() {
		res, err := r.w.Read(1, 50, 200, 50_000, true)
		if err != nil {
			t.Error(err)
			return
		}
		res.Release()
	})
	if allocs >= 1 {
		t.Fatalf("%v allocations a read", allocs)
	}
}

// Readers, an uploader and appenders at once, with eviction going on.
func TestConcurrently(t *testing.T) {
	r := newRig(t, rigOptions{pages: 6, capacity: 24 << 20})
	const streams, n = 4, 4000
	rounds := int64(1500)
	if raceEnabled {
		rounds = 300
	}
	var high [streams]int64
	var mu sync.Mutex
	var appenders, others sync.WaitGroup
	stop := make(chan struct{})
	for id := range streams {
		appenders.Go(func() {
			for base := range rounds {
				done := make(waiter, 1)
				rec := &wal.Record{Kind: walfmt.KindData, Stream: ids.StreamID(id), BaseOffset: base, EndOffset: base + 1, Payload: payload(ids.StreamID(id), base, n)}
				for {
					_, err := r.log.Append(rec, done)
					if err == nil {
						break
					}
					if !errors.Is(err, wal.ErrFull) {
						t.Error(err)
						return
					}
					_ = r.log.WaitSpace(t.Context())
				}
				if err := <-done; err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				high[id] = base + 1
				mu.Unlock()
			}
		})
		others.Go(func() {
			for offset := int64(0); offset < rounds; {
				mu.Lock()
				upTo := high[id]
				mu.Unlock()
				res, err := r.w.Read(ids.StreamID(id), offset, upTo, 20_000, true)
				if errors.Is(err, ErrNotHere) { // overtaken by the trim
					offset = max(offset, upTo)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				got := join(res.Segments)
				for ; offset < res.NextOffset; offset++ {
					if !bytes.Equal(got[:n], payload(ids.StreamID(id), offset, n)) {
						t.Errorf("stream %d at %d: wrong bytes", id, offset)
						return
					}
					got = got[n:]
				}
				res.Release()
			}
		})
	}
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if r.w.UnsealedBytes() > 2<<20 {
				g := r.w.Seal()
				r.log.Trim(g.UpTo)
				r.w.Trimmed(g.UpTo)
			}
			_ = clock.Sleep(t.Context(), clock.Wall(), 1e6)
		}
	})
	appenders.Wait()
	close(stop)
	others.Wait()
}
