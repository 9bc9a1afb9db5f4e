package cluster

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// procState says whether a process runs.
type procState uint8

const (
	running procState = iota
	paused            // SIGSTOP: it does nothing, and does not know
	dead
)

// proc is one process of a node: its steps are those of a broker, one at a
// time, in any order.
type proc struct {
	w           *world
	slot        *slot
	id          ids.NodeID
	incarnation ids.UUID
	epoch       ids.NodeEpoch // 0 until registered
	state       procState
	doomed      bool // dies at the end of the step

	at       int // index of the image it knows
	restless bool
	calls    []*call
	seq      uint64
	heard    []heard // ends of writes not looked at yet

	beatSent   time.Duration
	beatHeard  time.Duration // when the latest heartbeat that was answered was sent
	log        *walLog       // nil until opened
	opening    bool
	partitions []*partition // by stream
	rescues    []*rescuing
	adopted    []*source // rescued WALs
}

// heard is the end of a write.
type heard struct {
	done func(ok bool)
	ok   bool
}

// boot starts a process.
func (w *world) boot(s *slot) {
	p := &proc{w: w, slot: s, id: s.id, incarnation: w.uuid(0xee), at: len(w.meta.images) - 1}
	for i := range w.traits.streams {
		p.partitions = append(p.partitions, &partition{p: p, index: int32(i), stream: ids.StreamID(i + 1)})
	}
	s.proc = p
	w.procs = append(w.procs, p)
	p.say("starts")
	p.register()
}

// register takes the place of the node's process before, unless another one did
// and has gone on meanwhile.
func (p *proc) register() {
	sent := p.w.now
	cmd := &image.RegisterNode{Node: p.id, Incarnation: p.incarnation, Previous: p.image().EpochOf(p.id), Reach: p.slot.reach}
	p.submit(cmd, func(r image.Result, refused *image.Refusal) {
		switch img := p.image(); {
		case refused == nil:
			p.epoch = r.(*image.Registered).Epoch
			p.beatHeard = sent
			p.restless = true
		case img.HasOpenedWAL(p.id, img.EpochOf(p.id)):
			p.die("another process is this node")
		default:
			p.register()
		}
	})
}

// kill ends a process from outside.
func (w *world) kill(p *proc, why string) {
	if p.state == dead {
		return
	}
	p.say("dies: %s", why)
	p.state = dead
	for i := range w.procs {
		if w.procs[i] == p {
			w.procs = append(w.procs[:i], w.procs[i+1:]...)
			break
		}
	}
	for _, d := range w.disks {
		d.died(p)
	}
	w.net.died(p)
}

// die ends the process by itself: it was fenced, or its WAL was.
func (p *proc) die(why string) { p.w.kill(p, why) }

// action is something that a process can do now.
type action struct {
	kind actionKind
	i    int
}

type actionKind uint8

const (
	actBeat actionKind = iota
	actFollow
	actRetry
	actGovern
	actHear
	actLaunch
	actAsk
	actAcknowledge
	actRescue
	actUpload
	actUploadRescued
	actPartition
)

// step lets the process do one thing.
func (p *proc) step() {
	if p.state != running {
		return
	}
	todo := p.possible(p.w.todo[:0])
	p.w.todo = todo
	if len(todo) > 0 {
		p.do(todo[p.w.rng.IntN(len(todo))])
		p.stopHere()
	}
	if p.doomed {
		p.die("killed in a step")
	}
}

// stopHere stops or kills the process now and then right after a step, whichever
// it was.
func (p *proc) stopHere() {
	often := 1
	if p.log != nil && p.log.flying > 0 {
		often = 4 // that is when it matters most
	}
	if p.w.calm || p.state != running || !p.w.chance(p.w.traits.stops/often) {
		return
	}
	if p.w.chance(3) {
		p.w.counts.kills++
		p.doomed = true
		return
	}
	p.w.counts.pauses++
	p.state = paused
	p.say("SIGSTOP")
}

// possible lists what the process can do.
func (p *proc) possible(todo []action) []action {
	w := p.w
	add := func(k actionKind, i int) { todo = append(todo, action{k, i}) }
	if p.epoch > 0 && w.now-p.beatSent >= beatInterval {
		add(actBeat, 0)
	}
	if p.at < len(w.meta.images)-1 && !w.net.isCut(controllers, p.id) {
		add(actFollow, 0)
	}
	for i, c := range p.calls {
		if w.now-c.sent >= callTimeout {
			add(actRetry, i)
		}
	}
	if p.restless && p.epoch > 0 {
		add(actGovern, 0)
	}
	if len(p.heard) > 0 {
		add(actHear, 0)
	}
	for i, r := range p.rescues {
		if r.canStep() {
			add(actRescue, i)
		}
	}
	for i, s := range p.adopted {
		if s.up.canStep() {
			add(actUploadRescued, i)
		}
	}
	for i, part := range p.partitions {
		if part.canStep() {
			add(actPartition, i)
		}
	}
	if l := p.log; l != nil {
		if l.toLaunch() != nil {
			add(actLaunch, 0)
		}
		if !l.asked && l.durable > l.checked {
			add(actAsk, 0)
		}
		if l.toAcknowledge() {
			add(actAcknowledge, 0)
		}
		if l.up.canStep() {
			add(actUpload, 0)
		}
	}
	return todo
}

