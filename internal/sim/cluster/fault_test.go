package cluster

import (
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// supervise does what is done to a cluster now and then: it deletes records,
// and starts a process where a node has none, as an init system does.
func (w *world) supervise() {
	if p := w.anyProc(); p != nil && p.state == running && !w.calm && w.chance(8) {
		p.partitions[w.rng.IntN(len(p.partitions))].trim()
	}
	if w.traits.abandons {
		w.oper.step()
	}
	w.exitNow()
	if p := w.anyProc(); p != nil && p.state == running && p.epoch > 0 && w.chance(w.traits.collect) {
		p.collect()
	}
	s := w.slots[w.rng.IntN(len(w.slots))]
	gone := s.proc == nil || s.proc.state == dead
	if gone && (w.calm || w.chance(w.traits.restart)) || w.traits.twins && s.proc.state == paused && w.chance(3) {
		if !gone {
			w.saw(evTwin)
		}
		w.boot(s)
	}
}

// fault lets one thing go wrong, or two at once.
func (w *world) fault() {
	for n := 1 + w.rng.IntN(2); n > 0; n-- {
		w.oneFault()
	}
}

func (w *world) oneFault() {
	if w.traits.abandons && w.chance(12) {
		w.takeAway()
		return
	}
	switch n := w.rng.IntN(100); {
	case n < 12:
		if p := w.anyProc(); p != nil {
			w.saw(evKill)
			w.kill(p, "kill -9")
		}
	case n < 34:
		w.pauseOrResume()
	case n < 54:
		w.net.cutOrMend()
	case n < 64:
		w.store.down = !w.store.down
		if w.store.down {
			w.saw(evStoreDown)
		}
		w.say("store down: %v", w.store.down)
	case n < 70:
		w.ctl.failOver()
	case n < 74:
		if w.traits.jumps {
			w.saw(evClockJump)
			w.ctl.offset += time.Duration(w.rng.IntN(int(2 * session)))
			w.say("the controller's clock jumps to %v", w.ctl.now())
		}
	case n < 90:
		w.move()
	case n < 94:
		if d := w.anyDisk(); d != nil {
			if d.stalled = !d.stalled; d.stalled {
				w.saw(evStall)
			}
			w.say("%s stalled: %v", d, d.stalled)
		}
	case n < 96:
		if d := w.anyDisk(); d != nil && len(d.pending) > 0 {
			d.failNext = true
			w.saw(evWriteToFail)
			w.say("%s fails its next write", d)
		}
	default:
		if p := w.anyProc(); p != nil && p.state == running && p.epoch > 0 {
			w.saw(evLeave)
			p.drain("SIGTERM")
		}
	}
}

func (w *world) anyProc() *proc {
	if len(w.procs) == 0 {
		return nil
	}
	return w.procs[w.rng.IntN(len(w.procs))]
}

func (w *world) anyDisk() *disk {
	if len(w.disks) == 0 {
		return nil
	}
	return w.disks[w.rng.IntN(len(w.disks))]
}

func (w *world) pauseOrResume() {
	p := w.anyProc()
	switch {
	case p == nil:
	case p.state == running:
		w.saw(evPause)
		p.pause()
	case w.chance(2):
		p.resume()
	}
}

// move gives a partition to another node, as an operator or the balancer does.
func (w *world) move() {
	img := w.meta.last()
	index := int32(w.rng.IntN(w.traits.streams))
	to := w.slots[w.rng.IntN(len(w.slots))].id
	part, _ := img.Partition(topicID, index)
	if n, ok := img.Node(to); !ok || n.State != image.NodeActive || part.Leader == to {
		return
	}
	w.saw(evMove)
	w.ctl.planned = append(w.ctl.planned, &image.SetLeaders{Partitions: []image.NewLeader{{
		Topic: topicID, Index: index, Expected: part.LeaderEpoch, Leader: to,
	}}})
}

// heal ends all that is wrong around the nodes, and asks for everything to be
// read again.
func (w *world) heal() {
	w.calm = true
	w.say("calm")
	w.net.mendAll()
	w.store.down = false
	w.ctl.offset = 0
	for _, d := range w.disks {
		d.stalled, d.failNext, d.away = false, false, d.destroyed
	}
	for _, p := range w.procs {
		p.resume()
	}
	for _, s := range w.slots { // those that are leaving come back
		if n, ok := w.meta.last().Node(s.id); ok && n.State == image.NodeLeaving && s.proc != nil && s.proc.state != dead {
			w.kill(s.proc, "restarted")
		}
	}
	for i := range w.traits.streams {
		c := newConsumer(w, ids.StreamID(i+1))
		w.audits = append(w.audits, c)
		w.clients = append(w.clients, c)
	}
}

// unsettled says what is not well yet, "" when all is.
func (w *world) unsettled() string {
	img := w.meta.last()
	for _, c := range w.clients {
		if why := c.unsettled(); why != "" {
			return why
		}
	}
	for x := range img.WALs() {
		if !x.State.IsOver() && (x.State == image.WALRescued || img.RescuerOf(x) != image.NoLeader) {
			return x.Instance.Hex()[:8] + " is not brought home"
		}
	}
	return ""
}
