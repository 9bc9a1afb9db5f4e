package wal

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const mib = 1 << 20

func fillRandom(b []byte) { _, _ = rand.Read(b) }

// pool is a page source without a cache behind it.
type pool struct{ *page.Pool }

func (p pool) Page() *page.Page { return p.Get() }

func newPool(pages int) pool {
	return pool{page.NewPool(budget.New(1<<40).Account("pages", int64(pages)*page.Size))}
}

var testOwner = volume.Options{Cluster: ids.UUID{1}, Node: 7, CapacityBytes: 64 * mib}

func deviceVolume(t testing.TB, dev device.Device, capacity int64) volume.Volume {
	t.Helper()
	o := testOwner
	o.CapacityBytes = capacity
	v, err := volume.OnDevice("test", dev, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fileVolume is a volume in a file on a real file system.
func fileVolume(t testing.TB, capacity int64) (volume.Volume, string) {
	t.Helper()
	o := testOwner
	o.CapacityBytes, o.Depth = capacity, 8
	path := filepath.Join(t.TempDir(), "wal")
	v, err := volume.OpenFiles(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v, path
}

// freeBytes is how many bytes may be appended before the ring is full, headers
// and padding included.
func freeBytes(l *Log) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.area.EndMax(l.trimmed.Load())-l.head, 0)
}

// filled is the part of the capacity in use, from 0 to 1, older instances
// included.
func filled(l *Log) float64 { return 1 - float64(freeBytes(l))/float64(l.area.Header.Capacity) }

func createArea(t testing.TB, v volume.Volume, epoch ids.NodeEpoch, keep ...volume.Kept) *volume.Area {
	t.Helper()
	area, err := v.Create(volume.Spec{
		Instance: ids.NewUUID(fillRandom), NodeEpoch: epoch, WindowBytes: WindowBytesDefault, Keep: keep,
	})
	if err != nil {
		t.Fatal(err)
	}
	return area
}

// startLog starts a log; change adapts its configuration.
func startLog(t testing.TB, area *volume.Area, change func(*Config)) *Log {
	t.Helper()
	cfg := Config{Area: area, Clock: clock.Wall(), Pages: newPool(128)}
	if change != nil {
		change(&cfg)
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// waiter is a Completion to wait for.
type waiter struct{ done chan error }

func newWaiter() *waiter { return &waiter{make(chan error, 1)} }

func (w *waiter) Durable(err error) { w.done <- err }

// appendWait appends and waits for durability, and for space.
func appendWait(t testing.TB, l *Log, rec *Record) Appended {
	t.Helper()
	w := newWaiter()
	at, err := l.Append(rec, w)
	for err == ErrFull {
		if err := l.WaitSpace(context.Background()); err != nil {
			t.Fatal(err)
		}
		at, err = l.Append(rec, w)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	return at
}

func dataRecord(stream ids.StreamID, base, count int64, payload []byte) *Record {
	return &Record{Kind: walfmt.KindData, Stream: stream, StreamEpoch: 1, BaseOffset: base, EndOffset: base + count, Payload: payload}
}

// keepSpec is a fresh instance that keeps a recovered one.
func keepSpec(epoch ids.NodeEpoch, instance ids.WALInstance, rec *Recovered) volume.Spec {
	return volume.Spec{
		Instance: ids.NewUUID(fillRandom), NodeEpoch: epoch, WindowBytes: mib,
		Keep: []volume.Kept{{Instance: instance, From: rec.From, End: rec.End}},
	}
}
