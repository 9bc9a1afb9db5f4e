package cluster

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// oracle knows what happened, which nobody in the cluster does, and judges it
// against what must always hold.
type oracle struct {
	w    *world
	logs []history                        // by stream
	told map[ids.WALInstance][]image.Lost // what operators were told before they gave a WAL up
}

// history is the one true log of a stream, as far as anybody was told.
type history struct {
	trimmed int64                 // records below it may be gone
	records []record              // by offset; zero where nobody was told yet
	acked   int64                 // the end of what was acknowledged
	shown   int64                 // the end of what was made visible
	places  [producersMax][]int64 // offset+1 of each producer's records, by sequence
	losses
}

// record is what somebody was told of an offset.
type record struct {
	value
	epoch ids.StreamEpoch // of its opening; 0 where nobody was told
}

func newOracle(w *world) oracle {
	o := oracle{w: w, logs: make([]history, w.traits.streams), told: map[ids.WALInstance][]image.Lost{}}
	for i := range o.logs {
		o.logs[i].losses = newLosses()
	}
	return o
}

// ackedEnd is up to where consumers can come.
func (o *oracle) ackedEnd(stream ids.StreamID) int64 {
	h := &o.logs[stream-1]
	end := h.acked
	for end > 0 && h.inGap(end-1) {
		end--
	}
	return end
}

// tells says that somebody was told of a record: from then on this offset holds
// this record, no other offset does, and that for good (I1, I2), or until it is
// lost with a WAL that is given up.
func (o *oracle) tells(who string, stream ids.StreamID, offset int64, epoch ids.StreamEpoch, v value) {
	h := &o.logs[stream-1]
	if h.isCut(epoch, offset) {
		o.w.fail("I1", "%s: offset %d of stream %d is record %v of epoch %d, which was lost", who, offset, stream, v, epoch)
	}
	for int64(len(h.records)) <= offset {
		h.records = append(h.records, record{})
	}
	was := &h.records[offset]
	if was.value != (value{}) && was.value != v || was.epoch != 0 && epoch != 0 && was.epoch != epoch {
		o.w.fail("I1", "%s: offset %d of stream %d is record %v of epoch %d, and was record %v", who, offset, stream, v, epoch, *was)
	}
	was.value, was.epoch = v, max(was.epoch, epoch)
	if h.inGap(offset) {
		return // its producer may have sent it again
	}
	places := h.places[v.producer]
	for len(places) <= int(v.seq) {
		places = append(places, 0)
	}
	if was := places[v.seq]; was != 0 && was != offset+1 {
		o.w.fail("I1", "%s: record %v of stream %d is at offset %d, and was at %d", who, v, stream, offset, was-1)
	}
	places[v.seq] = offset + 1
	h.places[v.producer] = places
}

// acknowledged judges an acknowledgement at the moment it is sent: the record
// must be part of the stream, now and for good. An epoch of 0 is of a record
// that was found again.
func (o *oracle) acknowledged(p *proc, stream ids.StreamID, epoch ids.StreamEpoch, offset int64, v value) {
	o.w.saw(evAck)
	h := &o.logs[stream-1]
	o.tells(p.String()+" acknowledges", stream, offset, epoch, v)
	h.acked = max(h.acked, offset+1)
	if h.inGap(offset) {
		o.wasLost(p, stream, epoch, offset, v)
	}
	if epoch == 0 {
		return
	}
	s, _ := o.w.meta.last().Stream(stream)
	if offset < s.CommittedEnd {
		return
	}
	for _, t := range s.Tails {
		if t.Epoch == epoch && offset >= t.Start && (t.IsOpen() || offset < t.End) {
			return
		}
	}
	o.w.fail("I6", "%s acknowledges offset %d of stream %d under epoch %d, which is no part of the stream: %+v",
		p, offset, stream, epoch, *s)
}

// shows hears that a record is visible from now on.
func (o *oracle) shows(stream ids.StreamID, offset int64) {
	h := &o.logs[stream-1]
	h.shown = max(h.shown, offset+1)
}

// visible judges what is handed to a consumer.
func (o *oracle) visible(p *proc, stream ids.StreamID, found []entry) {
	for i := range found {
		o.tells(p.String()+" serves", stream, found[i].base, found[i].epoch, found[i].value)
	}
	if n := len(found); n > 0 && found[n-1].base >= o.logs[stream-1].shown {
		s, _ := o.w.meta.last().Stream(stream)
		if found[n-1].base >= s.KnownEnd() {
			o.w.fail("I2", "%s serves offset %d of stream %d, which nobody was told to be durable", p, found[n-1].base, stream)
		}
	}
}

// trims hears that records are about to be deleted.
func (o *oracle) trims(stream ids.StreamID, to int64) {
	h := &o.logs[stream-1]
	h.trimmed = max(h.trimmed, to)
}

