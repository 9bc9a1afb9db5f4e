package cluster

import (
	"encoding/binary"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// value is what a record says: who produced it and the how-manieth it is.
type value struct {
	producer, seq uint32
}

// entry is one record, of one offset, in a WAL.
type entry struct {
	stream   ids.StreamID
	epoch    ids.StreamEpoch
	base     int64
	value    value
	position int64 // of the record's header
	size     int   // of the payload
}

const valueBytes = 8

func decodeValue(b []byte) value {
	return value{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// source is a WAL instance that a process holds: its own, or one it rescued.
type source struct {
	p       *proc
	d       *disk
	life    walfmt.Life
	entries []entry // by position; below trim only as long as an upload needs them
	durable int64   // all before is on the disk
	trim    int64   // as the metadata has committed it
	rescued bool
	up      uploader
}

// find returns the entry of an opening at an offset, if it is durable.
func (s *source) find(stream ids.StreamID, epoch ids.StreamEpoch, base int64) *entry {
	for i := range s.entries {
		e := &s.entries[i]
		if e.base == base && e.stream == stream && e.epoch == epoch && e.position < s.durable {
			return e
		}
	}
	return nil
}

// verify reads an entry back from the disk: nothing that is acknowledged may
// have been overwritten (I3).
func (s *source) verify(e *entry) {
	if s.d.away || !s.d.shared && s.d.owner != s.p {
		return // it was taken away
	}
	b := make([]byte, walfmt.RecordHeaderBytes+e.size)
	ring := int64(len(s.d.ring))
	for at, n := (s.life.Base+e.position)%ring, 0; n < len(b); at = 0 {
		n += copy(b[n:], s.d.ring[at:])
	}
	r, err := walfmt.DecodeRecord(e.position, b)
	if err != nil || !r.Verify(walfmt.SeedOf(s.life.Instance)) || decodeValue(r.Payload) != e.value {
		s.p.w.fail("I3", "%s finds offset %d of stream %d overwritten in WAL %s", s.p, e.base, e.stream, s.life.Instance.Hex()[:8])
	}
}

// walLog is the head of a process's own WAL: the steps of package wal.
type walLog struct {
	source
	fence   fence.Fence
	head    int64
	free    int64    // space below may be overwritten
	queue   []*flush // oldest first; the last one may be gathering
	flying  int
	checked int64 // durable when the fence was read last, and found well
	asking  int64 // durable when the fence is being read
	failed  bool  // nothing is written any more
	asked   bool  // the fence was read, its answer not acted upon yet
	acked   int   // entries told their producers
}

// flush is one device write.
type flush struct {
	start, end int64
	data       []byte
	digest     uint32
	records    uint32
	launched   bool
	since      time.Duration // when, by the process's clock
	written    bool
}

const (
	flightsMax    = 3
	flushBytesMax = 2 << 10
)

func newLog(p *proc, d *disk, life walfmt.Life) *walLog {
	l := &walLog{source: source{p: p, d: d, life: life}, fence: fence.Exclusive{}}
	l.up.s = &l.source
	if d.shared {
		l.fence = fence.NewShared(&view{d: d, p: p, life: life}, life.NodeEpoch)
	}
	return l
}

// append takes a record. ok is false when there is no space.
func (l *walLog) append(e entry) (ok bool) {
	if l.failed {
		return false
	}
	f := l.gathering()
	head, room := l.head, int64(walfmt.RecordHeaderBytes+e.size)
	if f == nil {
		head = walfmt.Padded(head, sectorBytes)
		room += walfmt.FlushHeaderBytes
	}
	end := walfmt.Padded(head+room, sectorBytes)
	if end > l.d.endMax(l.free) || end-l.durable > windowBytes {
		l.p.w.saw(evWALFull)
		return false
	}
	if f == nil {
		f = &flush{start: head, data: make([]byte, walfmt.FlushHeaderBytes, flushBytesMax)}
		l.head = head + walfmt.FlushHeaderBytes
		l.queue = append(l.queue, f)
	}
	e.position = l.head
	payload := make([]byte, e.size)
	binary.BigEndian.PutUint32(payload, e.value.producer)
	binary.BigEndian.PutUint32(payload[4:], e.value.seq)
	h := walfmt.RecordHeader{
		Kind: walfmt.KindData, Stream: e.stream, StreamEpoch: e.epoch,
		BaseOffset: e.base, EndOffset: e.base + 1, PayloadBytes: uint32(e.size),
	}
	var header [walfmt.RecordHeaderBytes]byte
	walfmt.EncodeRecord(&header, walfmt.SeedOf(l.life.Instance), e.position, &h, payload, nil)
	f.data = append(append(f.data, header[:]...), payload...)
	f.digest = walfmt.AddToDigest(f.digest, h.CRC)
	f.records++
	l.head = f.start + int64(len(f.data))
	l.entries = append(l.entries, e)
	return true
}

func (l *walLog) gathering() *flush {
	if n := len(l.queue); n > 0 && !l.queue[n-1].launched && len(l.queue[n-1].data) < flushBytesMax-1024 {
		return l.queue[n-1]
	}
	return nil
}

// toLaunch is the flush to be written next, or nil.
func (l *walLog) toLaunch() *flush {
	if l.flying >= flightsMax || l.failed {
		return nil
	}
	for _, f := range l.queue {
		if !f.launched {
			return f
		}
	}
	return nil
}

func (l *walLog) launch(f *flush) {
	h := walfmt.FlushHeader{
		Instance: l.life.Instance, NodeEpoch: l.life.NodeEpoch, Position: f.start, DurableUpTo: l.durable,
		BodyBytes: uint32(len(f.data) - walfmt.FlushHeaderBytes), Records: f.records, BodyDigest: f.digest,
	}
	h.Encode(f.data)
	f.end = walfmt.Padded(f.start+int64(len(f.data)), sectorBytes)
	l.head = max(l.head, f.end)
	for int64(len(f.data)) < f.end-f.start {
		f.data = append(f.data, 0)
	}
	f.launched, f.since = true, l.p.now()
	l.flying++
	l.p.w.oracle.overwrites(l, f)
	if f.end/int64(len(l.d.ring)) != f.start/int64(len(l.d.ring)) {
		l.p.w.saw(evWrap)
	}
	l.d.submit(l.p, &l.life, f.start, f.data, func(ok bool) { l.written(f, ok) })
}

// written takes the answer of a device write.
func (l *walLog) written(f *flush, ok bool) {
	l.flying--
	if !ok {
		l.fail("its WAL failed")
	}
	if l.failed && l.p.w.mistake != heedLateWrites {
		return // also of what is durable now: its producer was told otherwise
	}
	f.written = true
	for len(l.queue) > 0 && l.queue[0].written {
		l.durable = l.queue[0].end
		l.queue = l.queue[1:]
	}
}

// ask reads the fence for all that is durable by now.
func (l *walLog) ask() {
	l.asking = l.durable
	if l.p.w.mistake == ackBeforeFence {
		l.asked = true
		return
	}
	if err := l.fence.Check(); err != nil {
		l.p.w.saw(evCellFound)
		l.p.die(err.Error())
		return
	}
	l.asked = true
}

// acknowledge tells producers of what was durable when the fence was read.
func (l *walLog) acknowledge() {
	if l.asked {
		l.checked, l.asked = l.asking, false
	}
	for l.acked < len(l.entries) && l.entries[l.acked].position < l.checked {
		l.p.acknowledge(&l.entries[l.acked])
		l.acked++
		if l.p.w.chance(4) {
			break // the rest in another step
		}
	}
	if l.p.w.mistake == ackBeforeFence {
		if err := l.fence.Check(); err != nil {
			l.p.die(err.Error())
		}
	}
}

// toAcknowledge says whether some entries may be acknowledged.
func (l *walLog) toAcknowledge() bool {
	return l.asked || l.acked < len(l.entries) && l.entries[l.acked].position < l.checked
}

// trimmed drops what the metadata says is in objects.
func (l *walLog) trimmed(upTo int64) {
	l.trim = max(l.trim, upTo)
	l.free = max(l.free, l.trim)
	n := 0
	for n < l.acked && l.entries[n].position < l.trim {
		n++
	}
	l.entries = l.entries[n:]
	l.acked -= n
	l.up.sealed -= n
}

// isNeeded says whether the metadata still needs an instance.
func (w *world) isNeeded(img *image.Image) func(ids.WALInstance) bool {
	return func(i ids.WALInstance) bool {
		x, ok := img.WAL(i)
		return ok && !x.State.IsOver()
	}
}
