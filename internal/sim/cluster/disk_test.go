package cluster

import (
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const (
	sectorBytes = 512
	windowBytes = 4 << 10 // the most bytes of a log in flight
)

// disk is a volume: a ring and a fence cell, without the header slots. What is
// written to it lands sector by sector when the world says so: late, in any
// order, in part or never (A3, A4).
type disk struct {
	w         *world
	location  string
	node      ids.NodeID
	shared    bool
	ring      []byte
	cell      []byte
	lives     []kept // oldest first; the last is the live one
	pending   []*write
	owner     *proc // who holds the lock of an exclusive one
	stalled   bool
	failNext  bool
	away      bool // out of everybody's reach: reads and writes fail
	destroyed bool // and for good
}

// kept is an instance in a ring and what is needed of it.
type kept struct {
	walfmt.Life
	from, end int64
}

// write is one in flight.
type write struct {
	by      *proc
	sectors []sector
	done    func(ok bool) // nil once nobody waits for it
}

// sector is a part of a write. In cell writes at is past the ring.
type sector struct {
	at   int64
	data []byte
}

func (w *world) newDisk(s *slot, location string) *disk {
	d := &disk{w: w, location: location, node: s.id, shared: s.kind == "shared", ring: make([]byte, w.traits.ring)}
	if d.shared {
		d.cell = make([]byte, fence.CellBytes)
	}
	w.disks = append(w.disks, d)
	return d
}

func (d *disk) String() string { return d.location }

// create begins an instance in the ring, past what is kept of earlier ones.
func (d *disk) create(life walfmt.Life, needed func(ids.WALInstance) bool) walfmt.Life {
	var lives []kept
	for _, k := range d.lives {
		life.Base = k.Base // where nothing is kept, the ring is begun anew
	}
	for _, k := range d.lives {
		if needed(k.Instance) {
			lives = append(lives, k)
			life.Base = max(life.Base, k.Base+k.end)
		}
	}
	d.lives = append(lives, kept{Life: life})
	return life
}

// life finds an instance.
func (d *disk) life(instance ids.WALInstance) *kept {
	for i := range d.lives {
		if d.lives[i].Instance == instance {
			return &d.lives[i]
		}
	}
	return nil
}

// endMax is how far the live instance may be written when all below trim may be
// overwritten.
func (d *disk) endMax(trim int64) int64 {
	live := &d.lives[len(d.lives)-1]
	end := trim + int64(len(d.ring))
	for _, k := range d.lives[:len(d.lives)-1] {
		end = min(end, k.Base+k.from+int64(len(d.ring))-live.Base)
	}
	return end
}

// forget drops an instance that is retired.
func (d *disk) forget(instance ids.WALInstance) {
	for i := range d.lives[:max(len(d.lives)-1, 0)] {
		if d.lives[i].Instance == instance {
			d.lives = append(d.lives[:i:i], d.lives[i+1:]...)
			return
		}
	}
}

// submit puts a write in flight.
func (d *disk) submit(by *proc, life *walfmt.Life, position int64, data []byte, done func(ok bool)) {
	x := &write{by: by, done: done}
	for ; len(data) > 0; data = data[sectorBytes:] {
		x.sectors = append(x.sectors, sector{(life.Base + position) % int64(len(d.ring)), data[:sectorBytes]})
		position += sectorBytes
	}
	d.pending = append(d.pending, x)
}

// stepDisk lets one write land on some disk.
func (w *world) stepDisk() {
	from := w.rng.IntN(max(len(w.disks), 1))
	for i := range w.disks {
		if d := w.disks[(from+i)%len(w.disks)]; len(d.pending) > 0 && !d.stalled {
			d.land(w.rng.IntN(len(d.pending)))
			return
		}
	}
}

func (d *disk) land(i int) {
	if d.away {
		if d.w.chance(4) { // it hangs before
			d.take(i).tell(false)
		}
		return
	}
	if i > 0 {
		d.w.saw(evWrittenOver)
	}
	x := d.take(i)
	if !d.shared && x.by != d.owner { // detached from whoever wrote it
		d.w.saw(evWriteDetached)
		x.tell(false)
		return
	}
	if d.failNext {
		d.failNext = false
		d.landPart(x)
		x.tell(false)
		return
	}
	for _, s := range x.sectors {
		d.put(s)
	}
	d.w.saw(evWritten)
	if x.by.state == dead {
		d.w.saw(evWrittenLate)
	}
	x.tell(true)
}

func (d *disk) take(i int) *write {
	x := d.pending[i]
	last := len(d.pending) - 1
	d.pending[i] = d.pending[last]
	d.pending[last] = nil
	d.pending = d.pending[:last]
	return x
}

func (d *disk) put(s sector) {
	if n := int64(len(d.ring)); s.at >= n {
		copy(d.cell[s.at-n:], s.data)
		return
	}
	copy(d.ring[s.at:], s.data)
}

// landPart writes a random subset of the sectors.
func (d *disk) landPart(x *write) {
	d.w.saw(evWrittenTorn)
	for _, s := range x.sectors {
		if d.w.chance(2) {
			d.put(s)
		}
	}
}

// tell reports the end of a write, once, if its writer still runs; a paused one
// hears of it when it goes on.
func (x *write) tell(ok bool) {
	if x.done != nil && x.by.state != dead {
		x.by.heard = append(x.by.heard, heard{x.done, ok})
	}
	x.done = nil
}

// died says what becomes of the writes of a process that was killed: on a
// local disk it is settled when the lock is free, on a shared one they may land
// at any time later.
func (d *disk) died(p *proc) {
	for i := 0; i < len(d.pending); {
		x := d.pending[i]
		if x.by != p {
			i++
			continue
		}
		switch fate := d.w.rng.IntN(3); {
		case fate == 0:
			d.w.saw(evNeverWritten)
			d.take(i)
		case fate == 1 || !d.shared:
			d.landPart(d.take(i))
		default:
			x.done = nil
			i++
		}
	}
	if d.owner == p {
		d.owner = nil
	}
}

// lock takes an exclusive volume. By force it is taken from whoever has it, as
// a volume that is attached elsewhere.
func (d *disk) lock(p *proc, force bool) bool {
	switch {
	case d.away:
		return false
	case d.shared || d.owner == p:
		return true
	case d.owner != nil && !force:
		return false
	}
	if d.owner != nil {
		d.w.saw(evTakenByForce)
	}
	d.owner = p
	return true
}

// area is an instance as a process finds it.
func (d *disk) area(p *proc, k *kept) *volume.Area {
	return &volume.Area{
		Header: walfmt.Header{
			Cluster: clusterID, Node: d.node, BlockBytes: sectorBytes, Capacity: int64(len(d.ring)), Life: k.Life,
		},
		Device: &view{d: d, p: p, life: k.Life},
	}
}

// view is a disk as a device.Device: reads and writes of the fence cell are
// done at once. Writes to the ring go through disk.submit.
type view struct {
	d    *disk
	p    *proc
	life walfmt.Life // what is read as; for a planted mistake
}

var errOffline = errors.New("simulated: I/O error")

// Geometry implements device.Device.
func (v *view) Geometry() device.Geometry {
	return device.Geometry{BlockBytes: sectorBytes, MemoryAlign: 1, SizeBytes: walfmt.DataOffset + int64(len(v.d.ring))}
}

// Submit implements device.Device.
func (v *view) Submit(op *device.Op) {
	v.Inline(op)
	op.Done(op)
}

// Inline implements device.Device.
func (v *view) Inline(op *device.Op) bool {
	op.Err = nil
	buf := op.Bufs[0]
	switch {
	case !v.d.shared && v.d.owner != v.p, v.d.away:
		op.Err = errOffline
	case op.Offset == walfmt.FenceCellOffset && op.Kind == device.Read:
		copy(buf, v.d.cell)
	case op.Offset == walfmt.FenceCellOffset:
		op.Err = v.writeCell(buf)
	case op.Kind == device.Read:
		copy(buf, v.d.ring[op.Offset-walfmt.DataOffset:])
		if v.d.w.mistake == acceptLowerEpochs {
			v.forge(buf)
		}
	default:
		panic(fmt.Sprintf("%s at %d", op.Kind, op.Offset))
	}
	return true
}

// writeCell writes the fence cell, unless its writer dies meanwhile: then the
// cell is torn, or the write lands much later.
func (v *view) writeCell(buf []byte) error {
	x := &write{by: v.p}
	for at := 0; at < len(buf); at += sectorBytes {
		x.sectors = append(x.sectors, sector{int64(len(v.d.ring) + at), append([]byte(nil), buf[at:at+sectorBytes]...)})
	}
	if !v.d.w.calm && v.d.w.chance(12) {
		if v.d.w.chance(2) {
			v.d.landPart(x)
		} else {
			v.d.pending = append(v.d.pending, x)
		}
		v.d.w.saw(evKillInCell)
		v.p.doomed = true
		return errOffline
	}
	for _, s := range x.sectors {
		v.d.put(s)
	}
	return nil
}

// forge makes flushes of lower epochs look as if they were of the life that is
// read: a planted mistake.
func (v *view) forge(buf []byte) {
	for at := 0; at < len(buf); at += sectorBytes {
		h, err := walfmt.DecodeFlushHeader(buf[at:])
		if err != nil || h.NodeEpoch >= v.life.NodeEpoch {
			continue
		}
		h.Instance, h.NodeEpoch, h.BodyDigest = v.life.Instance, v.life.NodeEpoch, 0
		from := at + walfmt.FlushHeaderBytes
		to := from + int(h.BodyBytes)
		if to > len(buf) {
			continue
		}
		seed := walfmt.SeedOf(v.life.Instance)
		for it := walfmt.IterateRecords(h.Position+walfmt.FlushHeaderBytes, buf[from:to]); ; {
			r, ok, err := it.Next()
			if !ok || err != nil {
				break
			}
			var rh [walfmt.RecordHeaderBytes]byte
			walfmt.EncodeRecord(&rh, seed, r.Position, &r.RecordHeader, r.Payload, nil)
			copy(buf[from+int(r.Position-h.Position)-walfmt.FlushHeaderBytes:], rh[:])
			h.BodyDigest = walfmt.AddToDigest(h.BodyDigest, r.CRC)
		}
		h.Encode(buf[at:])
	}
}

// Close implements device.Device.
func (v *view) Close() error { return nil }
