package read

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

// A batch of these tests: length u32, end offset u64, then filler.
func makeBatch(start, end int64, n int) []byte {
	b := make([]byte, 12, n)
	binary.BigEndian.PutUint32(b, uint32(n))
	binary.BigEndian.PutUint64(b[4:], uint64(end))
	for len(b) < n {
		b = append(b, byte(start)+byte(len(b)))
	}
	return b
}

func frame(p []byte) (size int, start, end int64, err error) {
	if len(p) < 12 {
		return 0, 0, 0, errors.New("short")
	}
	end = int64(binary.BigEndian.Uint64(p[4:]))
	return int(binary.BigEndian.Uint32(p)), end - 2, end, nil
}

// world is a store with objects, and the metadata of them.
type world struct {
	objstore.Store
	t      testing.TB
	ranges map[ids.StreamID][]meta.ObjectRange
	log    map[ids.StreamID][]batch // all that was put
	nextID ids.ObjectID

	gets, bytes atomic.Int64
	gate        chan struct{} // if set, a GET takes from it first
}

type batch struct {
	start, end int64
	data       []byte
}

func newWorld(t testing.TB) *world {
	return &world{
		Store: mem.New(clock.NewManual(time.Unix(1e9, 0))), t: t,
		ranges: map[ids.StreamID][]meta.ObjectRange{}, log: map[ids.StreamID][]batch{},
	}
}

func (w *world) GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	if w.gate != nil {
		<-w.gate
	}
	w.gets.Add(1)
	w.bytes.Add(int64(len(dst)))
	return w.Store.GetRange(ctx, key, off, dst)
}

func (w *world) Objects(stream ids.StreamID, from int64, max int) []meta.ObjectRange {
	var out []meta.ObjectRange
	for _, r := range w.ranges[stream] {
		if r.End > from && len(out) < max {
			out = append(out, r)
		}
	}
	return out
}

// object puts one object with n batches of each stream, each for two offsets
// and of about size bytes.
func (w *world) object(blockBytes, n, size int, streams ...ids.StreamID) {
	w.t.Helper()
	w.nextID++
	lay := objfmt.NewWriter(w.nextID, objfmt.StreamSetObject)
	var added []meta.ObjectRange
	for _, s := range streams {
		start := int64(0)
		if have := w.log[s]; len(have) > 0 {
			start = have[len(have)-1].end
		}
		end := start
		var block []batch
		var blockSize int
		for range n {
			b := batch{end, end + 2, makeBatch(end, end+2, size+int(end)%7)}
			end = b.end
			w.log[s] = append(w.log[s], b)
			if blockSize > 0 && blockSize+len(b.data) > blockBytes {
				w.block(lay, s, block)
				block, blockSize = nil, 0
			}
			block, blockSize = append(block, b), blockSize+len(b.data)
		}
		w.block(lay, s, block)
		note := makeBatch(start, end, 20)
		_, err := lay.AppendBlock(objfmt.Block{Stream: s, Epoch: 1, Start: start, End: end,
			Kind: objfmt.AttachmentBlock, Attachment: meta.SummaryAttachment, Data: [][]byte{note}, CRC32C: crc.Of(note)})
		w.must(err)
		added = append(added, meta.ObjectRange{Object: w.nextID, Key: w.nextID.String(), Start: start, End: end})
	}
	_, err := lay.Finish()
	w.must(err)
	w.must(w.Put(context.Background(), w.nextID.String(), objstore.Body(lay.Take()), objstore.PutOptions{}))
	for i, s := range streams {
		added[i].Size = lay.Size()
		w.ranges[s] = append(w.ranges[s], added[i])
	}
}

// block adds one data block.
func (w *world) block(lay *objfmt.Writer, s ids.StreamID, batches []batch) {
	w.t.Helper()
	b := objfmt.Block{Stream: s, Epoch: 1, Start: batches[0].start, End: batches[len(batches)-1].end,
		Kind: objfmt.DataBlock, Batches: uint32(len(batches))}
	for _, x := range batches {
		b.Data = append(b.Data, x.data)
		b.CRC32C = crc.Combine(b.CRC32C, crc.Of(x.data), len(x.data))
	}
	_, err := lay.AppendBlock(b)
	w.must(err)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) reader(cacheBytes int64) *Reader {
	r := New(Config{
		Index: w, Store: w, Frame: frame, Cache: blockcache.New(blockcache.Config{BytesMax: cacheBytes}),
		IndexBytesMax: 1 << 20, GetsMax: 8, ConsumersMax: 100,
	})
	w.t.Cleanup(r.Close)
	return r
}

