package cluster

import (
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// uploader brings one WAL into objects: seal, prepare, put, commit, trim; the
// steps of package upload.
type uploader struct {
	s      *source
	phase  uploadPhase
	sealed int // entries of the source that were sealed
	again  time.Duration

	trimTo  int64
	left    []entry // of the generation under way, not committed yet
	plan    []upload.PlannedObject
	objects []uploaded
	commit  *call
}

// uploaded is one planned object on its way; id is 0 while none is prepared.
type uploaded struct {
	id   ids.ObjectID
	key  string
	sent bool
	done bool
}

type uploadPhase uint8

const (
	toSeal uploadPhase = iota
	toPrepare
	toPut
	toCommit
	toRetire
	waiting // for an answer
	finished
)

var uploadLimits = upload.Limits{SplitBytes: 1500, SetBytes: 3000}

func (u *uploader) canStep() bool {
	switch {
	case u.s.p.w.now < u.again:
		return false
	case u.phase == toSeal:
		return u.s.rescued || u.hasMore()
	case u.phase == toPut:
		return u.toPut() >= 0
	}
	return u.phase < waiting
}

// hasMore says whether something durable was not sealed yet.
func (u *uploader) hasMore() bool {
	return u.sealed < len(u.s.entries) && u.s.entries[u.sealed].position < u.s.durable
}

func (u *uploader) step() {
	switch u.phase {
	case toSeal:
		u.seal()
	case toPrepare:
		u.prepare()
	case toPut:
		u.put(u.toPut())
	case toCommit:
		u.send()
	case toRetire:
		u.retire()
	}
}

// seal takes what is durable as the next generation.
func (u *uploader) seal() {
	s := u.s
	if !s.p.w.calm && s.p.w.chance(2) {
		u.again = s.p.w.now + beatInterval // gather more
		return
	}
	n := u.sealed
	for n < len(s.entries) && s.entries[n].position < s.durable {
		n++
	}
	u.left = append([]entry(nil), s.entries[u.sealed:n]...)
	u.sealed, u.trimTo = n, s.durable
	u.phase = toPrepare
	if len(u.left) == 0 {
		u.phase = toRetire
	}
}

// extents are the runs of streams in what is left.
func (u *uploader) extents() (out []upload.Extent) {
next:
	for _, e := range u.left {
		for i := range out {
			if x := &out[i]; x.Stream == e.stream && x.Epoch == e.epoch && x.End == e.base {
				x.End++
				x.Bytes += int64(e.size)
				continue next
			}
		}
		out = append(out, upload.Extent{Stream: e.stream, Epoch: e.epoch, Start: e.base, End: e.base + 1, Bytes: int64(e.size)})
	}
	return out
}

// prepare plans the objects and gets ids for them.
func (u *uploader) prepare() {
	p := u.s.p
	if p.w.mistake == trimBeforeCommit && !u.s.rescued {
		p.log.free = max(p.log.free, u.trimTo)
	}
	u.plan = upload.Plan(u.extents(), uploadLimits)
	u.objects = make([]uploaded, len(u.plan))
	u.getIDs()
}

// getIDs prepares objects where there is none.
func (u *uploader) getIDs() {
	p, n := u.s.p, 0
	for i := range u.objects {
		if u.objects[i].id == 0 {
			n++
		}
	}
	u.phase = waiting
	cmd := &image.PrepareObjects{Node: p.id, NodeEpoch: p.epoch, Count: int32(n), NowMs: p.w.now.Milliseconds()}
	p.submit(cmd, func(r image.Result, refused *image.Refusal) {
		first := r.(*image.PreparedObjects).First
		for i := range u.objects {
			if o := &u.objects[i]; o.id == 0 {
				o.id = first
				o.key = objectKey(o.id, p.incarnation)
				first++
			}
		}
		u.phase = toPut
	})
}

// toPut is an object not sent yet, -1 when there is none.
func (u *uploader) toPut() int {
	for i := range u.objects {
		if !u.objects[i].sent {
			return i
		}
	}
	return -1
}

func (u *uploader) put(i int) {
	o := &u.objects[i]
	o.sent = true
	body := &object{}
	for _, x := range u.plan[i].Extents {
		for _, e := range u.left {
			if e.stream == x.Stream && e.epoch == x.Epoch && e.base >= x.Start && e.base < x.End {
				body.records = append(body.records, e)
			}
		}
	}
	id := o.id
	u.s.p.w.store.put(u.s.p, o.key, body, func(done bool) {
		if i >= len(u.objects) || u.objects[i].id != id {
			return
		}
		u.putDone(&u.objects[i], done)
	})
}

// putDone takes the answer of the store. What failed is written again under
// another id, and so another key (I4).
func (u *uploader) putDone(o *uploaded, done bool) {
	o.done = done
	if !done {
		*o = uploaded{sent: true}
	}
	failed := false
	for i := range u.objects {
		x := &u.objects[i]
		if !x.sent || !x.done && x.id != 0 {
			return // others are under way
		}
		failed = failed || !x.done
	}
	if !failed {
		u.phase = toCommit
		return
	}
	for i := range u.objects {
		if !u.objects[i].done {
			u.objects[i] = uploaded{}
		}
	}
	u.getIDs()
}

// send commits the generation by one command.
func (u *uploader) send() {
	p := u.s.p
	cmd := &image.CommitUpload{Node: p.id, NodeEpoch: p.epoch, WAL: u.s.life.Instance, Trim: uint64(u.trimTo)}
	for i, o := range u.objects {
		plan := &u.plan[i]
		cmd.Objects = append(cmd.Objects, image.UploadedObject{ID: o.id, Key: o.key, Kind: image.ObjectKind(plan.Kind), Size: plan.Bytes})
		for _, x := range plan.Extents {
			cmd.Slices = append(cmd.Slices, image.Slice{Object: o.id, Stream: x.Stream, Epoch: x.Epoch, Start: x.Start, End: x.End, Bytes: x.Bytes})
		}
	}
	u.phase = waiting
	u.commit = p.submit(cmd, func(r image.Result, refused *image.Refusal) {
		if refused != nil { // not prepared any more: write all again
			u.phase = toPrepare
			return
		}
		u.committed(cmd, r.(*image.CommittedUpload))
	})
}

// committed goes on with what was refused and is still needed.
func (u *uploader) committed(cmd *image.CommitUpload, r *image.CommittedUpload) {
	p := u.s.p
	p.w.saw(evCommit)
	var left []entry
	for _, refused := range r.Refused {
		x := cmd.Slices[refused.Position]
		if !refused.Reason.Dead() {
			p.w.saw(evSliceNotDue)
			for _, e := range u.left {
				if e.stream == x.Stream && e.epoch == x.Epoch && e.base >= x.Start && e.base < x.End {
					left = append(left, e)
				}
			}
		}
	}
	u.left, u.objects, u.plan = left, nil, nil
	switch {
	case len(left) > 0:
		u.phase = toPrepare
		u.again = p.w.now + beatInterval
	case u.s.rescued:
		u.phase = toRetire
	default:
		u.phase = toSeal
		p.log.trimmed(int64(r.Trim))
	}
}

// startOver begins a generation again: a planted mistake.
func (u *uploader) startOver() { u.phase = toPrepare }

// retire says that nothing in a rescued WAL is needed any more, and frees its
// place.
func (u *uploader) retire() {
	p, s := u.s.p, u.s
	u.phase = waiting
	cmd := &image.RetireWAL{Node: p.id, NodeEpoch: p.epoch, Instance: s.life.Instance}
	p.submit(cmd, func(_ image.Result, refused *image.Refusal) {
		if refused != nil {
			p.w.saw(evRetireRefused)
		} else {
			p.w.saw(evRetire)
		}
		if refused != nil { // an earlier tail, elsewhere, is not in objects yet
			u.phase = toRetire
			u.again = p.w.now + beatInterval
			return
		}
		u.phase = finished
		for i := range p.adopted {
			if p.adopted[i] == s {
				p.adopted = append(p.adopted[:i], p.adopted[i+1:]...)
				break
			}
		}
		p.say("retired WAL %s", s.life.Instance.Hex()[:8])
		s.d.forget(s.life.Instance)
		p.unlock(s.d)
	})
}

// uploaderOf finds whose commit a call is.
func (p *proc) uploaderOf(c *call) *uploader {
	if p.log != nil && p.log.up.commit == c {
		return &p.log.up
	}
	for _, s := range p.adopted {
		if s.up.commit == c {
			return &s.up
		}
	}
	return nil
}
