package cluster

import "github.com/seawallmq/seawall/kraftmeta/image"

// hangTimeout is how long a write may take before the log is given up (I8).
const hangTimeout = session + session/2

// drain begins to give up all that the process leads, as on SIGTERM or when its
// log has failed: others lead it, what is acknowledged is uploaded, and the log,
// where nothing of it is needed any more, is retired.
func (p *proc) drain(why string) {
	if p.draining || p.epoch == 0 {
		return
	}
	p.draining = true
	p.say("drains: %s", why)
	p.submit(&image.LeaveCluster{Node: p.id, Epoch: p.epoch}, nil)
}

// isDrained says whether only the log is left to be retired.
func (p *proc) isDrained() bool {
	if !p.draining || p.retiring || p.w.now < p.retireAgain {
		return false
	}
	for _, x := range p.partitions {
		if x.phase != notLed || x.leader() == p.id {
			return false
		}
	}
	l := p.log
	return l != nil && l.isSettled() && l.up.phase == toSeal && !l.up.hasMore()
}

// retire ends a drain.
func (p *proc) retire() {
	p.retiring = true
	p.submit(&image.RetireWAL{Node: p.id, NodeEpoch: p.epoch, Instance: p.log.life.Instance}, func(_ image.Result, refused *image.Refusal) {
		p.retiring = false
		if refused != nil { // an earlier tail, elsewhere, comes first
			p.retireAgain = p.w.now + beatInterval
			return
		}
		p.w.saw(evDrained)
		if n, _ := p.w.meta.last().Node(p.id); n.Epoch == p.epoch && p.w.chance(2) { // it says farewell, and is heard
			p.w.ctl.leases.End(p.id, p.epoch, p.w.ctl.now())
		}
		p.die("drained")
	})
}

// fail gives the log up for good: what is not durable by now is not waited for,
// whether or not it will be.
func (l *walLog) fail(why string) {
	if l.failed {
		return
	}
	l.failed = true
	l.p.w.saw(evWALFailed)
	l.p.drain(why)
}

// isSettled says whether all that is durable has been acknowledged.
func (l *walLog) isSettled() bool { return l.durable == l.checked && !l.toAcknowledge() }

// hangs says whether a write takes too long.
func (l *walLog) hangs() bool {
	for _, f := range l.queue {
		if f.launched && !f.written && l.p.now()-f.since > hangTimeout {
			return !l.failed
		}
	}
	return false
}

// exitNow ends drains that take too long: what is left stays in the log.
func (w *world) exitNow() {
	for _, p := range w.procs {
		if p.draining && p.state == running && w.chance(20) {
			w.saw(evDrainGivenUp)
			p.die("its drain takes too long")
			return
		}
	}
}
