package wal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/device/crash"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// A write that does not return fences the log; that it returns later changes
// nothing.
func TestHungWriteFences(t *testing.T) {
	w := newWorld(t, 1)
	manual := w.log.cfg.Clock.(*clock.Manual)
	w.fill(3)
	manual.Advance(time.Hour) // an idle log is not hung
	if err := w.log.Failed(); err != nil {
		t.Fatal(err)
	}
	hung := &sent{}
	if _, err := w.log.Append(dataRecord(1, 0, 1, nil), hung); err != nil {
		t.Fatal(err)
	}
	behind := newWaiter()
	if _, err := w.log.Append(dataRecord(1, 1, 1, nil), behind); err != nil {
		t.Fatal(err)
	}
	manual.Advance(29 * time.Second)
	if err := w.log.Failed(); err != nil {
		t.Fatalf("fenced early: %v", err)
	}
	manual.Advance(20 * time.Second)
	if err := <-behind.done; !errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "did not return within") {
		t.Fatalf("told: %v", err)
	}
	w.dev.Complete(0)
	if hung.acked {
		t.Fatal("acknowledged after the log was fenced")
	}
	if err := w.log.Close(); !errors.Is(err, ErrFenced) {
		t.Fatalf("close says %v", err)
	}
}

// zeroing is a device that says zeroing ahead pays, and on which a write of
// zeros does not return.
type zeroing struct {
	*device.Memory
	begun chan *device.Op // of zeros
}

func (d zeroing) Geometry() device.Geometry {
	g := d.Memory.Geometry()
	g.ZeroAhead = true
	return g
}

func (d zeroing) Inline(op *device.Op) bool {
	return len(op.Bufs[0]) != zeroChunkBytes && d.Memory.Inline(op)
}

func (d zeroing) Submit(op *device.Op) {
	if len(op.Bufs[0]) == zeroChunkBytes {
		d.begun <- op
		return
	}
	d.Memory.Submit(op)
}

// A flush waits for zeros in flight to its place. When they hang, it must not
// wait for ever.
func TestHungZerosFence(t *testing.T) {
	dev := zeroing{device.NewMemory(walfmt.DataOffset + 8*mib), make(chan *device.Op, 1)}
	manual := clock.NewManual(time.Unix(0, 0))
	l := startLog(t, createArea(t, deviceVolume(t, dev, 8*mib), 1), func(c *Config) { c.Clock, c.NoKeeper = manual, true })
	zeroed := make(chan struct{})
	go func() { _, _, _ = l.zeroChunk(); close(zeroed) }()
	op := <-dev.begun
	behind := newWaiter()
	if _, err := l.Append(dataRecord(1, 0, 1, nil), behind); err != nil {
		t.Fatal(err)
	}
	manual.Advance(time.Minute)
	select {
	case err := <-behind.done:
		if !errors.Is(err, ErrFenced) {
			t.Fatal(err)
		}
	default:
		t.Fatal("an append waits behind hung zeros for ever")
	}
	if err := l.Close(); !errors.Is(err, ErrFenced) {
		t.Fatalf("close says %v", err)
	}
	op.Done(op)
	<-zeroed
}

// slowZeros is a device on which each write of zeros takes seconds.
type slowZeros struct {
	zeroing
	clock *clock.Manual
}

func (d slowZeros) Submit(op *device.Op) {
	if len(op.Bufs[0]) == zeroChunkBytes {
		d.clock.Advance(2 * time.Second)
	}
	d.Memory.Submit(op)
}

// The keeper rests after a write of zeros, in proportion to what that took. A
// process that was paused meanwhile must close at once all the same.
func TestCloseEndsTheKeepersRest(t *testing.T) {
	manual := clock.NewManual(time.Unix(0, 0))
	dev := slowZeros{zeroing{Memory: device.NewMemory(walfmt.DataOffset + 8*mib)}, manual}
	l := startLog(t, createArea(t, deviceVolume(t, dev, 8*mib), 1), func(c *Config) { c.Clock, c.ZeroAheadBytes = manual, 4*mib })
	for l.Stats().ZeroedBytes <= zeroFirstBytes {
		_ = clock.Sleep(t.Context(), clock.Wall(), time.Millisecond)
	}
	if err := l.Close(); err != nil { // and does not hang: nobody moves the clock
		t.Fatal(err)
	}
}