// skips judges that a consumer is sent to where the log begins.
func (o *oracle) skips(c *consumer, to int64) {
	if h := &o.logs[c.stream-1]; to <= c.position || to > h.trimmed {
		o.w.fail("I2", "a consumer of stream %d at %d is sent to %d, deleted were records up to %d", c.stream, c.position, to, h.trimmed)
	}
}

// skipped judges a record that comes before the one before it: the leader at its
// epoch must know all that was acknowledged.
func (o *oracle) skipped(x *partition, v value, known *produced) {
	if n, ok := o.w.meta.last().Node(x.p.id); ok && n.Epoch == x.p.epoch {
		s, _ := o.w.meta.last().Stream(x.stream)
		if s.Epoch == x.epoch && !o.logs[x.stream-1].allLost(v.producer, known.seq+1, v.seq) {
			o.w.fail("I1", "%s leads stream %d and knows of producer %d up to record %d, not of the one before %d, which was acknowledged",
				x.p, x.stream, v.producer, known.seq, v.seq)
		}
	}
}

// overwrites judges a write to a ring: only what lies below the committed trim
// may be overwritten (I3).
func (o *oracle) overwrites(l *walLog, f *flush) {
	x, ok := o.w.meta.last().WAL(l.life.Instance)
	if ok && f.end > int64(x.Trim)+int64(len(l.d.ring)) {
		o.w.fail("I3", "%s writes WAL positions %d to %d over what is not trimmed: the metadata has committed %d, the ring is %d",
			l.p, f.start, f.end, x.Trim, len(l.d.ring))
	}
}

// applied judges a command by what it changed.
func (o *oracle) applied(was, img *image.Image, delta *image.Delta, req *image.Request, a *image.Answer) {
	if len(o.logs) == 0 {
		return // the cluster is being made
	}
	if cmd, ok := req.Command.(*image.AbandonWAL); ok && a.Refusal == nil && a.Index == img.Index() {
		o.gaveUp(was, cmd, a.Result.(*image.AbandonedWAL).Lost)
	}
	for _, r := range delta.Records {
		switch r := r.(type) {
		case *image.Stream:
			before, _ := was.Stream(r.ID)
			o.stream(before, r)
		case *image.Range:
			o.ranged(img, r)
		case *image.WAL:
			if before, ok := was.WAL(r.Instance); ok && before.Trim > r.Trim {
				o.w.fail("I3", "the trim of WAL %s went back from %d to %d", r.Instance, before.Trim, r.Trim)
			}
		}
	}
	if _, ok := req.Command.(*image.CommitUpload); ok && a.Refusal == nil && a.Index == img.Index() {
		for _, r := range a.Result.(*image.CommittedUpload).Refused {
			if r.Reason == image.AlreadyCommitted {
				o.w.fail("I5", "the same records were committed twice, by two commands: %+v", req.Command)
			}
		}
	}
}

// stream judges a change of a stream: tails contiguous, nothing acknowledged
// behind the end of a closed one.
func (o *oracle) stream(was, now *image.Stream) {
	h := &o.logs[now.ID-1]
	if was != nil && (now.CommittedEnd < was.CommittedEnd || now.StartOffset < was.StartOffset || now.Epoch < was.Epoch) {
		o.w.fail("I5", "stream %d went back: %+v after %+v", now.ID, *now, *was)
	}
	if t, open := now.OpenTail(); open {
		h.homes[t.Epoch] = t.WAL
	}
	end := now.CommittedEnd
	for i, t := range now.Tails {
		if i == 0 && t.Start > end || i > 0 && t.Start != end || t.IsOpen() && i < len(now.Tails)-1 {
			o.w.fail("I5", "the tails of stream %d do not follow one another: %+v", now.ID, *now)
		}
		end = t.End
	}
	_, open := now.OpenTail()
	if !open && now.KnownEnd() < h.acked {
		o.w.fail("I6", "stream %d was closed at %d, acknowledged up to %d", now.ID, now.KnownEnd(), h.acked)
	}
}

// ranged judges what objects are to hold from now on: they are there, whole,
// and hold the stream's records.
func (o *oracle) ranged(img *image.Image, r *image.Range) {
	if r.IsLost() {
		o.passed(r)
		return
	}
	x, _ := img.Object(r.Object)
	body := o.w.store.objects[x.Key]
	if body == nil {
		o.w.fail("I4", "object %s is committed and not there", x.Key)
		return
	}
	s, _ := img.Stream(r.Stream)
	if r.Start > s.StartOffset {
		for before := range img.Ranges(r.Stream, r.Start-1) {
			if before.End != r.Start {
				o.w.fail("I5", "stream %d has nothing in objects just before %d", r.Stream, r.Start)
			}
			break
		}
	}
	next := r.Start
	for i := range body.records {
		if e := &body.records[i]; e.stream == r.Stream && e.base == next && next < r.End {
			o.tells("object "+x.Key, r.Stream, e.base, e.epoch, e.value)
			next++
		}
	}
	if next != r.End {
		o.w.fail("I4", "object %s holds stream %d up to %d of %d", x.Key, r.Stream, next, r.End)
	}
}
