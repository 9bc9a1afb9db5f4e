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
func (h *host) pump() {
	for h.phase == serving && h.flight == nil {
		switch {
		case h.compaction.isDue(h):
			h.sendPortion()
		case len(h.queue) > 0:
			h.sendQueue()
		default:
			return
		}
	}
}

// sendQueue takes what has gathered, in order, into one flight. A record too
// large for a batch is refused with its append.
func (h *host) sendQueue() {
	queue := h.queue
	h.queue = nil
	f := &flight{}
	var records []group.Record
	var tooLarge []uint64
	for _, a := range queue {
		if h.fits(a.Records) {
			f.appends = append(f.appends, a.ID)
			records = append(records, a.Records...)
		} else {
			tooLarge = append(tooLarge, a.ID)
		}
	}
	if len(records) > 0 {
		h.takeOff(f, records)
	}
	for _, id := range tooLarge {
		h.step(group.AppendFailed{ID: id, Code: group.UnknownServerError})
	}
}

func (h *host) fits(records []group.Record) bool {
	for _, r := range records {
		if batchOverheadBytes+recordBytes(r) > h.loop.cfg.BatchBytesMax {
			return false
		}
	}
	return true
}

func recordBytes(r group.Record) int { return len(r.Key) + len(r.Value) + recordOverheadBytes }

// takeOff hands records to the log, in as many batches as they need.
func (h *host) takeOff(f *flight, records []group.Record) {
	batches := h.build(records)
	f.batches = len(batches)
	h.flight = f
	for i, b := range batches {
		f.bytes += int64(len(b))
		h.log.Append(b, func(baseOffset int64, err error) {
			h.loop.post(func() { h.land(f, i, baseOffset, err) })
		})
	}
}

func (h *host) build(records []group.Record) [][]byte {
	var batches [][]byte
	b, nowMs := h.loop.builder, h.now().UnixMilli()
	size := batchOverheadBytes
	b.Reset()
	for _, r := range records {
		if b.NumRecords() > 0 && size+recordBytes(r) > h.loop.cfg.BatchBytesMax {
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
func (h *host) land(f *flight, i int, baseOffset int64, err error) {
	if h.flight != f {
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
		h.flight = nil
		h.settle(f)
		h.pump()
	}
}

func (h *host) settle(f *flight) {
	invariant.Check(f.refused == 0 || f.err != nil, "partition %d: refused without an error", h.index)
	switch {
	case f.err == nil:
		h.logBytes += f.bytes
		h.compaction.bytes += f.bytes
		for _, id := range f.appends {
			h.step(group.Appended{ID: id})
		}
		h.compaction.landed(h, f)
	case f.refused == f.batches:
		code := group.CoordinatorNotAvailable
		if errors.Is(f.err, ErrNotLeader) {
			code = group.NotCoordinator
		}
		h.logger.Warn("offsets partition: append refused", "error", f.err)
		for _, id := range f.appends {
			h.step(group.AppendFailed{ID: id, Code: code})
		}
		if f.portion {
			h.compaction.abandon(h)
		}
	default:
		h.reload(fmt.Errorf("outcome of an append unknown: %w", f.err))
	}
}
