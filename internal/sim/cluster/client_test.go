package cluster

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

const producersMax = 8

// client is a producer or a consumer of one partition.
type client interface {
	step()
	unsettled() string
}

// route is whom a client believes to lead, and its one request under way.
type route struct {
	w       *world
	stream  ids.StreamID
	node    ids.NodeID
	epoch   ids.StreamEpoch // of the leader, as far as known
	request int             // the number of the latest
	waits   bool
	sent    time.Duration
}

// refresh asks some node for the leader.
func (r *route) refresh() {
	p := r.w.anyProc()
	if p == nil || p.state != running {
		return
	}
	part, _ := p.image().Partition(topicID, int32(r.stream-1))
	r.node = part.Leader
	r.epoch = max(r.epoch, ids.StreamEpoch(part.LeaderEpoch))
}

// leader is a process that the client believes to lead.
func (r *route) leader() *proc {
	var found *proc
	n := 0
	for _, p := range r.w.procs {
		if p.id == r.node {
			if n++; r.w.chance(n) {
				found = p
			}
		}
	}
	return found
}

// begin says whether a request is to be sent now, and to whom.
func (r *route) begin() *proc {
	if r.waits {
		if r.w.now-r.sent < clientTimeout {
			return nil
		}
		r.refresh()
	}
	p := r.leader()
	if p == nil {
		r.refresh()
		return nil
	}
	r.waits, r.sent = true, r.w.now
	r.request++
	return p
}

// redirect takes an answer that the leader is another one.
func (r *route) redirect(to ids.NodeID) {
	r.waits = false
	if to == image.NoLeader || to == r.node || r.w.chance(4) {
		r.refresh()
		return
	}
	r.node = to
}

// producer sends one record after another, each until it is acknowledged.
type producer struct {
	route
	id    uint32
	seq   uint32 // of the latest record
	acked bool   // it is acknowledged
	size  int
	until time.Duration // it sleeps
	anew  bool          // records before it were lost: it begins under a new epoch of its own
}

func (c *producer) step() {
	if c.acked {
		if c.w.calm {
			return
		}
		c.seq++
		c.acked, c.anew = false, false
		c.size = valueBytes + c.w.rng.IntN(900)
	}
	if c.sleeps() {
		return
	}
	p := c.begin()
	if p == nil {
		return
	}
	request, v, size, anew := c.request, value{c.id, c.seq}, c.size, c.anew
	w := c.w
	w.net.fromClient(p, func() {
		p.partitions[c.stream-1].produce(v, size, anew, func(code code, offset int64, leader ids.NodeID) {
			w.net.toClient(p, func() { c.answered(request, v, code, leader) })
		})
	})
}

// sleeps says whether the producer does nothing for now, as a client that waits
// before it tries again, or that was stopped.
func (c *producer) sleeps() bool {
	w := c.w
	if w.traits.sleepy && !w.calm && w.now >= c.until && w.chance(15) {
		w.saw(evClientSleeps)
		c.until = w.now + time.Duration(w.rng.IntN(int(8*session)))
	}
	return !w.calm && w.now < c.until
}

func (c *producer) answered(request int, v value, code code, leader ids.NodeID) {
	if v.seq != c.seq || c.acked || !c.w.calm && c.w.now < c.until { // asleep, its connection is gone
		return
	}
	if code == ok {
		c.acked, c.waits = true, false
		return
	}
	if request != c.request {
		return
	}
	switch code {
	case notLeader:
		c.redirect(leader)
	case outOfOrder:
		c.w.saw(evNewProducerEpoch)
		c.anew = true
	}
	c.waits = false
}

func (c *producer) unsettled() string {
	if c.acked {
		return ""
	}
	return fmt.Sprintf("producer %d of stream %d still waits for record %d", c.id, c.stream, c.seq)
}

// consumer reads a partition from its start.
type consumer struct {
	route
	position int64
	last     ids.StreamEpoch // of the record before, 0 if it has none
	checked  ids.StreamEpoch // the leader epoch for which it has asked whether that is still there
}

func newConsumer(w *world, stream ids.StreamID) *consumer {
	return &consumer{route: route{w: w, stream: stream, node: image.NoLeader}}
}

func (c *consumer) step() {
	if !c.w.calm && c.w.chance(100) { // another one takes its place, and reads from the start
		c.w.saw(evConsumerAnew)
		c.position, c.last, c.checked = 0, 0, 0
		c.waits = false
		c.request++
	}
	p := c.begin()
	if p == nil {
		return
	}
	request, from, known := c.request, c.position, ids.StreamEpoch(0)
	if c.w.traits.epochs {
		known = c.epoch
	}
	w := c.w
	if known != c.checked && c.last != 0 {
		c.check(p)
		return
	}
	w.net.fromClient(p, func() {
		p.partitions[c.stream-1].fetch(from, known, func(a answer) {
			w.oracle.visible(p, c.stream, a.found)
			w.net.toClient(p, func() { c.answered(p, request, a) })
		})
	})
}

// check asks a leader that is new to it whether what it has read is still there
// (KIP-320).
func (c *consumer) check(p *proc) {
	request, last, known, w := c.request, c.last, c.epoch, c.w
	w.net.fromClient(p, func() {
		p.partitions[c.stream-1].endOf(last, known, func(code code, epoch ids.StreamEpoch, end int64) {
			w.net.toClient(p, func() { c.told(p, request, known, code, epoch, end) })
		})
	})
}

func (c *consumer) told(p *proc, request int, known ids.StreamEpoch, code code, epoch ids.StreamEpoch, end int64) {
	if request != c.request || !c.waits {
		return
	}
	c.waits = false
	switch code {
	case ok:
		c.w.oracle.sentBack(c, p, known, end)
		c.checked = known
		if end < c.position {
			c.position, c.last = end, epoch
		}
	case notLeader:
		c.redirect(image.NoLeader)
	case unknownEpoch:
		c.refresh()
	}
}

func (c *consumer) answered(p *proc, request int, a answer) {
	if request != c.request || !c.waits {
		return
	}
	c.waits = false
	switch a.code {
	case ok:
		for i := range a.found {
			e := &a.found[i]
			if e.base != c.position {
				c.w.oracle.jumps(c, p, e.base)
			}
			c.w.oracle.goesOn(c, p, e)
			c.position, c.last = e.base+1, e.epoch
		}
	case notLeader:
		c.redirect(a.leader)
	case unknownEpoch:
		c.refresh()
	case trimmedAway:
		c.w.oracle.skips(c, a.start)
		c.position = a.start
	case pastEnd:
		c.w.fail("I2", "a consumer of stream %d at %d is sent back by %s", c.stream, c.position, p)
	}
}

func (c *consumer) unsettled() string {
	if end := c.w.oracle.ackedEnd(c.stream); c.position < end {
		return fmt.Sprintf("a consumer of stream %d is at %d of %d", c.stream, c.position, end)
	}
	return ""
}

// makeClients gives every stream a producer or two and a consumer or two.
func (w *world) makeClients() {
	id := uint32(0)
	for i := range w.traits.streams {
		stream := ids.StreamID(i + 1)
		for n := 1 + w.rng.IntN(2); n > 0 && id < producersMax; n-- {
			w.clients = append(w.clients, &producer{
				route: route{w: w, stream: stream, node: image.NoLeader}, id: id, acked: true,
			})
			id++
		}
		for n := 1 + w.rng.IntN(2); n > 0; n-- {
			w.clients = append(w.clients, newConsumer(w, stream))
		}
	}
}
