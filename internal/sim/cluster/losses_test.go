package cluster

import (
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// losses are what may be missing of a stream, since it was reported to be lost
// with WALs that were given up.
type losses struct {
	homes map[ids.StreamEpoch]ids.WALInstance // of each opening
	gaps  []gap
	cuts  []cut
	gone  map[value]bool
}

// gap is a part of a stream that is passed over.
type gap struct{ start, end int64 }

// cut is where a stream was ended that was open in a WAL when that was given up:
// the offsets from there on are given again.
type cut struct {
	epoch ids.StreamEpoch // of the opening that it ended
	at    int64
}

func newLosses() losses {
	return losses{homes: map[ids.StreamEpoch]ids.WALInstance{}, gone: map[value]bool{}}
}

// isCut says whether a record of an epoch was lost with the end of its stream.
func (l *losses) isCut(epoch ids.StreamEpoch, offset int64) bool {
	return slices.ContainsFunc(l.cuts, func(c cut) bool { return epoch != 0 && epoch <= c.epoch && offset >= c.at })
}

func (l *losses) inGap(offset int64) bool {
	return slices.ContainsFunc(l.gaps, func(g gap) bool { return g.start <= offset && offset < g.end })
}

// backTo is where a consumer must go back to which has read up to position, the
// last record under an epoch; ok is false if that is still there.
func (l *losses) backTo(epoch ids.StreamEpoch, position int64) (to int64, ok bool) {
	to = position
	for _, c := range l.cuts {
		if epoch <= c.epoch {
			to = min(to, c.at)
		}
	}
	return to, to < position
}

// allLost says whether the records of a producer from one on, up to another, may
// be missing, or were deleted.
func (h *history) allLost(producer, from, upTo uint32) bool {
	for seq := from; seq < upTo; seq++ {
		deleted := false
		if places := h.places[producer]; int(seq) < len(places) {
			deleted = places[seq] > 0 && places[seq] <= h.trimmed
		}
		if !deleted && !h.gone[value{producer, seq}] {
			return false
		}
	}
	return true
}

// gaveUp judges what is reported to be lost with a WAL: nothing that another one
// or an object has, and no more than the operator was told. From now on it may be
// missing, and nothing else.
func (o *oracle) gaveUp(was *image.Image, cmd *image.AbandonWAL, lost []image.Lost) {
	o.w.saw(evAbandon)
	for _, l := range lost {
		if o.w.mistake == reportTooLittle && l.End != image.OpenEnd {
			l.End--
		}
		told := slices.ContainsFunc(o.told[cmd.Instance], func(t image.Lost) bool {
			return t.Stream == l.Stream && t.Start <= l.Start && (t.End == image.OpenEnd || l.End != image.OpenEnd && l.End <= t.End)
		})
		if !told {
			o.w.fail("I5", "lost with WAL %s: %+v, told before: %+v", cmd.Instance.Hex()[:8], lost, o.told[cmd.Instance])
		}
		s, _ := was.Stream(l.Stream)
		h := &o.logs[l.Stream-1]
		end := l.End
		if end == image.OpenEnd {
			end = int64(len(h.records))
		}
		for at := l.Start; at < min(end, int64(len(h.records))); at++ {
			r := &h.records[at]
			if r.epoch != 0 && h.homes[r.epoch] != cmd.Instance || at < s.CommittedEnd {
				o.w.fail("I5", "offset %d of stream %d is reported to be lost with WAL %s, and is not there alone", at, l.Stream, cmd.Instance.Hex()[:8])
			}
			if r.value != (value{}) {
				o.w.saw(evLostSeen)
			}
			h.lose(r.value)
		}
		if at := l.Start; l.End == image.OpenEnd {
			o.w.saw(evLostOpen)
			h.cuts = append(h.cuts, cut{s.Epoch, at})
			h.records = h.records[:min(at, int64(len(h.records)))]
			h.acked, h.shown, h.trimmed = min(h.acked, at), min(h.shown, at), min(h.trimmed, at)
		} else {
			o.w.saw(evLostClosed)
			h.gaps = append(h.gaps, gap{at, end})
		}
	}
}

// lose notes that a record may be missing. Its producer may send it again, and
// get it another place.
func (h *history) lose(v value) {
	if v == (value{}) {
		return
	}
	h.gone[v] = true
	h.places[v.producer][v.seq] = 0
}

// wasLost judges the acknowledgement of a record that was given up already. Of one
// that it finds again, under epoch 0, a leader may not have heard that yet.
func (o *oracle) wasLost(p *proc, stream ids.StreamID, epoch ids.StreamEpoch, offset int64, v value) {
	if _, knows := p.image().LostUpTo(stream, offset); knows || epoch != 0 {
		o.w.fail("I1", "%s acknowledges offset %d of stream %d, record %v, which is lost, as it could know", p, offset, stream, v)
	}
	o.logs[stream-1].gone[v] = true
}

// passed judges a part of a stream that the metadata passes over: it was
// reported to be lost.
func (o *oracle) passed(r *image.Range) {
	for at := r.Start; at < r.End; at++ {
		if !o.logs[r.Stream-1].inGap(at) {
			o.w.fail("I5", "offset %d of stream %d is passed over, and was not reported to be lost", at, r.Stream)
			return
		}
	}
}

// jumps judges that a consumer is given a record after the next one.
func (o *oracle) jumps(c *consumer, p *proc, to int64) {
	for at := c.position; at < to; at++ {
		if !o.logs[c.stream-1].inGap(at) {
			o.w.fail("I2", "a consumer of stream %d at %d is given offset %d by %s", c.stream, c.position, to, p)
			return
		}
	}
	o.w.saw(evGapPassed)
}

// goesOn judges the next record that a consumer is given: what it read before
// must still be there, or it would have been told.
func (o *oracle) goesOn(c *consumer, p *proc, e *entry) {
	h := &o.logs[c.stream-1]
	if c.last == 0 || h.isCut(e.epoch, e.base) { // the latter on its way since before
		return
	}
	if to, lost := h.backTo(c.last, c.position); lost && h.trimmed < c.position {
		o.w.fail("I2", "a consumer of stream %d at %d, whose records from %d on were lost, is given the next one by %s", c.stream, c.position, to, p)
	}
}

// sentBack judges that a consumer is told, or is not, up to where what it has
// read is there.
func (o *oracle) sentBack(c *consumer, p *proc, leader ids.StreamEpoch, end int64) {
	h := &o.logs[c.stream-1]
	to, lost := h.backTo(c.last, c.position)
	if !lost || slices.ContainsFunc(h.cuts, func(x cut) bool { return x.at == to && leader <= x.epoch }) { // told before it was lost
		to = c.position
	}
	// What was written again there, and is deleted, nobody need go back for.
	if back := min(end, c.position); back < to || back > max(to, min(h.trimmed, c.position)) {
		o.w.fail("I2", "a consumer of stream %d at %d, where it may have to go back to %d, is told %d by %s", c.stream, c.position, to, end, p)
	}
	if end < c.position {
		o.w.saw(evSentBack)
	}
}
