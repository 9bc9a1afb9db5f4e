package coordinator

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/internal/invariant"
)

// phase is where a partition stands; see the package comment.
type phase uint8

const (
	away phase = iota
	loading
	serving
	broken
)

// partition hosts the shard of one partition of __consumer_offsets. All of it
// belongs to the goroutine of its loop.
type partition struct {
	loop   *loop
	loader *worker
	ctx    context.Context // the coordinator's
	index  int32
	logger *slog.Logger

	phase       phase
	leaderEpoch int32
	log         Log
	load        *load     // under way; nil while waiting for retryAt
	retryAt     time.Time // of the next load

	shard  *group.Shard // while serving
	parked map[group.Token]func(kmsg.Response)
	tokens group.Token

	queue      []group.Append // asked for and not yet in a flight
	flight     *flight
	logBytes   int64 // of the records in the log, about
	compaction compaction
}

func (p *partition) now() time.Time { return p.loop.cfg.Clock.Now() }

func (p *partition) lead(leaderEpoch int32, log Log) {
	if leaderEpoch < p.leaderEpoch || (leaderEpoch == p.leaderEpoch && p.phase != away) {
		return
	}
	p.resign()
	p.leaderEpoch, p.log = leaderEpoch, log
	p.startLoad()
}

// resign answers whatever is parked and forgets the shard. What is still in
// flight concerns nobody any more.
func (p *partition) resign() {
	p.unload()
	p.phase, p.log = away, nil
}

func (p *partition) unload() {
	if p.load != nil {
		p.load.cancel()
		p.load = nil
	}
	if p.phase == serving {
		p.step(group.Unload{})
		invariant.Check(len(p.parked) == 0, "%d requests parked after unload", len(p.parked))
	}
	p.shard, p.parked, p.queue, p.flight = nil, nil, nil, nil
	p.compaction, p.logBytes, p.retryAt = compaction{}, 0, time.Time{}
}

// reload drops a shard of which one cannot tell whether the log agrees, and
// lets it load again after a while.
func (p *partition) reload(why error) {
	p.logger.Error("offsets partition: loading again", "error", why)
	p.unload()
	p.phase = loading
	p.retryAt = p.now().Add(p.loop.cfg.LoadRetry)
}

// handle answers a request, parks it, or refuses it in the wrong phase.
func (p *partition) handle(r Request, reply func(kmsg.Response)) {
	if p.phase != serving {
		reply(group.ErrorResponse(r.Req, p.refusal(r.Req)))
		return
	}
	p.tokens++
	p.parked[p.tokens] = reply
	p.step(group.Request{Token: p.tokens, ClientID: r.ClientID, ClientHost: r.ClientHost, Req: r.Req})
	p.pump()
}

func (p *partition) refusal(req kmsg.Request) group.Code {
	switch p.phase {
	case loading:
		if _, ok := req.(*kmsg.HeartbeatRequest); ok {
			return group.None // sessions begin when the shard is loaded
		}
		return group.CoordinatorLoadInProgress
	case broken:
		return group.CoordinatorNotAvailable
	default:
		return group.NotCoordinator
	}
}

// deadline is when tick is due.
func (p *partition) deadline() (time.Time, bool) {
	switch {
	case p.phase == serving:
		return p.shard.NextDeadline()
	case p.phase == loading && p.load == nil:
		return p.retryAt, true
	}
	return time.Time{}, false
}

func (p *partition) tick() {
	if p.phase == loading {
		p.startLoad()
		return
	}
	p.step(group.Tick{})
	p.pump()
}

// step steps the shard and performs its effects, but lets appends gather until
// pump.
func (p *partition) step(c group.Command) { p.perform(p.shard.Step(p.now(), c)) }

func (p *partition) perform(effects []group.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case group.Append:
			p.queue = append(p.queue, e)
		case group.Reply:
			reply := p.parked[e.Token]
			invariant.Check(reply != nil, "partition %d: request %d answered twice", p.index, e.Token)
			delete(p.parked, e.Token)
			reply(e.Response)
		case group.Event:
			p.logger.Debug("group "+e.State.String(), "group", e.Group, "generation", e.Generation, "reason", e.Reason)
		}
	}
}
