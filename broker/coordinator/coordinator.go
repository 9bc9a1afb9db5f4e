package coordinator

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/invariant"
)

// Coordinator coordinates the groups of those partitions of __consumer_offsets
// that this node leads. Its methods may be called from any goroutine and do
// not block, except Close.
type Coordinator struct {
	cfg     Config
	loops   []*loop
	loaders []*worker
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	requests     atomic.Int64 // taken and not yet answered
	requestBytes atomic.Int64
}

// Request is a client's request; Req is one of those that [group.Request]
// takes, naming whatever groups.
type Request struct {
	ClientID   string
	ClientHost string
	Req        kmsg.Request
	Bytes      int // what it takes in memory while it is parked
}

// New makes a coordinator that leads nothing yet and starts its goroutines.
func New(cfg Config) (*Coordinator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Coordinator{cfg: cfg}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for range cfg.Loops {
		l := &loop{worker: newWorker(), cfg: &c.cfg, builder: batch.NewBuilder()}
		c.loops = append(c.loops, l)
	}
	for range cfg.Loaders {
		c.loaders = append(c.loaders, newWorker())
	}
	for i := range cfg.Partitions {
		l := c.loops[int(i)%len(c.loops)]
		l.hosts = append(l.hosts, &host{
			loop: l, loader: c.loaders[int(i)%len(c.loaders)], ctx: c.ctx, index: i,
			logger: cfg.Logger.With("partition", i),
		})
	}
	for _, l := range c.loops {
		go l.run(l.armTimer)
	}
	for _, w := range c.loaders {
		go w.run(func() {})
	}
	return c, nil
}

// Close answers all requests with NOT_COORDINATOR and ends the goroutines. It
// waits for them, and thus for a Read or DeleteRecords under way, whose
// context it ends. Later requests are answered NOT_COORDINATOR at once.
func (c *Coordinator) Close() {
	c.cancel()
	for _, l := range c.loops {
		l.post(l.resignAll)
		l.close()
	}
	for _, w := range c.loaders {
		w.close()
	}
	for _, l := range c.loops {
		<-l.done
	}
	for _, w := range c.loaders {
		<-w.done
	}
}

// Lead says that this node leads a partition from leaderEpoch on, whose log is
// log. An epoch that is not above the last one is ignored.
func (c *Coordinator) Lead(index, leaderEpoch int32, log Log) {
	h := c.host(index)
	h.loop.post(func() { h.lead(leaderEpoch, log) })
}

// Resign says that this node does not lead a partition any more, since an epoch
// above leaderEpoch.
func (c *Coordinator) Resign(index, leaderEpoch int32) {
	h := c.host(index)
	h.loop.post(func() {
		if h.phase != away && h.leaderEpoch <= leaderEpoch {
			h.resign()
		}
	})
}

// TopicsDeleted removes the offsets that groups committed for these topics. In
// partitions that are being loaded the offsets stay until they expire.
func (c *Coordinator) TopicsDeleted(names []string) {
	for _, l := range c.loops {
		l.post(func() {
			for _, h := range l.hosts {
				if h.phase == serving {
					h.step(group.TopicsDeleted{Topics: names})
					h.pump()
				}
			}
		})
	}
}

// Handle answers r by one call of reply, on one of the coordinator's goroutines
// or before Handle returns; reply must not block.
func (c *Coordinator) Handle(r Request, reply func(kmsg.Response)) {
	if !c.take(r) {
		reply(group.ErrorResponse(r.Req, group.CoordinatorNotAvailable))
		return
	}
	c.route(r, func(resp kmsg.Response) {
		c.giveBack(r)
		reply(resp)
	})
}

// take counts a request in, if there is room.
func (c *Coordinator) take(r Request) bool {
	requests, bytes := c.requests.Add(1), c.requestBytes.Add(int64(r.Bytes))
	if requests > c.cfg.RequestsMax || bytes > c.cfg.RequestBytesMax {
		c.giveBack(r)
		return false
	}
	return true
}

func (c *Coordinator) giveBack(r Request) {
	c.requests.Add(-1)
	c.requestBytes.Add(-int64(r.Bytes))
}

// send hands a request to the partition that it is for.
func (c *Coordinator) send(index int32, r Request, reply func(kmsg.Response)) {
	h := c.host(index)
	if !c.serves() || !h.loop.post(func() { h.handle(r, c.whileServing(r, reply)) }) {
		reply(group.ErrorResponse(r.Req, group.NotCoordinator))
	}
}

func (c *Coordinator) serves() bool { return c.cfg.Serves == nil || c.cfg.Serves() }

// whileServing is reply, unless groups may not be served any more by then: what
// was made durable meanwhile may be in a log that was given up.
func (c *Coordinator) whileServing(r Request, reply func(kmsg.Response)) func(kmsg.Response) {
	return func(resp kmsg.Response) {
		if !c.serves() {
			resp = group.ErrorResponse(r.Req, group.NotCoordinator)
		}
		reply(resp)
	}
}

func (c *Coordinator) host(index int32) *host {
	invariant.Check(index >= 0 && index < c.cfg.Partitions, "no partition %d of the offsets topic", index)
	n := len(c.loops)
	return c.loops[int(index)%n].hosts[int(index)/n]
}

// loop is an event loop: a goroutine that owns some of the partitions.
type loop struct {
	*worker
	cfg      *Config
	hosts    []*host
	builder  *batch.Builder
	timer    clock.Timer
	armedFor time.Time // what timer waits for; zero when it is not armed
}

// armTimer runs when the loop has nothing to do. A timer that is armed for too
// early is left alone: most deadlines are sessions, which heartbeats put off
// all the time.
func (l *loop) armTimer() {
	var next time.Time
	for _, h := range l.hosts {
		if at, ok := h.deadline(); ok && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() || (!l.armedFor.IsZero() && !next.Before(l.armedFor)) {
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.armedFor = next
	l.timer = l.cfg.Clock.AfterFunc(next.Sub(l.cfg.Clock.Now()), func() { l.post(l.tick) })
}

func (l *loop) tick() {
	l.armedFor = time.Time{}
	now := l.cfg.Clock.Now()
	for _, h := range l.hosts {
		if at, ok := h.deadline(); ok && !at.After(now) {
			h.tick()
		}
	}
}

func (l *loop) resignAll() {
	for _, h := range l.hosts {
		h.resign()
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.armedFor = time.Time{}
}

// gathering collects the answers to the parts of one request.
type gathering struct {
	mu      sync.Mutex
	awaited int
	answers []kmsg.Response
	done    func([]kmsg.Response)
}

func gather(parts int, done func([]kmsg.Response)) *gathering {
	return &gathering{awaited: parts, answers: make([]kmsg.Response, parts), done: done}
}

// answer takes the answer to a part; the last one ends the gathering.
func (g *gathering) answer(part int, resp kmsg.Response) {
	g.mu.Lock()
	g.answers[part] = resp
	g.awaited--
	last := g.awaited == 0
	g.mu.Unlock()
	if last {
		g.done(g.answers)
	}
}