// order checks that completions come in the order of appends, one at a time.
type order struct {
	mu      sync.Mutex // held over Append: gives the order of appends
	running atomic.Bool
	next    atomic.Int64
	bad     atomic.Int64
}

type ordered struct {
	o    *order
	n    int64
	done chan struct{}
}

func (c *ordered) Durable(err error) {
	if !c.o.running.CompareAndSwap(false, true) || c.o.next.Add(1)-1 != c.n || err != nil {
		c.o.bad.Add(1)
	}
	c.o.running.Store(false)
	c.done <- struct{}{}
}

func TestCompletionsRunInOrderOneAtATime(t *testing.T) {
	v, _ := fileVolume(t, 16*mib)
	l := startLog(t, createArea(t, v, 1), func(c *Config) { c.GatherBytesMin = 1 })
	o := &order{}
	var n int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			done := make(chan struct{}, 1)
			for i := range 200 {
				o.mu.Lock()
				c := &ordered{o: o, n: n, done: done}
				_, err := l.Append(&Record{Kind: walfmt.KindData, Stream: ids.StreamID(g), Payload: make([]byte, 100*(i%5)), Hold: i%2 == 0}, c)
				if err == nil {
					n++
				}
				o.mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				l.Flush(i%4 == 0)
				<-done
			}
		})
	}
	wg.Wait()
	if o.bad.Load() != 0 || o.next.Load() != n {
		t.Fatalf("%d completions out of order, %d of %d run", o.bad.Load(), o.next.Load(), n)
	}
	s := l.Stats()
	if s.Records != 1600 || s.Flushes == 0 || s.InFlight != 0 || s.DurablePosition != s.HeadPosition {
		t.Fatalf("%+v", s)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// The ring comes round many times under concurrent appends, on a real file;
// then everything from the last trim on is recovered.
func TestRingWrapsManyTimes(t *testing.T) {
	v, _ := fileVolume(t, 4*mib)
	area := createArea(t, v, 1)
	l := startLog(t, area, nil)
	const appenders, records, n = 4, 300, 30_000 // some 36 MB
	var mu sync.Mutex
	acked := map[int64]bool{} // positions
	var wg sync.WaitGroup
	for g := range appenders {
		wg.Go(func() {
			payload := make([]byte, n)
			for i := range records {
				at := appendWait(t, l, dataRecord(ids.StreamID(g), int64(i), 1, payload))
				mu.Lock()
				acked[at.Position] = true
				if filled(l) > 0.5 {
					l.Trim(l.DurableUpTo())
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if head := l.Stats().HeadPosition; head < 8*4*mib {
		t.Fatalf("wrote %d bytes only", head)
	}
	trim, end := l.Trimmed(), l.DurableUpTo()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := v.Open(l.Instance())
	if err != nil {
		t.Fatal(err)
	}
	rec, err := Recover(t.Context(), old, expectOf(l, trim), func(r *walfmt.Record) error {
		if !acked[r.Position] {
			t.Errorf("invented a record at %d", r.Position)
		}
		delete(acked, r.Position)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for position := range acked {
		if position >= trim {
			t.Fatalf("lost the record at %d", position)
		}
	}
	if rec.End != end {
		t.Fatalf("recovered up to %d, durable was %d", rec.End, end)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
}

func expectOf(l *Log, trim int64) Expect {
	return Expect{Cluster: testOwner.Cluster, Node: testOwner.Node, Instance: l.Instance(), TrimPosition: trim}
}

func TestFullUntilTrimmed(t *testing.T) {
	l := startLog(t, createArea(t, deviceVolume(t, device.NewMemory(5*mib), 4*mib), 1), nil)
	defer l.Close()
	rec := dataRecord(1, 0, 1, make([]byte, 100_000))
	w := newWaiter()
	var err error
	for err == nil {
		if _, err = l.Append(rec, w); err == nil {
			<-w.done
		}
	}
	if !errors.Is(err, ErrFull) || filled(l) < 0.95 {
		t.Fatalf("at fill %v: %v", filled(l), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.WaitSpace(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait without hope: %v", err)
	}
	go l.Trim(l.DurableUpTo())
	appendWait(t, l, rec) // waits for the trim
	if l.Stats().Full == 0 {
		t.Fatal("refusals are not counted")
	}
}

func TestAppendRefusals(t *testing.T) {
	l := startLog(t, createArea(t, deviceVolume(t, device.NewMemory(5*mib), 4*mib), 1), nil)
	if _, err := l.Append(dataRecord(1, 0, 1, make([]byte, 3*mib)), newWaiter()); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a record that never fits: %v", err)
	}
	if _, err := l.Append(&Record{}, newWaiter()); err == nil {
		t.Fatal("a record without a kind was accepted")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(dataRecord(1, 0, 1, nil), newWaiter()); !errors.Is(err, ErrClosed) {
		t.Fatalf("append to a closed log: %v", err)
	}
	if err := l.WaitSpace(t.Context()); !errors.Is(err, ErrClosed) {
		t.Fatalf("wait on a closed log: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatalf("second close: %v", err)
	}
}

// fenceFunc is a fence.
type fenceFunc func() error

func (f fenceFunc) Check() error { return f() }

// The fence is asked after the durable write and before the acknowledgement,
// once a group.
func TestFenceStandsBetweenDurableAndAcknowledged(t *testing.T) {
	taken := errors.New("taken over")
	var lost atomic.Bool
	var l *Log
	asked := 0
	l = startLog(t, createArea(t, deviceVolume(t, device.NewMemory(5*mib), 4*mib), 1), func(c *Config) {
		c.Fence = fenceFunc(func() error {
			asked++
			if l.Stats().InFlight != 0 {
				t.Error("asked while the write was in flight")
			}
			if lost.Load() {
				return taken
			}
			return nil
		})
	})
	appendWait(t, l, dataRecord(1, 0, 1, nil))
	lost.Store(true)
	w := newWaiter()
	if _, err := l.Append(dataRecord(1, 1, 1, nil), w); err != nil {
		t.Fatal(err)
	}
	if err := <-w.done; !errors.Is(err, ErrFenced) || !errors.Is(err, taken) {
		t.Fatalf("told: %v", err)
	}
	if asked != 2 {
		t.Fatalf("asked %d times for two groups", asked)
	}
	if _, err := l.Append(dataRecord(1, 2, 1, nil), w); !errors.Is(err, ErrFenced) {
		t.Fatalf("append to a fenced log: %v", err)
	}
	_ = l.Close()
}

// A busy device gathers: the appends that come while a write is in flight go
// out together.
func TestBusyDeviceGathers(t *testing.T) {
	w := newWorld(t, 2)
	all := make([]*sent, 50)
	for i := range all {
		all[i] = &sent{}
		if _, err := w.log.Append(dataRecord(1, int64(i), 1, make([]byte, 100)), all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.dev.InFlight(); n != 1 {
		t.Fatalf("%d writes in flight", n)
	}
	w.dev.Complete(0)
	if !all[0].acked || all[1].acked {
		t.Fatal("want the first acknowledged, and only it")
	}
	w.dev.Complete(0)
	if !all[49].acked || w.log.Stats().Flushes != 2 {
		t.Fatalf("49 appends took %d flushes", w.log.Stats().Flushes-1)
	}
}

// Out of order below, in order above: an acknowledgement waits for every write
// before its own.
func TestAcknowledgedOnlyAsAContiguousPrefix(t *testing.T) {
	w := newWorld(t, 3)
	var all []*sent
	for w.dev.InFlight() < 3 {
		s := &sent{}
		if _, err := w.log.Append(dataRecord(1, 0, 1, make([]byte, 4000)), s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	w.dev.Complete(2)
	w.dev.Complete(1)
	for i, s := range all {
		if s.acked {
			t.Fatalf("append %d was acknowledged before the first write", i)
		}
	}
	w.dev.Complete(0)
	for i, s := range all[:len(all)-1] {
		if !s.acked {
			t.Fatalf("append %d is not acknowledged", i)
		}
	}
}

func TestFirstCycleIsZeroedAhead(t *testing.T) {
	v, _ := fileVolume(t, 64*mib)
	l := startLog(t, createArea(t, v, 1), func(c *Config) { c.ZeroAheadBytes = 8 * mib })
	defer l.Close()
	zeroed := func(want int64) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for l.Stats().ZeroedBytes < want {
			if time.Now().After(deadline) {
				t.Fatalf("%d bytes zeroed, want %d", l.Stats().ZeroedBytes, want)
			}
			_ = clock.Sleep(t.Context(), clock.Wall(), time.Millisecond)
		}
	}
	zeroed(7 * mib)
	payload := make([]byte, 500_000)
	for i := range payload {
		payload[i] = 0xee
	}
	var at []Appended
	for range 30 { // the zeros must never land on what was appended
		at = append(at, appendWait(t, l, dataRecord(1, 0, 1, payload)))
	}
	zeroed(9 * mib) // less than appended: the head may overtake
	got := make([]byte, walfmt.RecordHeaderBytes+len(payload))
	for _, a := range at {
		if err := l.ReadAt(got, a.Position); err != nil {
			t.Fatal(err)
		}
		if r, err := walfmt.DecodeRecord(a.Position, got); err != nil || !r.Verify(l.seed) {
			t.Fatalf("record at %d was overwritten: %v", a.Position, err)
		}
	}
}

// Crash, recover, start anew beside the old instance on the same ring, crash
// again: both are recovered, whatever was in flight.
func TestCrashAcrossInstancesOfOneRing(t *testing.T) {
	for v := range crash.Variants {
		w := newWorld(t, 20+uint64(v))
		w.fill(20)
		w.append()
		crashed := w.dev.Clone(v, w.rng)
		if err := w.check(crashed, soundRecover(t)); err != nil {
			t.Fatal(err)
		}
		vol := w.volume(crashed)
		old, err := vol.Open(w.log.Instance())
		if err != nil {
			t.Fatal(err)
		}
		first, err := Recover(t.Context(), old, expectOf(w.log, 0), func(*walfmt.Record) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		next := &world{t: t, rng: w.rng, dev: crashed, pages: newPool(8)}
		spec := keepSpec(2, w.log.Instance(), first)
		area, err := vol.Create(spec)
		if err != nil {
			t.Fatal(err)
		}
		next.log, err = New(Config{Area: area, Clock: w.log.cfg.Clock, Pages: next.pages, NoKeeper: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			next.append()
			if next.dev.InFlight() > 0 {
				next.dev.Complete(0)
			}
		}
		if len(next.appended) < 10 {
			t.Fatalf("only %d appends fit beside the old instance", len(next.appended))
		}
		if err := next.check(next.dev, soundRecover(t)); err != nil {
			t.Fatalf("new instance: %v", err)
		}
		if err := w.check(next.dev, soundRecover(t)); err != nil {
			t.Fatalf("old instance: %v", err)
		}
	}
}

func TestRecoverRefusesTheWrongWAL(t *testing.T) {
	v := deviceVolume(t, device.NewMemory(5*mib), 4*mib)
	l := startLog(t, createArea(t, v, 1), nil)
	appendWait(t, l, dataRecord(1, 0, 1, nil))
	area, err := v.Open(l.Instance())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Expect){
		"cluster":  func(e *Expect) { e.Cluster = ids.UUID{99} },
		"node":     func(e *Expect) { e.Node++ },
		"instance": func(e *Expect) { e.Instance = ids.UUID{99} },
		"trim":     func(e *Expect) { e.TrimPosition = 7 },
	} {
		e := expectOf(l, 0)
		change(&e)
		if _, err := Recover(t.Context(), area, e, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	stop := fmt.Errorf("stop")
	if _, err := Recover(t.Context(), area, expectOf(l, 0), func(*walfmt.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("visit's error is lost: %v", err)
	}
}