func (w *world) end(s ids.StreamID) int64 { return w.log[s][len(w.log[s])-1].end }

// expect compares a result with what the log says it must be.
func (w *world) expect(req Request, res *Result) {
	w.t.Helper()
	got := bytes.Join(res.Segments, nil)
	var want []byte
	next := req.From
	for _, b := range w.log[req.Stream] {
		if b.end > req.From && len(want) < len(got) {
			want, next = append(want, b.data...), b.end
		}
	}
	switch {
	case !bytes.Equal(got, want) || res.NextOffset != next:
		w.t.Fatalf("%+v: %d bytes to offset %d, want %d to %d", req, len(got), res.NextOffset, len(want), next)
	case res.NextOffset > req.UpTo:
		w.t.Fatalf("%+v: read past it, to %d", req, res.NextOffset)
	case len(got) > req.MaxBytes && len(res.Segments) != 1:
		w.t.Fatalf("%+v: %d bytes", req, len(got))
	case len(got) == 0 && req.MinOne && req.From < req.UpTo:
		w.t.Fatalf("%+v: nothing", req)
	}
}

// readAll reads a stream sequentially and returns how many reads it took.
func (w *world) readAll(r *Reader, s ids.StreamID, maxBytes int) {
	w.t.Helper()
	for from := int64(0); from < w.end(s); {
		req := Request{Stream: s, From: from, UpTo: w.end(s), MaxBytes: maxBytes, MinOne: true}
		res, err := r.Read(context.Background(), req)
		if err != nil {
			w.t.Error(err)
			return
		}
		w.expect(req, &res)
		from = res.NextOffset
		res.Release()
	}
}

func TestSequentialReadFetchesEachByteOnceInLongRuns(t *testing.T) {
	w := newWorld(t)
	for range 4 {
		w.object(64<<10, 400, 10_000, 1)
	}
	r := w.reader(64 << 20)
	w.readAll(r, 1, 256<<10)
	r.work.Wait()
	var stored int64
	for _, o := range w.ranges[1] {
		stored += o.Size
	}
	if got := w.bytes.Load(); got > stored+4*objfmt.TailBytes {
		t.Errorf("%d bytes fetched of %d stored", got, stored)
	}
	if gets := w.gets.Load(); gets > 40 {
		t.Errorf("%d GETs for %d bytes", gets, stored)
	}
}

func TestRandomReads(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.object(2000, 30, 100+300*i, 1, 2, 3)
	}
	r := w.reader(1 << 20)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		s := ids.StreamID(1 + rng.IntN(3))
		req := Request{
			Stream: s, From: rng.Int64N(w.end(s)), UpTo: 2 * rng.Int64N(w.end(s)/2+1),
			MaxBytes: rng.IntN(5000), MinOne: rng.IntN(2) == 0,
		}
		if req.UpTo <= req.From {
			continue
		}
		res, err := r.Read(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		w.expect(req, &res)
		res.Release()
	}
}

func TestManyConsumersShareASmallCache(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.object(10_000, 40, 1000, 1, 2, 3, 4)
	}
	r := w.reader(25_000) // two blocks
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { w.readAll(r, ids.StreamID(1+i%4), 30_000) })
	}
	wg.Wait()
	r.work.Wait()
	for o := range w.nextID {
		r.Drop(o + 1)
	}
	if s := r.cfg.Cache.Stats(); s.Bytes != 0 {
		t.Errorf("%d bytes are still held", s.Bytes)
	}
}

func TestCorruptBlockIsNeverServed(t *testing.T) {
	w := newWorld(t)
	w.object(1000, 10, 300, 1)
	o := w.ranges[1][0]
	whole, err := storetest.ReadAll(context.Background(), w.Store, o.Key)
	w.must(err)
	bad := bytes.Clone(whole)
	bad[1500] ^= 1
	w.must(w.Put(context.Background(), o.Key, objstore.NewBody(bad), objstore.PutOptions{}))
	r := w.reader(1 << 20)
	req := Request{Stream: 1, From: 0, UpTo: 20, MaxBytes: 1 << 20}
	if res, err := r.Read(context.Background(), req); !errors.Is(err, objfmt.ErrCorrupt) {
		t.Fatalf("read %d bytes, %v", res.Bytes(), err)
	}
	w.must(w.Put(context.Background(), o.Key, objstore.NewBody(whole), objstore.PutOptions{}))
	res, err := r.Read(context.Background(), req) // a bad transfer is not for ever
	w.must(err)
	w.expect(req, &res)
	res.Release()
}

