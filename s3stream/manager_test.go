package s3stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/meta/metatest"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/s3stream/streamtest"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// disk is what survives a restart.
type disk struct {
	dev   device.Device
	store *gatedStore
	meta  *metatest.Meta
	log   map[ids.StreamID][][]byte // every batch acknowledged
	lives int
	clock clock.Clock // of the streams
	// newestFirst has the old instances adopted in the wrong order.
	newestFirst bool
}

// gatedStore is a store that can be away.
type gatedStore struct {
	objstore.Store
	away atomic.Bool
	puts atomic.Int64
	// refused counts the writes that it was away for.
	refused atomic.Int64
}

func (s *gatedStore) Put(ctx context.Context, key string, b objstore.Body, o objstore.PutOptions) error {
	if s.away.Load() {
		s.refused.Add(1)
		return objstore.Wrap("put", key, objstore.ErrUnavailable)
	}
	s.puts.Add(1)
	return s.Store.Put(ctx, key, b, o)
}

func (s *gatedStore) CreateMultipart(ctx context.Context, key string, o objstore.PutOptions) (objstore.Upload, error) {
	if s.away.Load() {
		return nil, objstore.Wrap("create", key, objstore.ErrUnavailable)
	}
	return s.Store.CreateMultipart(ctx, key, o)
}

// node is one life of a node.
type node struct {
	*Manager
	t       *testing.T
	d       *disk
	volume  volume.Volume
	cache   *logcache.Cache
	streams map[ids.StreamID]*Stream
}

const (
	testCapacity = 24 << 20
	testPages    = 6
)

func newDisk(streams ...ids.StreamID) *disk {
	d := &disk{
		dev:   device.NewMemory(testCapacity + walfmt.DataOffset),
		store: &gatedStore{Store: mem.New(clock.Wall())},
		meta:  metatest.New(), log: map[ids.StreamID][][]byte{}, clock: clock.Wall(),
	}
	d.meta.Create(streams...)
	return d
}

// boot starts a node as internal/node does: rescue what is there, then open.
func (d *disk) boot(t *testing.T) *node {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	d.lives++
	epoch := ids.NodeEpoch(d.lives)
	v, err := volume.OnDevice("test", d.dev, volume.Options{Cluster: ids.UUID{1}, Node: 1, CapacityBytes: testCapacity})
	must(err)
	b := budget.New(1 << 30)
	cache, err := logcache.New(logcache.Config{
		Pool:  page.NewPool(b.Account("pages", testPages*page.Size)),
		Index: b.Account("index", 4<<20),
	})
	must(err)
	var old []*rescue.Rescued
	var keep []volume.Kept
	for _, i := range v.Instances() {
		if d.meta.Retired(i.Instance) {
			continue
		}
		area, err := v.Open(i.Instance)
		must(err)
		r, err := rescue.Rescue(context.Background(), rescue.Config{
			Meta: d.meta, Instance: i.Instance, Cache: cache, Frame: streamtest.Frame,
			Recover: func(ctx context.Context, visit func(*walfmt.Record) error) (*wal.Recovered, error) {
				return wal.Recover(ctx, area, wal.Expect{
					Cluster: ids.UUID{1}, Node: 1, Instance: i.Instance, TrimPosition: d.meta.Trim(i.Instance),
				}, visit)
			},
		})
		must(err)
		old = append(old, r)
		keep = append(keep, volume.Kept{Instance: r.Instance, From: r.From, End: r.End})
	}
	area, err := v.Create(volume.Spec{Instance: ids.UUID{byte(d.lives)}, NodeEpoch: epoch, WindowBytes: 4 << 20, Keep: keep})
	must(err)
	window := cache.NewWindow()
	log, err := wal.New(wal.Config{Area: area, Clock: clock.Wall(), Pages: cache, Sink: window, NoKeeper: true})
	must(err)
	window.Attach(log)
	set := DefaultSettings()
	set.Triggers = upload.Triggers{Bytes: 4 << 20, Interval: time.Hour, FillPercent: 50}
	set.BlockBytes, set.PartBytes = 64<<10, objstore.PartBytesMin
	set.Limits = upload.Limits{SplitBytes: 1 << 20, SetBytes: 2 << 20}
	var attempts atomic.Uint64
	n := &node{t: t, d: d, volume: v, cache: cache, streams: map[ids.StreamID]*Stream{}}
	n.Manager = New(Config{
		Meta: d.meta, WAL: log, LogCache: cache, Window: window, WALCapacity: testCapacity,
		UploadStore: d.store, ReadStore: d.store, GCStore: d.store,
		Key:    func(id ids.ObjectID) string { return fmt.Sprintf("%d/%d-%d", id, d.lives, attempts.Add(1)) },
		Prefix: func(id ids.ObjectID) string { return fmt.Sprintf("%d/", id) },
		Frame:  streamtest.Frame, Summarizer: streamtest.NoSummary{},
		BlockCache:   blockcache.New(blockcache.Config{BytesMax: 4 << 20, Memory: blockcache.Heap{}}),
		UploadMemory: b.Account("upload", 4*objstore.PartBytesMin),
		Settings:     set, Clock: d.clock, Random: rand.Uint64, Log: slog.New(slog.DiscardHandler),
	})
	if d.newestFirst {
		slices.Reverse(old)
	}
	for _, r := range old {
		n.Adopt(Adopted{Rescued: r, Older: true, Remove: func() error { return v.Remove(r.Instance) }})
	}
	n.Start()
	return n
}

