// Package crash is a device in memory that can lose power: for tests of what
// must survive it.
//
// A submitted write stays in flight until the test completes it, so the test
// decides the order of completions and every state in between. [Device.Clone]
// is the device as it may be found after a crash at that moment: what was
// complete is there, and of what was in flight any subset of sectors (A3).
//
// Owns: the durable image and the writes in flight. Does not own: time,
// goroutines or randomness; the caller passes a seeded source. It is driven
// from one goroutine.
package crash

import (
	"fmt"
	"math/rand/v2"

	"github.com/seawallmq/seawall/wal/device"
)

// SectorBytes is the largest unit that is assumed to be written as a whole in
// the variants; that a sector is whole is not relied on elsewhere.
const SectorBytes = 512

// Variant is what a crash leaves of the writes in flight.
type Variant int

// The variants of a crash.
const (
	Lost      Variant = iota // nothing
	Kept                     // everything
	Torn                     // of each write a random subset of its sectors
	Reordered                // of the writes a random subset, each whole
	Variants                 // how many there are
)

func (v Variant) String() string { return [...]string{"lost", "kept", "torn", "reordered"}[v] }

// Device is a crashable device.
type Device struct {
	// EarlyAck is a planted mistake: writes are reported complete when they
	// are submitted, and stay in flight.
	EarlyAck bool

	base     []byte           // shared with clones, which do not write to it
	overlay  map[int64][]byte // sectors of a clone that differ from base
	inFlight []*device.Op
}

// New makes a zeroed device of n bytes.
func New(n int64) *Device { return &Device{base: make([]byte, n)} }

// Geometry implements device.Device.
func (d *Device) Geometry() device.Geometry {
	return device.Geometry{BlockBytes: SectorBytes, MemoryAlign: 1, SizeBytes: int64(len(d.base)), Durability: "crash"}
}

// Submit implements device.Device: a write stays in flight, a read is done at
// once.
func (d *Device) Submit(op *device.Op) {
	if op.Kind == device.Read {
		d.Inline(op)
		op.Done(op)
		return
	}
	if d.EarlyAck {
		kept := *op
		kept.Bufs = cloneBufs(op.Bufs)
		d.inFlight = append(d.inFlight, &kept)
		op.Done(op)
		return
	}
	d.inFlight = append(d.inFlight, op)
}

func cloneBufs(bufs [][]byte) (c [][]byte) {
	for _, b := range bufs {
		c = append(c, append([]byte(nil), b...))
	}
	return c
}

// Inline implements device.Device: for reads, and for writes of header slots,
// which the tests here do not tear.
func (d *Device) Inline(op *device.Op) bool {
	op.Err = nil
	if op.Offset < 0 || op.Offset+int64(op.Bytes()) > int64(len(d.base)) {
		op.Err = fmt.Errorf("%s of %d bytes at %d: out of range", op.Kind, op.Bytes(), op.Offset)
		return true
	}
	switch {
	case op.Kind == device.Read:
		d.read(op)
		return true
	case op.Kind == device.Sync:
		return true
	case op.Offset < headerEnd:
		d.eachSector(op, func(at int64, b []byte) { d.write(at, b) })
		return true
	}
	return false
}

// headerEnd is where the ring begins: writes before it are done at once.
const headerEnd = 1 << 20

func (d *Device) read(op *device.Op) {
	at := op.Offset
	for _, buf := range op.Bufs {
		copy(buf, d.base[at:])
		for sector, b := range d.overlay {
			if sector+SectorBytes > at && sector < at+int64(len(buf)) {
				from := max(sector, at)
				copy(buf[from-at:], b[from-sector:])
			}
		}
		at += int64(len(buf))
	}
}

func (d *Device) write(at int64, b []byte) {
	if d.overlay == nil {
		copy(d.base[at:], b)
		return
	}
	d.overlay[at] = append([]byte(nil), b...)
}

// eachSector calls f for every sector of a write.
func (d *Device) eachSector(op *device.Op, f func(at int64, b []byte)) {
	at := op.Offset
	for _, buf := range op.Bufs {
		for ; len(buf) > 0; buf = buf[SectorBytes:] {
			f(at, buf[:SectorBytes])
			at += SectorBytes
		}
	}
}

// InFlight is how many writes are in flight.
func (d *Device) InFlight() int { return len(d.inFlight) }

// Complete makes the i-th write in flight durable and reports it done.
func (d *Device) Complete(i int) {
	op := d.take(i)
	d.eachSector(op, d.write)
	d.finish(op, nil)
}

// Lose reports the i-th write in flight done without having written it: what a
// lying device does.
func (d *Device) Lose(i int) { d.finish(d.take(i), nil) }

// Fail reports the i-th write in flight failed and leaves a random subset of
// its sectors written.
func (d *Device) Fail(i int, err error, rng *rand.Rand) {
	op := d.take(i)
	d.eachSector(op, func(at int64, b []byte) {
		if rng.IntN(2) == 0 {
			d.write(at, b)
		}
	})
	d.finish(op, err)
}

func (d *Device) take(i int) *device.Op {
	op := d.inFlight[i]
	d.inFlight = append(d.inFlight[:i], d.inFlight[i+1:]...)
	return op
}

func (d *Device) finish(op *device.Op, err error) {
	if d.EarlyAck {
		return // was reported when it was submitted
	}
	op.Err = err
	op.Done(op)
}

// Flip inverts a bit of the image: rot.
func (d *Device) Flip(at int64) {
	sector := at &^ (SectorBytes - 1)
	b := make([]byte, SectorBytes)
	d.read(&device.Op{Offset: sector, Bufs: [][]byte{b}})
	b[at-sector] ^= 1
	d.write(sector, b)
}

// Clone is the device after a crash now. It shares memory with d, which must
// not be written to while the clone is in use. A clone's writes complete when
// it is told so, like its original's.
func (d *Device) Clone(v Variant, rng *rand.Rand) *Device {
	c := &Device{base: d.base, overlay: map[int64][]byte{}}
	for _, op := range d.inFlight {
		whole := rng.IntN(2) == 0
		d.eachSector(op, func(at int64, b []byte) {
			switch {
			case v == Kept, v == Torn && rng.IntN(2) == 0, v == Reordered && whole:
				c.write(at, b)
			}
		})
	}
	return c
}

// Close implements device.Device.
func (d *Device) Close() error { return nil }