func TestObjectReplacedUnderARead(t *testing.T) {
	w := newWorld(t)
	w.object(1000, 10, 300, 1)
	r := w.reader(1 << 20)
	req := Request{Stream: 1, From: 0, UpTo: 20, MaxBytes: 1 << 20}
	old := w.ranges[1][0]
	moved := &movingIndex{world: w, stale: old}
	r.cfg.Index = moved
	whole, err := storetest.ReadAll(context.Background(), w.Store, old.Key)
	w.must(err)
	w.must(w.Put(context.Background(), "new", objstore.NewBody(whole), objstore.PutOptions{}))
	w.must(w.Delete(context.Background(), old.Key))
	w.ranges[1][0].Key = "new"
	res, err := r.Read(context.Background(), req)
	w.must(err)
	w.expect(req, &res)
	res.Release()
	moved.calls, moved.always = 0, true
	r.Drop(old.Object)
	if _, err := r.Read(context.Background(), req); !errors.Is(err, objstore.ErrNotFound) || moved.calls != 2 {
		t.Errorf("an object that is gone for good: %v after %d looks", err, moved.calls)
	}
}

// movingIndex answers with a stale range once, or always.
type movingIndex struct {
	*world
	stale  meta.ObjectRange
	calls  int
	always bool
}

func (m *movingIndex) Objects(s ids.StreamID, from int64, max int) []meta.ObjectRange {
	m.calls++
	if m.calls == 1 || m.always {
		return []meta.ObjectRange{m.stale}
	}
	return m.world.Objects(s, from, max)
}

func TestAHoleIsNotReadOver(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.object(1000, 5, 300, 1)
	}
	w.ranges[1] = append(w.ranges[1][:1:1], w.ranges[1][2])
	r := w.reader(1 << 20)
	req := Request{Stream: 1, From: 8, UpTo: 30, MaxBytes: 1 << 20}
	res, err := r.Read(context.Background(), req)
	if err != nil || res.NextOffset != 10 {
		t.Fatalf("read to %d: %v", res.NextOffset, err)
	}
	res.Release()
	req.From = 10
	if _, err := r.Read(context.Background(), req); !errors.Is(err, ErrNoObject) {
		t.Errorf("read in a hole: %v", err)
	}
}

// A lost part ends a read as a hole does. Attachments are found past it.
func TestALostPartIsNotReadOver(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.object(1000, 5, 300, 1)
	}
	lost := &w.ranges[1][1]
	lost.Object, lost.Key = 0, ""
	r := w.reader(1 << 20)
	req := Request{Stream: 1, From: 8, UpTo: 30, MaxBytes: 1 << 20}
	res, err := r.Read(context.Background(), req)
	if err != nil || res.NextOffset != 10 {
		t.Fatalf("read to %d: %v", res.NextOffset, err)
	}
	res.Release()
	var parts []int64
	for a, err := range r.Attachments(context.Background(), 1, 0, 30) {
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, a.Start)
	}
	if len(parts) < 2 || parts[len(parts)-1] < 20 {
		t.Errorf("attachments at %v", parts)
	}
}

func TestOneReadersEndIsNotAnothers(t *testing.T) {
	w := newWorld(t)
	w.object(1000, 10, 300, 1)
	r := w.reader(1 << 20)
	if _, err := r.indexes.of(context.Background(), w.ranges[1][0]); err != nil {
		t.Fatal(err)
	}
	w.gate = make(chan struct{})
	req := Request{Stream: 1, From: 0, UpTo: 20, MaxBytes: 500}
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error)
	go func() {
		_, err := r.Read(ctx, req)
		first <- err
	}()
	for r.cfg.Cache.Stats().Misses == 0 { // the first read has begun the load
	}
	second := make(chan error)
	go func() {
		res, err := r.Read(context.Background(), req)
		res.Release()
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	close(w.gate)
	if err := <-second; err != nil {
		t.Errorf("second: %v", err)
	}
}

func TestAttachments(t *testing.T) {
	w := newWorld(t)
	for range 40 { // more than one page of ranges
		w.object(1000, 5, 30, 1, 2)
	}
	r := w.reader(1 << 20)
	next := int64(200)
	for a, err := range r.Attachments(context.Background(), 2, 203, 395) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Start != next || !bytes.Equal(a.Summary, makeBatch(a.Start, a.End, 20)) {
			t.Fatalf("got %+v, want one from %d", a, next)
		}
		next = a.End
	}
	if next != 400 {
		t.Errorf("attachments end at %d", next)
	}
}