func (n *node) open(streams ...ids.StreamID) {
	n.t.Helper()
	var reqs []OpenRequest
	for _, id := range streams {
		reqs = append(reqs, OpenRequest{Stream: id, ExpectedEpoch: n.d.meta.Stream(id).Epoch})
	}
	opened, err := n.Open(context.Background(), reqs)
	if err != nil {
		n.t.Fatal(err)
	}
	for i, s := range opened {
		n.streams[streams[i]] = s
	}
}

type ack chan error

func (a ack) Durable(err error) { a <- err }

// append appends a batch of size bytes and waits for it, and for space.
func (n *node) append(id ids.StreamID, size int) {
	n.t.Helper()
	s := n.streams[id]
	b := streamtest.Batch(id, s.End(), s.End()+3, size)
	done := make(ack, 1)
	for {
		err := s.Append(Batch{BaseOffset: s.End(), EndOffset: s.End() + 3, Bytes: b}, done)
		if err == nil {
			n.Flush(true)
			break
		}
		if !errors.Is(err, ErrFull) {
			n.t.Fatal(err)
		}
		if err := s.WaitSpace(context.Background()); err != nil {
			n.t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		n.t.Fatal(err)
	}
	n.d.log[id] = append(n.d.log[id], b)
}

// check reads a stream from its start and compares it with what was
// acknowledged.
func (n *node) check(id ids.StreamID) {
	n.t.Helper()
	s := n.streams[id]
	var got []byte
	for from := s.StartOffset(); from < s.DurableEnd(); {
		res, err := s.Read(context.Background(), from, s.DurableEnd(), ReadOptions{MaxBytes: 200_000, MinOne: true})
		if err != nil {
			n.t.Fatal(err)
		}
		if res.NextOffset <= from {
			n.t.Fatalf("stream %d: nothing at %d", id, from)
		}
		for _, p := range res.Segments {
			got = append(got, p...)
		}
		from = res.NextOffset
		res.Release()
	}
	if want := bytes.Join(n.d.log[id], nil); !bytes.Equal(got, want) {
		n.t.Fatalf("stream %d: read %d bytes, %d were acknowledged", id, len(got), len(want))
	}
}

func (n *node) checkAll() {
	n.t.Helper()
	for id := range n.streams {
		n.check(id)
	}
}

func (n *node) drain() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := n.Drain(ctx); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) stop() {
	n.t.Helper()
	if err := n.Close(); err != nil {
		n.t.Fatal(err)
	}
}

