package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/streamtest"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/device/crash"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// world is a node under test and what must hold of it after a crash.
type world struct {
	t    testing.TB
	rng  *rand.Rand
	node *node
	logs map[ids.StreamID]*streamLog
	life int

	points int // crash points explored
	found  error
	plant  func(*world) // applied to every life

	// Counts of what was explored, to see that a run is worth its name.
	commits, puts, deletes, lives int
	bytes                         int // appended
}

// streamLog is a stream as its appender knows it.
type streamLog struct {
	start   int64 // records below it may be gone
	batches []*sent
}

// sent is one append and its fate.
type sent struct {
	start, end int64
	data       []byte
	acked      bool
}

// Durable implements s3stream.Completion.
func (s *sent) Durable(err error) { s.acked = err == nil }

func (l *streamLog) ackedEnd() (end int64) {
	for _, b := range l.batches {
		if b.acked {
			end = b.end
		}
	}
	return end
}

func newWorld(t testing.TB, seed uint64, plant func(*world)) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 77)), logs: map[ids.StreamID]*streamLog{}, plant: plant}
	p := place{
		dev:    crash.New(walfmt.DataOffset + capacity),
		bucket: &bucket{Store: mem.New(clock.NewManual(time.Unix(1e9, 0)))},
		meta:   newController(ids.UUID{0xee}),
	}
	leaders := make([]ids.NodeID, streams)
	for i := range leaders {
		leaders[i] = nodeID
		w.logs[ids.StreamID(i+1)] = &streamLog{}
	}
	for _, cmd := range []image.Command{
		&image.FormatCluster{ClusterID: cluster},
		&image.CreateTopics{Topics: []image.NewTopic{{Name: "t", ID: ids.UUID{7}, Leaders: leaders}}},
	} {
		if _, _, err := p.meta.Submit(context.Background(), cmd); err != nil {
			t.Fatal(err)
		}
	}
	w.begin(p)
	return w
}

// begin boots the next life in p and goes on from there.
func (w *world) begin(p place) {
	w.t.Helper()
	w.life++
	w.lives++
	p.meta.issuer = ids.UUID{0xee, byte(w.life >> 8), byte(w.life)}
	p.meta.sequence = 0
	n, err := boot(p, w.life)
	if err != nil {
		w.t.Fatalf("life %d: %v", w.life, err)
	}
	w.node = n
	n.bucket.after = func() { w.puts++; w.crashPoint("a change of the bucket") }
	n.meta.after = func(cmd image.Command) {
		if _, ok := cmd.(*image.CommitUpload); ok {
			w.commits++
		}
		w.crashPoint(cmd.CommandKind().String())
	}
	if w.plant != nil {
		w.plant(w)
	}
}

// step does one random thing that changes what a crash may leave.
func (w *world) step() {
	ctx := context.Background()
	switch n := w.rng.IntN(100); {
	case n < 45:
		w.append()
	case n < 90 && w.node.dev.InFlight() > 0:
		w.node.dev.Complete(w.rng.IntN(w.node.dev.InFlight()))
		w.crashPoint("a device write")
	case n < 94:
		if _, err := w.node.Step(ctx, w.rng.IntN(3) == 0); err != nil {
			w.t.Fatalf("upload: %v", err)
		}
	case n < 96:
		w.trim(ctx)
	case n < 97:
		w.reopen(ctx)
	case n < 98:
		done, err := w.node.Collect(ctx)
		if err != nil {
			w.t.Fatalf("collect: %v", err)
		}
		w.deletes += done.Deleted
	}
}

