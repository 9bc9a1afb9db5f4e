package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/duties"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/kraftmeta/lease"
)

// metadata is what the controllers have agreed upon: the real rules, without
// consensus. Every image there ever was is kept, for those who lag behind.
type metadata struct {
	w      *world
	images []*image.Image // by index
	forged uint64         // commands, for a planted mistake
}

func newMetadata(w *world) *metadata { return &metadata{w: w, images: []*image.Image{image.New()}} }

func (m *metadata) last() *image.Image { return m.images[len(m.images)-1] }

// apply carries out a command as the next one.
func (m *metadata) apply(req *image.Request) *image.Answer {
	if m.w.mistake == acceptAbandoned {
		m.forge(req.Command)
	}
	was := m.last()
	next, delta, answer := image.Apply(was, was.Index()+1, req)
	m.images = append(m.images, next)
	m.w.counts.answered(req.Command, answer)
	if m.w.telling {
		m.w.say("applied %d: %s %+v: %v", next.Index(), req.Command.CommandKind(), req.Command, became(answer))
	}
	m.w.oracle.applied(was, next, &delta, req, answer)
	return answer
}

func became(a *image.Answer) any {
	if a.Refusal != nil {
		return a.Refusal
	}
	return a.Result
}

// controller is the active one.
type controller struct {
	w         *world
	leases    *lease.Leases
	failed    map[balance.Attempt]bool // rescues that were reported as failed
	followers map[ids.NodeID]heardOf
	issuer    ids.UUID
	seq       uint64
	planned   []image.Command // not applied yet
	offset    time.Duration   // of its clock
}

func newController(w *world) *controller {
	c := &controller{w: w}
	c.begin()
	return c
}

// begin starts a term, which knows nothing of the ones before.
func (c *controller) begin() {
	c.leases = lease.New(session)
	c.failed = map[balance.Attempt]bool{}
	c.followers = map[ids.NodeID]heardOf{}
	c.issuer, c.seq = c.w.uuid(0xc0), 0
}

func (c *controller) now() time.Duration { return c.w.now + c.offset }

// failOver makes another controller the active one. What the former had
// planned was proposed, or was not.
func (c *controller) failOver() {
	c.w.say("another controller is active")
	c.w.saw(evController)
	c.begin()
	if c.w.chance(2) {
		c.planned = nil
	}
}

// step carries out the next command that was planned, or plans. Between plan
// and command anything may happen.
func (c *controller) step() {
	if len(c.planned) > 0 {
		cmd := c.planned[0]
		c.planned = c.planned[1:]
		if a := c.submit(cmd); a.Refusal == nil {
			c.w.saw(dutyEvents[cmd.CommandKind()])
			if rescuesDue(c.w.meta.last()) > 1 {
				c.w.saw(evSeveralRescues)
			}
		}
		return
	}
	c.planned = duties.Plan(c.w.meta.last(), c.leases, c.failed, nil, c.now())
	if c.w.chance(30) {
		clear(c.failed)
	}
}

// rescuesDue counts the WALs that wait to be rescued.
func rescuesDue(img *image.Image) (n int) {
	for x := range img.WALs() {
		if img.RescuerOf(x) != image.NoLeader {
			n++
		}
	}
	return n
}

// dutyEvents are what a controller's commands count as.
var dutyEvents = map[image.CommandKind]event{
	image.KindFenceNode: evFence, image.KindAssignRescuers: evAssign, image.KindSetLeaders: evSetLeaders,
}

func (c *controller) submit(cmd image.Command) *image.Answer {
	c.seq++
	return c.w.meta.apply(&image.Request{
		ID: image.CommandID{Issuer: c.issuer, Sequence: c.seq}, AckedBelow: c.seq, Command: cmd,
	})
}

func (c *controller) must(cmd image.Command) {
	if a := c.submit(cmd); a.Refusal != nil {
		panic(a.Refusal)
	}
}

// beat judges a heartbeat. known is false when the sender is fenced.
func (c *controller) beat(node ids.NodeID, epoch ids.NodeEpoch, at int) (known bool) {
	n, ok := c.w.meta.last().Node(node)
	if !ok || n.Epoch != epoch || !n.IsAlive() {
		return false
	}
	c.followers[node] = heardOf{epoch, max(at, c.followers[node].at)}
	c.leases.Beat(node, epoch, c.now())
	return true
}

// call is a command of a process under way: sent again, by the same id, until
// its outcome is known (I5).
type call struct {
	seq  uint64
	cmd  image.Command
	sent time.Duration
	done func(image.Result, *image.Refusal)
}

// submit sends a command; done, which may be nil, hears what became of it.
func (p *proc) submit(cmd image.Command, done func(image.Result, *image.Refusal)) *call {
	p.seq++
	c := &call{seq: p.seq, cmd: cmd, done: done}
	p.calls = append(p.calls, c)
	p.transmit(c)
	return c
}

func (p *proc) transmit(c *call) {
	c.sent = p.w.now
	req := &image.Request{
		ID: image.CommandID{Issuer: p.incarnation, Sequence: c.seq}, AckedBelow: p.calls[0].seq, Command: c.cmd,
	}
	p.w.net.send(p, nil, func() {
		a := p.w.meta.apply(req)
		p.w.net.send(nil, p, func() { p.answered(c, a) })
	})
}

// answered takes the answer to a command, and the image that has it.
func (p *proc) answered(c *call, a *image.Answer) {
	i := p.indexOf(c)
	if i < 0 {
		return // answered before
	}
	p.calls = append(p.calls[:i], p.calls[i+1:]...)
	p.follow(int(a.Index))
	_, registers := c.cmd.(*image.RegisterNode)
	_, abandons := c.cmd.(*image.AbandonWAL) // in an operator's name
	if r := a.Refusal; r != nil && !abandons && !(registers && r.Reason == image.StaleNodeEpoch) {
		switch r.Reason {
		case image.StaleNodeEpoch, image.NodeIsFenced, image.Forgotten, image.NotWALHolder:
			p.die(r.Error())
			return
		}
	}
	if c.done != nil {
		c.done(a.Result, a.Refusal)
	}
}

func (p *proc) indexOf(c *call) int {
	for i := range p.calls {
		if p.calls[i] == c {
			return i
		}
	}
	return -1
}

// forget gives up on a command, whose outcome stays unknown: a planted mistake.
func (p *proc) forget(c *call) {
	if i := p.indexOf(c); i >= 0 {
		p.calls = append(p.calls[:i], p.calls[i+1:]...)
	}
}

// follow brings the process's image to index, or leaves it if it is newer.
func (p *proc) follow(index int) {
	if index > p.at {
		p.at = index
		p.restless = true
	}
}

// image is the metadata as the process knows it.
func (p *proc) image() *image.Image { return p.w.meta.images[p.at] }

// errLater ends a rescue before its command, which takes steps of its own.
var errLater = errors.New("simulated: later")

// client is what package streammeta reads a process's image by.
type metaClient struct{ p *proc }

// Image implements streammeta.Client.
func (m metaClient) Image() *image.Image { return m.p.image() }

// Submit implements streammeta.Client.
func (m metaClient) Submit(context.Context, image.Command) (image.Result, uint64, error) {
	return nil, 0, errLater
}