func TestFromSocketToSeaAndBack(t *testing.T) {
	d := newDisk(1, 2, 3)
	n := d.boot(t)
	n.open(1, 2, 3)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 2500 { // some 60 MiB through a cache of 6 and a WAL of 24
		n.append(1, 100+rng.IntN(20_000))
		if i%3 == 0 {
			n.append(2, 100)
		}
		if i%100 == 0 {
			n.append(3, 1_500_000)
		}
		if i%900 == 0 {
			n.checkAll()
		}
	}
	before := n.streams[1].LogBytes()
	if n.append(1, 500); n.streams[1].LogBytes() < before+500 {
		t.Errorf("%d bytes are in the log, and 500 more were appended to %d", n.streams[1].LogBytes(), before)
	}
	n.drain()
	n.checkAll()
	for id, s := range n.streams {
		if s.inLog.Load() != 0 {
			t.Errorf("stream %d has %d bytes in the log alone", id, s.inLog.Load())
		}
		if s.CommittedEnd() != s.End() || d.meta.Stream(id).CommittedEnd != s.End() {
			t.Errorf("stream %d: committed to %d of %d", id, s.CommittedEnd(), s.End())
		}
	}
	if st := n.Stats(); st.Upload.Untrimmed != 0 || st.Streams != 3 || st.Upload.Failures != 0 {
		t.Errorf("stats %+v", st)
	}
	n.stop()
}

func TestRestartLosesNothing(t *testing.T) {
	d := newDisk(1, 2, 3)
	rng := rand.New(rand.NewPCG(7, 8))
	for life := range 5 {
		d.store.away.Store(life == 2) // the old WAL of that life stays for the next
		n := d.boot(t)
		n.open(1, 2, 3)
		n.checkAll()
		for range 200 {
			n.append(ids.StreamID(1+rng.IntN(3)), 100+rng.IntN(10_000))
		}
		n.checkAll()
		if life == 3 {
			n.drain()
			if s := n.Stats(); s.Rescuing != 0 {
				t.Errorf("%d instances are still being rescued", s.Rescuing)
			}
			if left := len(n.volume.Instances()); left != 1 {
				t.Errorf("%d instances in the volume", left)
			}
			n.checkAll()
		}
		n.stop() // streams are left open: the next life closes them
	}
}

// Old instances are uploaded whatever order they come in, and none is waited for
// while another is due: time need not pass.
func TestOldInstancesComeInAnyOrder(t *testing.T) {
	d := newDisk(1, 2)
	d.store.away.Store(true)
	const lives = 6
	for range lives {
		n := d.boot(t)
		n.open(1, 2)
		n.append(1, 1000)
		n.append(2, 1000)
		n.stop()
	}
	d.store.away.Store(false)
	d.clock, d.newestFirst = clock.NewManual(time.Unix(1e9, 0)), true
	n := d.boot(t)
	n.open(1, 2)
	n.drain()
	if s := n.Stats(); s.Rescuing != 0 || d.store.puts.Load() != lives {
		t.Errorf("%d instances are left, %d objects were written for %d", s.Rescuing, d.store.puts.Load(), lives)
	}
	n.checkAll()
	n.stop()
}

// Old instances that are read back in pieces and cannot be written do not keep
// each other's memory: when the store is there again, all come into it.
func TestOldInstancesDoNotWaitForEachOthersMemory(t *testing.T) {
	const lives, each = 4, 6 // more streams than are read one by one
	var streams []ids.StreamID
	for id := range lives * each {
		streams = append(streams, ids.StreamID(id+1))
	}
	d := newDisk(streams...)
	d.store.away.Store(true)
	for mine := range slices.Chunk(streams, each) { // none waits for an earlier tail
		n := d.boot(t)
		n.open(mine...)
		for _, id := range mine {
			n.append(id, 1000)
		}
		n.stop()
	}
	n := d.boot(t)
	n.open(streams...)
	d.store.refused.Store(0)
	for until := time.Now().Add(5 * time.Second); d.store.refused.Load() < 3 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	d.store.away.Store(false)
	n.drain()
	n.checkAll()
	n.stop()
}