func (p *proc) do(a action) {
	switch a.kind {
	case actBeat:
		p.beat()
	case actFollow:
		p.follow(p.at + 1 + p.w.rng.IntN(len(p.w.meta.images)-1-p.at))
	case actRetry:
		p.retry(p.calls[a.i])
	case actGovern:
		p.govern()
	case actHear:
		h := p.heard[0]
		p.heard = p.heard[1:]
		h.done(h.ok)
	case actLaunch:
		p.log.launch(p.log.toLaunch())
	case actAsk:
		p.log.ask()
	case actAcknowledge:
		p.log.acknowledge()
	case actRescue:
		p.rescues[a.i].step()
	case actUpload:
		p.log.up.step()
	case actUploadRescued:
		p.adopted[a.i].up.step()
	case actPartition:
		p.partitions[a.i].step()
	}
}

// retry sends a command again whose outcome is unknown.
func (p *proc) retry(c *call) {
	if _, ok := c.cmd.(*image.CommitUpload); ok && p.w.mistake == uploadAgain {
		p.forget(c)
		p.uploaderOf(c).startOver()
		return
	}
	p.transmit(c)
}

func (p *proc) beat() {
	p.beatSent = p.w.now
	sent, w := p.w.now, p.w
	w.net.send(p, nil, func() {
		known := w.ctl.beat(p.id, p.epoch)
		w.net.send(nil, p, func() {
			if !known {
				p.die("told that it is fenced")
				return
			}
			p.beatHeard = max(p.beatHeard, sent)
		})
	})
}

// hasLease says whether the process may answer clients: a heartbeat of the last
// session was answered.
func (p *proc) hasLease() bool { return p.w.now-p.beatHeard < session }

// govern looks at the image and begins what it asks for.
func (p *proc) govern() {
	p.restless = false
	img := p.image()
	if n, ok := img.Node(p.id); ok && (n.Epoch > p.epoch || n.Epoch == p.epoch && n.Incarnation != p.incarnation) {
		p.die("fenced")
		return
	}
	for x := range img.WALs() {
		if img.RescuerOf(x) == p.id && !p.isRescuing(x.Instance) {
			p.rescues = append(p.rescues, &rescuing{p: p, instance: x.Instance})
		}
	}
	if p.log == nil && !p.opening {
		p.openWAL(img)
	}
	for _, part := range p.partitions {
		part.govern(img)
	}
}

func (p *proc) isRescuing(instance ids.WALInstance) bool {
	for _, r := range p.rescues {
		if r.instance == instance {
			return true
		}
	}
	for _, s := range p.adopted {
		if s.life.Instance == instance {
			return true
		}
	}
	return false
}

// openWAL makes an instance and then has the metadata know it, before its first
// append.
func (p *proc) openWAL(img *image.Image) {
	d := p.volume(img)
	if d == nil {
		p.restless = true // not yet
		return
	}
	if n := len(d.lives); n > 0 && d.lives[n-1].NodeEpoch > p.epoch {
		p.die("its volume is newer than its metadata") // as package volume sees to
		return
	}
	p.opening = true
	life := walfmt.Life{Instance: p.w.uuid(0xa1), NodeEpoch: p.epoch, WindowBytes: windowBytes}
	life = d.create(life, p.w.isNeeded(img))
	cmd := &image.OpenWAL{Node: p.id, NodeEpoch: p.epoch, Instance: life.Instance, Kind: p.slot.kind, Location: d.location}
	p.submit(cmd, func(image.Result, *image.Refusal) {
		if !d.shared && d.owner != p {
			p.die("its volume was taken away")
			return
		}
		p.log = newLog(p, d, life)
		p.say("opens WAL %s on %s at %d", life.Instance.Hex()[:8], d, life.Base)
		p.restless = true
	})
}

// volume is where the process's WAL is to be: a file of its own where the kind
// is shared; where it is exclusive the node's ring, if the process gets it and
// has rescued all that is in it. nil means that it must wait.
func (p *proc) volume(img *image.Image) *disk {
	s := p.slot
	if s.kind == "shared" && p.w.mistake != reuseSharedRing {
		return p.w.newDisk(s, fmt.Sprintf("shared/%d/%x", p.id, p.incarnation[1:4]))
	}
	if s.ring != nil && s.ring.lock(p, false) {
		needed, free := p.w.isNeeded(img), true
		for _, k := range s.ring.lives {
			if !needed(k.Instance) || p.holds(k.Instance) {
				continue
			}
			x, _ := img.WAL(k.Instance)
			if img.RescuerOf(x) == p.id {
				return nil
			}
			free = false
		}
		if free {
			return s.ring
		}
		p.unlock(s.ring)
	}
	s.rings++
	s.ring = p.w.newDisk(s, fmt.Sprintf("%s/%d/%d", s.kind, p.id, s.rings))
	s.ring.lock(p, false)
	return s.ring
}

// holds says whether the process has rescued an instance.
func (p *proc) holds(instance ids.WALInstance) bool {
	for _, s := range p.adopted {
		if s.life.Instance == instance {
			return true
		}
	}
	return false
}

// held is the source of an instance that the process holds, or nil.
func (p *proc) held(instance ids.WALInstance) *source {
	if p.log != nil && p.log.life.Instance == instance {
		return &p.log.source
	}
	for _, s := range p.adopted {
		if s.life.Instance == instance {
			return s
		}
	}
	return nil
}

// unlock gives an exclusive volume up, unless the process has something in it.
func (p *proc) unlock(d *disk) {
	for _, s := range p.adopted {
		if s.d == d {
			return
		}
	}
	if d.owner == p && (p.log == nil || p.log.d != d) {
		d.owner = nil
	}
}
