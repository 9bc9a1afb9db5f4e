package cluster

import (
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
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

	pausedAt   time.Duration
	suspended  time.Duration // for so long its clock stood still
	beatSent   time.Duration // by its clock
	beatHeard  time.Duration // when the latest heartbeat that was answered was sent
	log        *walLog       // nil until opened
	opening    bool
	partitions []*partition // by stream
	rescues    []*rescuing
	adopted    []*source // rescued WALs

	draining    bool
	retiring    bool // its own log
	retireAgain time.Duration
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
	w.saw(evBoot)
	p.register()
}

// register takes the place of the node's process before, unless another one did
// and has gone on meanwhile.
func (p *proc) register() {
	sent := p.now()
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
	if len(p.rescues) > 0 {
		w.saw(evDiedRescuing)
	}
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
	actHang
	actRetire
	actions // how many there are
)

var actionNames = [actions]string{
	"heartbeat", "follow the metadata", "send a command again", "look at the metadata", "hear of a write", "write", "read the fence",
	"acknowledge", "rescue", "upload", "upload what was rescued", "lead", "give up a write that hangs", "retire its log",
}

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
		p.w.saw(evKillInStep)
		p.doomed = true
		return
	}
	p.w.saw(evPauseInStep)
	p.pause()
}

// pause stops the process, which does not know.
func (p *proc) pause() {
	p.state, p.pausedAt = paused, p.w.now
	p.say("SIGSTOP")
}

// resume lets it go on.
func (p *proc) resume() {
	if p.state != paused {
		return
	}
	p.state = running
	if p.w.traits.suspends {
		p.suspended += p.w.now - p.pausedAt
	}
	p.w.saw(evResume)
	p.say("SIGCONT")
	if l := p.log; l != nil {
		if x, ok := p.w.meta.last().WAL(l.life.Instance); ok && x.State == image.WALAbandoned {
			p.w.saw(evReturned)
		}
	}
}

// now is the process's clock.
func (p *proc) now() time.Duration { return p.w.now - p.suspended }

// possible lists what the process can do.
func (p *proc) possible(todo []action) []action {
	w := p.w
	add := func(k actionKind, i int) { todo = append(todo, action{k, i}) }
	if p.epoch > 0 && p.now()-p.beatSent >= beatInterval {
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
		if l.hangs() {
			add(actHang, 0)
		}
		if p.isDrained() {
			add(actRetire, 0)
		}
	}
	return todo
}

func (p *proc) do(a action) {
	p.w.saw(evStep + event(a.kind))
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
	case actHang:
		p.log.fail("its WAL hangs")
	case actRetire:
		p.retire()
	}
}

// retry sends a command again whose outcome is unknown.
func (p *proc) retry(c *call) {
	if _, ok := c.cmd.(*image.CommitUpload); ok && p.w.mistake == uploadAgain {
		p.forget(c)
		p.uploaderOf(c).startOver()
		return
	}
	p.w.saw(evCallRepeated)
	p.transmit(c)
}

func (p *proc) beat() {
	p.beatSent = p.now()
	sent, at, w := p.beatSent, p.at, p.w
	w.net.send(p, nil, func() {
		known := w.ctl.beat(p.id, p.epoch, at)
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
func (p *proc) hasLease() bool { return p.now()-p.beatHeard < session }

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