func TestStoreAwayUntilTheWALIsFull(t *testing.T) {
	d := newDisk(1, 2)
	n := d.boot(t)
	n.open(1, 2)
	d.store.away.Store(true)
	full := false
	for i := 0; !full; i++ {
		s := n.streams[1]
		b := streamtest.Batch(1, s.End(), s.End()+3, 50_000)
		done := make(ack, 1)
		err := s.Append(Batch{BaseOffset: s.End(), EndOffset: s.End() + 3, Bytes: b}, done)
		switch {
		case errors.Is(err, ErrFull):
			full = true
		case err != nil:
			t.Fatal(err)
		default:
			n.Flush(true)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			d.log[1] = append(d.log[1], b)
		}
	}
	if got := len(d.log[1]) * 50_000; got < testCapacity*9/10 {
		t.Errorf("full after %d bytes of %d", got, testCapacity)
	}
	n.checkAll() // most of it left memory
	if used := n.cache.Stats().Pages.UsedBytes; used > testPages*page.Size {
		t.Errorf("%d bytes of pages", used)
	}
	d.store.away.Store(false)
	n.append(2, 100) // waits for space
	n.drain()
	n.checkAll()
	n.stop()
}

// countingDevice counts the bytes read.
type countingDevice struct {
	device.Device
	read atomic.Int64
}

func (d *countingDevice) count(op *device.Op) {
	if op.Kind == device.Read {
		d.read.Add(int64(op.Bytes()))
	}
}

func (d *countingDevice) Submit(op *device.Op) {
	d.count(op)
	d.Device.Submit(op)
}

func (d *countingDevice) Inline(op *device.Op) bool {
	done := d.Device.Inline(op)
	if done {
		d.count(op)
	}
	return done
}

// Uploads of what left memory read the WAL once, not once a stream: after an
// outage of the store, and after a restart.
func TestManyStreamsAreReadBackOnce(t *testing.T) {
	const count = 60
	var all []ids.StreamID
	for id := range ids.StreamID(count) {
		all = append(all, id+1)
	}
	d := newDisk(all...)
	counter := &countingDevice{Device: d.dev}
	d.dev = counter
	n := d.boot(t)
	n.open(all...)
	d.store.away.Store(true)
	appended := int64(0)
	for i := 0; appended < testCapacity*2/3; i++ {
		n.append(all[i%count], 3000)
		appended += 3000
	}
	counter.read.Store(0)
	d.store.away.Store(false)
	n.drain()
	if got := counter.read.Load(); got > 2*appended {
		t.Errorf("%d bytes read for an upload of %d", got, appended)
	}
	n.checkAll()
	for i := range 1000 {
		n.append(all[i%count], 3000)
	}
	d.store.away.Store(true)
	n.stop()
	n = d.boot(t)
	d.store.away.Store(false)
	counter.read.Store(0)
	n.drain()
	if got := counter.read.Load(); got > 2*1000*3000 {
		t.Errorf("%d bytes read for an upload of %d after a restart", got, 1000*3000)
	}
	n.open(all...)
	n.checkAll()
	n.stop()
}

func TestClosedStreamIsServedUntilUploaded(t *testing.T) {
	d := newDisk(1)
	n := d.boot(t)
	n.open(1)
	n.append(1, 1000)
	end, err := n.streams[1].Close(context.Background())
	if err != nil || end != 3 {
		t.Fatal(end, err)
	}
	n.open(1) // again, here: another epoch on the same log
	n.append(1, 1000)
	n.check(1)
	n.drain()
	n.check(1)
	if r := d.meta.Stream(1); len(r.Ranges) != 2 || r.CommittedEnd != 6 {
		t.Errorf("in objects: %+v", r)
	}
	n.stop()
}
