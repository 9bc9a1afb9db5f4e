package broker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// gatedDevice is a device in memory whose writes wait while it is shut.
type gatedDevice struct {
	*device.Memory
	mu      sync.Mutex
	shut    bool
	waiting []*device.Op
}

func (d *gatedDevice) Inline(op *device.Op) bool {
	d.mu.Lock()
	shut := d.shut
	d.mu.Unlock()
	if shut && op.Kind != device.Read {
		return false
	}
	return d.Memory.Inline(op)
}

func (d *gatedDevice) Submit(op *device.Op) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut && op.Kind != device.Read {
		d.waiting = append(d.waiting, op)
		return
	}
	d.Memory.Submit(op)
}

// shutGate makes later writes wait for open.
func (d *gatedDevice) shutGate() { d.mu.Lock(); d.shut = true; d.mu.Unlock() }

// writes is how many writes wait.
func (d *gatedDevice) writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.waiting)
}

// open lets the writes go on, or with err fail.
func (d *gatedDevice) open(err error) {
	d.mu.Lock()
	waiting := d.waiting
	d.waiting, d.shut = nil, false
	d.mu.Unlock()
	for _, op := range waiting {
		if err == nil {
			d.Submit(op)
			continue
		}
		op.Err = err
		op.Done(op)
	}
}

// storage is what node 1 keeps its partitions on: everything real, over a
// device and an object store in memory. Nothing is uploaded.
type storage struct {
	*s3stream.Manager
	device *gatedDevice
	log    *wal.Log
}

// Bounds of the storage under test.
const (
	testWALBytes  = 8 << 20
	testPageCount = 3 // of the log cache
)

// newStorage opens a WAL for node 1 at an epoch and the streams on it.
func newStorage(t testing.TB, m *fakeMetadata, epoch ids.NodeEpoch) *storage {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &storage{device: &gatedDevice{Memory: device.NewMemory(testWALBytes + walfmt.DataOffset)}}
	v, err := volume.OnDevice("test", s.device, volume.Options{Cluster: ids.UUID{7}, Node: 1, CapacityBytes: testWALBytes})
	must(err)
	instance := ids.WALInstance{9}
	m.must(t, &image.OpenWAL{Node: 1, NodeEpoch: epoch, Instance: instance, Kind: "exclusive", Location: "memory"})
	area, err := v.Create(volume.Spec{Instance: instance, NodeEpoch: epoch, WindowBytes: 4 << 20})
	must(err)
	b := budget.New(1 << 30)
	cache, err := logcache.New(logcache.Config{
		Pool:  page.NewPool(b.Account("pages", testPageCount*page.Size)),
		Index: b.Account("index", 4<<20),
	})
	must(err)
	window := cache.NewWindow()
	s.log, err = wal.New(wal.Config{Area: area, Clock: clock.Wall(), Pages: cache, Sink: window, NoKeeper: true})
	must(err)
	window.Attach(s.log)
	store := mem.New(clock.Wall())
	s.Manager = s3stream.New(s3stream.Config{
		Meta: streamMeta{m: m, epoch: epoch}, WAL: s.log, LogCache: cache, Window: window, WALCapacity: testWALBytes,
		UploadStore: store, ReadStore: store, GCStore: store,
		Frame: frameBatch, BlockCache: blockcache.New(blockcache.Config{BytesMax: 1 << 20}),
		UploadMemory: b.Account("upload", 64<<20),
		Settings:     s3stream.DefaultSettings(), Clock: clock.Wall(), Random: rand.Uint64, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() {
		s.device.open(nil)
		_ = s.Manager.Close()
		window.Close()
	})
	return s
}

// streamMeta is the fake metadata as streams are opened and trimmed in it;
// there are no objects.
type streamMeta struct {
	s3stream.Meta
	m     *fakeMetadata
	epoch ids.NodeEpoch // of node 1
}

func (s streamMeta) OpenStreams(ctx context.Context, wal ids.WALInstance, streams []meta.OpenStream) ([]meta.OpenedStream, error) {
	cmd := &image.OpenStreams{Node: 1, NodeEpoch: s.epoch, WAL: wal}
	for _, x := range streams {
		cmd.Streams = append(cmd.Streams, image.OpenStream{Stream: x.Stream, Expected: x.ExpectedEpoch})
	}
	result, _, err := s.m.Submit(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var out []meta.OpenedStream
	for _, x := range result.(*image.OpenedStreams).Streams {
		o := meta.OpenedStream{Stream: x.Stream, Epoch: x.Epoch, End: x.Start}
		if x.Refused != image.NotRefused {
			o.Err = meta.ErrFenced
		}
		out = append(out, o)
	}
	return out, nil
}

func (s streamMeta) CloseStreams(ctx context.Context, streams []meta.CloseStream) error {
	cmd := &image.CloseStreams{Node: 1, NodeEpoch: s.epoch}
	for _, x := range streams {
		cmd.Streams = append(cmd.Streams, image.StreamEnd(x))
	}
	_, _, err := s.m.Submit(ctx, cmd)
	return err
}

func (s streamMeta) TrimStream(ctx context.Context, stream ids.StreamID, epoch ids.StreamEpoch, newStart int64) error {
	_, _, err := s.m.Submit(ctx, &image.TrimStreams{
		Node: 1, NodeEpoch: s.epoch,
		Streams: []image.StreamStart{{Stream: stream, Epoch: epoch, Start: newStart}},
	})
	return err
}

func (s streamMeta) Objects(ids.StreamID, int64, int) []meta.ObjectRange { return nil }

func (s streamMeta) LostUpTo(_ ids.StreamID, offset int64) (int64, bool) { return offset, false }

// frameBatch reads the edges of a record batch.
func frameBatch(p []byte) (size int, start, end int64, err error) {
	h, err := batch.ParseHeader(p)
	return h.Size(), h.BaseOffset, h.NextOffset(), err
}
