package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/device/crash"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// world is a log on a crashable device, driven step by step, and what must
// hold of it after a crash.
type world struct {
	t     testing.TB
	rng   *rand.Rand
	dev   *crash.Device
	log   *Log
	pages pool

	appended []*sent // from the trim position on
	trim     int64   // as the metadata has it
}

// sent is one append and its fate.
type sent struct {
	record   Record
	position int64
	acked    bool
}

func (s *sent) Durable(err error) { s.acked = err == nil }

const worldCapacity = 2 * mib

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), dev: crash.New(walfmt.DataOffset + worldCapacity), pages: newPool(8)}
	area, err := w.volume(w.dev).Create(volume.Spec{Instance: ids.UUID{byte(seed), 5}, NodeEpoch: 1, WindowBytes: mib})
	if err != nil {
		t.Fatal(err)
	}
	w.log, err = New(Config{Area: area, Clock: clock.NewManual(time.Unix(0, 0)), Pages: w.pages, NoKeeper: true, Depth: 4, GatherBytesMin: 8 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) volume(dev device.Device) volume.Volume {
	return deviceVolume(w.t, dev, worldCapacity)
}

// step does one random thing that changes what a crash may leave.
func (w *world) step() {
	switch n := w.rng.IntN(10); {
	case n < 5:
		w.append()
	case n < 9 && w.dev.InFlight() > 0:
		w.dev.Complete(w.rng.IntN(w.dev.InFlight()))
	case n == 9 && w.log.DurableUpTo()-w.trim > worldCapacity/4:
		w.trimTo(w.log.DurableUpTo())
	}
}

func (w *world) append() {
	n := w.rng.IntN(3000)
	if w.rng.IntN(20) == 0 {
		n = w.rng.IntN(150 << 10)
	}
	payload := make([]byte, n)
	for i := range payload {
		payload[i] = byte(w.rng.Uint32())
	}
	s := &sent{record: *dataRecord(ids.StreamID(w.rng.IntN(5)), w.rng.Int64N(1<<40), w.rng.Int64N(100), payload)}
	at, err := w.log.Append(&s.record, s)
	if errors.Is(err, ErrFull) {
		return
	}
	if err != nil {
		w.t.Fatal(err)
	}
	s.position = at.Position
	w.appended = append(w.appended, s)
}

// trimTo commits a trim to the metadata and then tells the log.
func (w *world) trimTo(position int64) {
	w.trim = position
	for len(w.appended) > 0 && w.appended[0].position < position {
		w.appended = w.appended[1:]
	}
	w.log.Trim(position)
}

// recoverFrom is how a crashed device is read; tests plant mistakes here.
type recoverFrom func(area *volume.Area, expect Expect, visit func(*walfmt.Record) error) error

func soundRecover(t testing.TB) recoverFrom {
	return func(area *volume.Area, expect Expect, visit func(*walfmt.Record) error) error {
		_, err := Recover(t.Context(), area, expect, visit)
		return err
	}
}

// check recovers a crashed device and compares: acknowledged ⊆ recovered,
// contiguous, nothing invented.
func (w *world) check(crashed *crash.Device, how recoverFrom) error {
	instance := w.log.Instance()
	area, err := w.volume(crashed).Open(instance)
	if err != nil {
		return err
	}
	expect := Expect{Cluster: testOwner.Cluster, Node: testOwner.Node, Instance: instance, TrimPosition: w.trim}
	n := 0
	err = how(area, expect, func(r *walfmt.Record) error {
		if n == len(w.appended) {
			return fmt.Errorf("invented a record at %d", r.Position)
		}
		want := w.appended[n]
		if r.Position != want.position || r.Stream != want.record.Stream || r.BaseOffset != want.record.BaseOffset ||
			r.EndOffset != want.record.EndOffset || !bytes.Equal(r.Payload, want.record.Payload) {
			return fmt.Errorf("record %d is at %d and of stream %d, want %d and %d", n, r.Position, r.Stream, want.position, want.record.Stream)
		}
		n++
		return nil
	})
	if err != nil {
		return err
	}
	for i := n; i < len(w.appended); i++ {
		if w.appended[i].acked {
			return fmt.Errorf("lost the acknowledged record %d at %d; %d were recovered", i, w.appended[i].position, n)
		}
	}
	return nil
}

// explore crashes after every step, in every variant, until it has made the
// given number of crash points, and returns the first fault found.
func explore(t testing.TB, seed uint64, points int, dress func(*world), how recoverFrom) error {
	w := newWorld(t, seed)
	if dress != nil {
		dress(w)
	}
	for done := 0; done < points; {
		for range 1 + w.rng.IntN(6) {
			w.step()
		}
		for v := range crash.Variants {
			if w.dev.InFlight() == 0 && v > crash.Lost {
				break // all variants are the same
			}
			if err := w.check(w.dev.Clone(v, w.rng), how); err != nil {
				return fmt.Errorf("crash point %d, in-flight writes %s: %w", done, v, err)
			}
			done++
		}
	}
	if w.log.Stats().HeadPosition < 2*worldCapacity {
		return fmt.Errorf("the ring came round %d times only", w.log.Stats().HeadPosition/worldCapacity)
	}
	return nil
}

func TestCrashAtEveryStep(t *testing.T) {
	seeds := uint64(3)
	if raceEnabled {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if err := explore(t, seed, 2000, nil, soundRecover(t)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestPlantedAckBeforeDurableIsCaught(t *testing.T) {
	err := explore(t, 1, 1000, func(w *world) { w.dev.EarlyAck = true }, soundRecover(t))
	if err == nil || !strings.Contains(err.Error(), "lost the acknowledged record") {
		t.Fatalf("not caught: %v", err)
	}
}

// fill appends and completes until n flushes are durable.
func (w *world) fill(n int64) {
	for w.log.Stats().Flushes < n {
		w.append()
		for w.dev.InFlight() > 0 {
			w.dev.Complete(w.rng.IntN(w.dev.InFlight()))
		}
	}
}

// recoverWithoutWitness is a recovery that truncates at the first hole,
// whatever stands behind it.
func recoverWithoutWitness(area *volume.Area, expect Expect, visit func(*walfmt.Record) error) error {
	r := newFlushReader(area, expect.TrimPosition)
	defer r.close()
	for at := expect.TrimPosition; ; {
		h, body, err := r.flush(at)
		if err != nil {
			return nil
		}
		if err := new(Recovered).visit(&h, body, visit); err != nil {
			return err
		}
		at = r.next(&h)
	}
}

// A rotten or lost flush with acknowledged ones behind it is corruption, at
// every place; and a recovery that truncates there is caught.
func TestHoleWithAcknowledgedRecordsBehindIsRefused(t *testing.T) {
	w := newWorld(t, 4)
	w.fill(60)
	caught := 0
	last := w.appended[len(w.appended)-1]
	for _, s := range w.appended {
		crashed := w.dev.Clone(crash.Lost, w.rng)
		crashed.Flip(w.offset(s.position + w.rng.Int64N(walfmt.RecordHeaderBytes+int64(len(s.record.Payload)))))
		err := w.check(crashed, soundRecover(t))
		var corrupt *CorruptionError
		if s == last {
			// Nothing was written behind it: rot there looks like a torn write.
			continue
		}
		if !errors.As(err, &corrupt) {
			t.Fatalf("rot in the record at %d: %v", s.position, err)
		}
		if corrupt.HolePosition > s.position || corrupt.WitnessDurable <= corrupt.HolePosition {
			t.Fatalf("rot in the record at %d: %v", s.position, corrupt)
		}
		if err := w.check(crashed, recoverWithoutWitness); err != nil && strings.Contains(err.Error(), "lost the acknowledged") {
			caught++
		}
	}
	if caught < 50 {
		t.Fatalf("a recovery that truncates was caught %d times", caught)
	}
}

func TestLostWriteIsRefused(t *testing.T) {
	w := newWorld(t, 5)
	w.fill(5)
	w.append()
	w.dev.Lose(0)
	w.fill(20)
	var corrupt *CorruptionError
	if err := w.check(w.dev.Clone(crash.Lost, w.rng), soundRecover(t)); !errors.As(err, &corrupt) {
		t.Fatalf("a lost write with acknowledged ones behind it: %v", err)
	}
}

func (w *world) offset(position int64) int64 {
	offset, _ := w.log.area.Map(position)
	return offset
}

// staleRecover takes whatever is a valid flush, without looking at the
// position it was written for.
func staleRecover(area *volume.Area, expect Expect, visit func(*walfmt.Record) error) error {
	r := newFlushReader(area, expect.TrimPosition)
	defer r.close()
	for at := expect.TrimPosition; ; {
		b, ok, err := r.bytes(at, at+walfmt.FlushHeaderBytes)
		if !ok || err != nil {
			return err
		}
		h, err := walfmt.DecodeFlushHeader(b)
		if err != nil {
			return nil
		}
		shift := at - h.Position
		h.Position = at
		body, ok, err := r.bytes(at+walfmt.FlushHeaderBytes, h.End())
		if !ok || err != nil {
			return err
		}
		for it := walfmt.IterateRecords(at+walfmt.FlushHeaderBytes-shift, body); ; {
			rec, ok, err := it.Next()
			if !ok || err != nil {
				break
			}
			if err := visit(&rec); err != nil {
				return err
			}
		}
		at = r.next(&h)
	}
}

// After the ring came round, valid flushes of the cycle before stand at the
// end of the log. They end it; a recovery that takes them is caught.
func TestStaleCycleEndsTheLog(t *testing.T) {
	w := newWorld(t, 6)
	// Records of one size make flushes fall on the same places each cycle.
	for w.log.Stats().HeadPosition < 2*worldCapacity+100<<10 {
		s := &sent{record: *dataRecord(1, 0, 1, make([]byte, 4096-104))}
		at, err := w.log.Append(&s.record, s)
		if err != nil {
			t.Fatal(err)
		}
		s.position = at.Position
		w.appended = append(w.appended, s)
		w.dev.Complete(0)
		if freeBytes(w.log) < 100<<10 {
			w.trimTo(w.log.DurableUpTo())
		}
	}
	crashed := w.dev.Clone(crash.Lost, w.rng)
	if err := w.check(crashed, soundRecover(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.check(crashed, staleRecover); err == nil || !strings.Contains(err.Error(), "invented") {
		t.Fatalf("a recovery that takes stale flushes was not caught: %v", err)
	}
}

// A failed write fences: nothing later is acknowledged, and what was is there.
func TestFailedWriteFencesForGood(t *testing.T) {
	w := newWorld(t, 7)
	w.fill(10)
	for w.dev.InFlight() < 3 {
		w.append()
	}
	w.dev.Complete(2) // done, but behind the one that fails
	w.dev.Fail(0, errors.New("I/O error"), w.rng)
	w.dev.Complete(0)
	if err := w.log.Failed(); !errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "I/O error") {
		t.Fatalf("log says %v", err)
	}
	acked := 0
	for _, s := range w.appended {
		if s.acked {
			acked++
		}
	}
	if _, err := w.log.Append(dataRecord(1, 0, 1, nil), &sent{}); !errors.Is(err, ErrFenced) {
		t.Fatalf("append to a fenced log: %v", err)
	}
	for v := range crash.Variants {
		if err := w.check(w.dev.Clone(v, w.rng), soundRecover(t)); err != nil {
			t.Fatal(err)
		}
	}
	if acked == len(w.appended) {
		t.Fatal("records were acknowledged whose write had failed")
	}
	if err := w.log.Close(); !errors.Is(err, ErrFenced) {
		t.Fatalf("close says %v", err)
	}
}
