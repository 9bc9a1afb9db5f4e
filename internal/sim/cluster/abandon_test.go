package cluster

import (
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// patience is how long nobody must have held a WAL before an operator gives it
// up: until then its last holder's lease may go on, which is all that keeps a
// holder from acknowledging whose WAL nobody could fence (A21).
const patience = session

// operator gives up WALs that nobody reaches: it asks what would be lost, looks
// at it, and says yes, as 'seawall wal abandon' does.
type operator struct {
	w     *world
	since map[ids.WALInstance]time.Duration // when it first saw that nobody holds it
	asked *image.AbandonWAL                 // and not answered yet; nil if none is
	told  []image.Lost                      // would be lost with it
}

// step asks, or says yes. In between anything may happen.
func (o *operator) step() {
	if o.asked == nil {
		o.look()
		return
	}
	p := o.w.anyProc()
	if p == nil || p.state != running || p.epoch == 0 {
		return
	}
	cmd := *o.asked
	if !o.w.calm && o.w.chance(3) {
		o.asked = nil // it thinks better of it
		return
	}
	o.w.oracle.told[cmd.Instance] = o.told
	o.asked = nil
	p.submit(&cmd, nil)
}

// look chooses a WAL that nobody holds, out of reach or, by force, one that
// might yet be rescued. It is told what some node knows.
func (o *operator) look() {
	img := o.w.meta.last()
	for instance := range o.since {
		if x, ok := img.WAL(instance); !ok || img.RescuerOf(x) == image.NoLeader {
			delete(o.since, instance)
		}
	}
	for x := range img.WALs() {
		if img.RescuerOf(x) == image.NoLeader {
			continue
		}
		since, ok := o.since[x.Instance]
		if !ok {
			since = o.w.now
			o.since[x.Instance] = since
		}
		d := o.w.diskOf(x.Instance)
		wants := d.destroyed || !o.w.calm && (d.away && o.w.chance(3) || o.w.traits.force && o.w.chance(8))
		if wants && o.asked == nil && o.w.now-since > patience {
			o.ask(x.Instance)
		}
	}
}

func (o *operator) ask(instance ids.WALInstance) {
	p := o.w.anyProc()
	if p == nil {
		return
	}
	img := p.image()
	x, ok := img.WAL(instance)
	if !ok || img.RescuerOf(x) == image.NoLeader {
		return // that node has not heard of it yet
	}
	holder, epoch := x.Holder()
	o.w.saw(evLook)
	o.asked = &image.AbandonWAL{Instance: instance, Holder: holder, HolderEpoch: epoch}
	o.told = img.LostWith(instance)
}

// takeAway puts a volume out of everybody's reach, or back, or destroys it.
func (w *world) takeAway() {
	d := w.anyDisk()
	switch {
	case d == nil || d.destroyed:
	case !d.away:
		d.away = true
		w.saw(evAway)
		w.say("%s is away", d)
	case w.chance(4):
		d.destroyed = true
		w.saw(evDestroyed)
		w.say("%s is destroyed", d)
	default:
		d.away = false
		w.saw(evBack)
		w.say("%s is back", d)
	}
}

// forge commits what a process uploads from a WAL that was given up, as if the
// stream's present leader had: a planted mistake.
func (m *metadata) forge(cmd image.Command) {
	late, ok := cmd.(*image.CommitUpload)
	if !ok {
		return
	}
	if x, ok := m.last().WAL(late.WAL); !ok || x.State != image.WALAbandoned {
		return
	}
	for _, slice := range late.Slices {
		s, _ := m.last().Stream(slice.Stream)
		t, open := s.OpenTail()
		x, _ := m.last().WAL(t.WAL)
		if !open || len(s.Tails) > 1 || s.CommittedEnd < slice.Start || s.CommittedEnd >= slice.End || m.last().RescuerOf(x) != image.NoLeader {
			continue
		}
		do := func(cmd image.Command) image.Result {
			m.forged++
			return m.apply(&image.Request{ID: image.CommandID{Issuer: ids.UUID{0xf0}, Sequence: m.forged}, AckedBelow: m.forged, Command: cmd}).Result
		}
		node, epoch := x.Holder()
		prepared := do(&image.PrepareObjects{Node: node, NodeEpoch: epoch, Count: 1}).(*image.PreparedObjects)
		forged := &image.CommitUpload{Node: node, NodeEpoch: epoch, WAL: t.WAL, Trim: x.Trim}
		for _, o := range late.Objects {
			if o.ID == slice.Object {
				o.ID = prepared.First
				forged.Objects = append(forged.Objects, o)
			}
		}
		slice.Object, slice.Epoch, slice.Start = prepared.First, t.Epoch, s.CommittedEnd
		forged.Slices = append(forged.Slices, slice)
		do(forged)
		return
	}
}
