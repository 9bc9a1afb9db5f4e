package coordinator

import (
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/internal/invariant"
)

// recordOverheadBytes is room for what a record takes in a batch besides key
// and value.
const recordOverheadBytes = 32

// batchOverheadBytes is room for a batch's header.
const batchOverheadBytes = 61

// flight is a group of batches on their way into the log.
type flight struct {
	appends []uint64 // ids of the shard's appends in it
	portion bool     // of the compaction, instead
	bytes   int64

	batches    int
	landed     int
	refused    int   // definitely not in the log
	baseOffset int64 // of the first batch
	err        error
}

// pump sends off what is to be appended, unless something is under way.
func (p *partition) pump() {
	for p.phase == serving && p.flight == nil {
		switch {
		case p.compaction.isDue(p):
			p.sendPortion()
		case len(p.queue) > 0:
			p.sendQueue()
		default:
			return
		}
	}
}

// sendQueue takes what has gathered, in order, into one flight. A record too
// large for a batch is refused with its append.
func (p *partition) sendQueue() {
	queue := p.queue
	p.queue = nil
	f := &flight{}
	var records []group.Record
	var tooLarge []uint64
	for _, a := range queue {
		if p.fits(a.Records) {
			f.appends = append(f.appends, a.ID)
			records = append(records, a.Records...)
		} else {
			tooLarge = append(tooLarge, a.ID)
		}
	}
	if len(records) > 0 {
		p.takeOff(f, records)
	}
	for _, id := range tooLarge {
		p.step(group.AppendFailed{ID: id, Code: group.UnknownServerError})
	}
}

func (p *partition) fits(records []group.Record) bool {
	for _, r := range records {
		if batchOverheadBytes+recordBytes(r) > p.loop.cfg.BatchBytesMax {
			return false
		}
	}
	return true
}

func recordBytes(r group.Record) int { return len(r.Key) + len(r.Value) + recordOverheadBytes }

// takeOff hands records to the log, in as many batches as they need.
func (p *partition) takeOff(f *flight, records []group.Record) {
	batches := p.build(records)
	f.batches = len(batches)
	p.flight = f
	for i, b := range batches {
		f.bytes += int64(len(b))
		p.log.Append(b, func(baseOffset int64, err error) {
			p.loop.post(func() { p.land(f, i, baseOffset, err) })
		})
	}
}

func (p *partition) build(records []group.Record) [][]byte {
	var batches [][]byte
	b, nowMs := p.loop.builder, p.now().UnixMilli()
	size := batchOverheadBytes
	b.Reset()
	for _, r := range records {
		if b.NumRecords() > 0 && size+recordBytes(r) > p.loop.cfg.BatchBytesMax {
			batches = append(batches, b.AppendTo(nil))
			b.Reset()
			size = batchOverheadBytes
		}
		b.Add(nowMs, r.Key, r.Value)
		size += recordBytes(r)
	}
	batches = append(batches, b.AppendTo(nil))
	b.Reset()
	return batches
}

// land takes the outcome of one batch of a flight.
func (p *partition) land(f *flight, i int, baseOffset int64, err error) {
	if p.flight != f {
		return // the partition was resigned or loaded anew
	}
	f.landed++
	if i == 0 {
		f.baseOffset = baseOffset
	}
	if err != nil {
		f.err = err
		if errors.Is(err, ErrRefused) || errors.Is(err, ErrNotLeader) {
			f.refused++
		}
	}
	if f.landed == f.batches {
		p.flight = nil
		p.settle(f)
		p.pump()
	}
}

func (p *partition) settle(f *flight) {
	invariant.Check(f.refused == 0 || f.err != nil, "partition %d: refused without an error", p.index)
	switch {
	case f.err == nil:
		p.logBytes += f.bytes
		p.compaction.bytes += f.bytes
		for _, id := range f.appends {
			p.step(group.Appended{ID: id})
		}
		p.compaction.landed(p, f)
	case f.refused == f.batches:
		code := group.CoordinatorNotAvailable
		if errors.Is(f.err, ErrNotLeader) {
			code = group.NotCoordinator
		}
		p.logger.Warn("offsets partition: append refused", "error", f.err)
		for _, id := range f.appends {
			p.step(group.AppendFailed{ID: id, Code: code})
		}
		if f.portion {
			p.compaction.abandon(p)
		}
	default:
		p.reload(fmt.Errorf("outcome of an append unknown: %w", f.err))
	}
}