func (w *world) append() {
	id := ids.StreamID(1 + w.rng.IntN(streams))
	s := w.node.streams[id]
	size := streamtest.BatchBytesMin + w.rng.IntN(15_000)
	if w.rng.IntN(30) == 0 {
		size = 100 << 10
	}
	b := &sent{start: s.End(), end: s.End() + 1 + w.rng.Int64N(3)}
	b.data = streamtest.Batch(id, b.start, b.end, size)
	l := w.logs[id]
	l.batches = append(l.batches, b)
	err := s.Append(s3stream.Batch{BaseOffset: b.start, EndOffset: b.end, Bytes: b.data}, b)
	if errors.Is(err, s3stream.ErrFull) {
		l.batches = l.batches[:len(l.batches)-1]
		return
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.bytes += size
	if w.rng.IntN(3) > 0 {
		w.node.Flush(false)
	}
	if w.rng.IntN(3) == 0 { // an append alone changes little of what a crash leaves
		w.crashPoint("an append")
	}
}

// trim deletes a random part of a stream.
func (w *world) trim(ctx context.Context) {
	id := ids.StreamID(1 + w.rng.IntN(streams))
	s, l := w.node.streams[id], w.logs[id]
	if n := s.DurableEnd() - s.StartOffset(); n > 20 {
		to := s.StartOffset() + w.rng.Int64N(n)
		l.start = to // from before the command: it may have been carried out
		if err := s.Trim(ctx, to); err != nil {
			w.t.Fatal(err)
		}
	}
}

// reopen closes a stream and opens it again under another epoch.
func (w *world) reopen(ctx context.Context) {
	id := ids.StreamID(1 + w.rng.IntN(streams))
	w.node.Flush(false)
	for w.node.dev.InFlight() > 0 {
		w.node.dev.Complete(0)
	}
	s := w.node.streams[id]
	if _, err := s.Close(ctx); err != nil {
		w.t.Fatalf("close stream %d: %v", id, err)
	}
	opened, err := w.node.Open(ctx, []s3stream.OpenRequest{{Stream: id, ExpectedEpoch: s.Epoch()}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.node.streams[id] = opened[0]
}

// crashPoint boots a node from what a crash now would leave, in every variant
// of what is in flight, and checks it.
func (w *world) crashPoint(after string) {
	for v := range crash.Variants {
		if w.found != nil || w.node.dev.InFlight() == 0 && v > crash.Lost {
			return // all variants are the same
		}
		w.points++
		if err := w.check(w.node.crashed(v, w.rng)); err != nil {
			w.found = fmt.Errorf("life %d, crash point %d, after %s, in-flight writes %s: %w", w.life, w.points, after, v, err)
		}
	}
}

// crashed is the place as a crash may leave it.
func (n *node) crashed(v crash.Variant, rng *rand.Rand) place {
	return place{
		dev:    n.dev.Clone(v, rng),
		bucket: &bucket{Store: n.bucket.Store.Clone()},
		meta:   n.meta.clone(ids.UUID{0xdd, byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}),
	}
}

// check boots a node in a crashed place and compares what it serves. One time
// in eight it also uploads and collects everything, and compares again.
func (w *world) check(p place) error {
	n, err := boot(p, 0xffff)
	if err != nil {
		return fmt.Errorf("boot: %w", err)
	}
	defer n.Close()
	if err := w.compare(n); err != nil {
		return err
	}
	if w.rng.IntN(8) > 0 {
		return nil
	}
	if err := n.settle(); err != nil {
		return err
	}
	if err := w.compare(n); err != nil {
		return fmt.Errorf("after everything was uploaded: %w", err)
	}
	return nil
}

// settle uploads all that is left and collects what is not wanted: then the
// bucket has nothing but committed objects, and no old WAL is left.
func (n *node) settle() error {
	for idle := false; !idle; {
		var err error
		if idle, err = n.Step(context.Background(), true); err != nil {
			return fmt.Errorf("upload: %w", err)
		}
	}
	if _, err := n.Collect(context.Background()); err != nil {
		return fmt.Errorf("collect: %w", err)
	}
	for w := range n.meta.Image().WALs() {
		if w.Instance != n.log.Instance() && w.State != image.WALRetired {
			return fmt.Errorf("WAL %s is still %s", w.Instance, w.State)
		}
	}
	return objstore.ListAll(context.Background(), n.bucket, "", func(e objstore.Entry) error {
		k, err := objfmt.ParseKey(e.Key)
		if err != nil {
			return err
		}
		if o, ok := n.meta.Image().Object(k.Object); !ok || o.State != image.ObjectCommitted || o.Key != e.Key {
			return fmt.Errorf("%s lies in the bucket and is no committed object", e.Key)
		}
		return nil
	})
}

// compare reads every stream from its start to its end: acknowledged ⊆
// recovered, contiguous, nothing invented.
func (w *world) compare(n *node) error {
	for id, s := range n.streams {
		if err := w.logs[id].compare(s); err != nil {
			return fmt.Errorf("stream %d: %w", id, err)
		}
	}
	return nil
}

func (l *streamLog) compare(s *s3stream.Stream) error {
	if s.StartOffset() > l.start {
		return fmt.Errorf("starts at %d, was trimmed to %d at most", s.StartOffset(), l.start)
	}
	if acked := l.ackedEnd(); s.End() < acked {
		return fmt.Errorf("ends at %d, acknowledged up to %d", s.End(), acked)
	}
	next := s.StartOffset()
	at := 0
	for at < len(l.batches) && l.batches[at].end <= next {
		at++
	}
	for next < s.End() {
		res, err := s.Read(context.Background(), next, s.End(), s3stream.ReadOptions{MaxBytes: 64 << 10, MinOne: true})
		if err != nil {
			return err
		}
		for got := bytes.Join(res.Segments, nil); len(got) > 0; at++ {
			if at == len(l.batches) || !bytes.HasPrefix(got, l.batches[at].data) {
				return fmt.Errorf("batch %d of %d: other bytes than were appended at %d", at, len(l.batches), next)
			}
			got, next = got[len(l.batches[at].data):], l.batches[at].end
		}
		if res.NextOffset != next {
			return fmt.Errorf("read on at %d, the last batch ends at %d", res.NextOffset, next)
		}
		res.Release()
	}
	if next != s.End() {
		return fmt.Errorf("read up to %d of %d", next, s.End())
	}
	return nil
}

// crashInto goes on from what a crash now leaves.
func (w *world) crashInto(v crash.Variant) {
	p := w.node.crashed(v, w.rng)
	p.dev = flatten(p.dev)
	w.begin(p)
	for id, s := range w.node.streams { // what was not recovered never was
		l := w.logs[id]
		for n := len(l.batches); n > 0 && l.batches[n-1].end > s.End(); n-- {
			l.batches = l.batches[:n-1]
		}
		for _, b := range l.batches {
			b.acked = true // the new life tells consumers of it
		}
	}
}

// flatten is a device with the content of a clone, and one of its own.
func flatten(clone *crash.Device) *crash.Device {
	const chunk = 256 << 10
	d := crash.New(walfmt.DataOffset + capacity)
	for at := int64(0); at < walfmt.DataOffset+capacity; at += chunk {
		buf := make([]byte, chunk)
		clone.Inline(&device.Op{Kind: device.Read, Offset: at, Bufs: [][]byte{buf}})
		op := &device.Op{Kind: device.Write, Offset: at, Bufs: [][]byte{buf}, Done: func(*device.Op) {}}
		if !d.Inline(op) {
			d.Submit(op)
			d.Complete(0)
		}
	}
	return d
}
