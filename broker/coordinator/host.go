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

// host keeps the shard of one partition of __consumer_offsets. All of it
// belongs to the goroutine of its loop.
type host struct {
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

func (h *host) now() time.Time { return h.loop.cfg.Clock.Now() }

func (h *host) lead(leaderEpoch int32, log Log) {
	if leaderEpoch < h.leaderEpoch || (leaderEpoch == h.leaderEpoch && h.phase != away) {
		return
	}
	h.resign()
	h.leaderEpoch, h.log = leaderEpoch, log
	h.startLoad()
}

// resign answers whatever is parked and forgets the shard. What is still in
// flight concerns nobody any more.
func (h *host) resign() {
	h.unload()
	h.phase, h.log = away, nil
}

func (h *host) unload() {
	if h.load != nil {
		h.load.cancel()
		h.load = nil
	}
	if h.phase == serving {
		h.step(group.Unload{})
		invariant.Check(len(h.parked) == 0, "%d requests parked after unload", len(h.parked))
	}
	h.shard, h.parked, h.queue, h.flight = nil, nil, nil, nil
	h.compaction, h.logBytes, h.retryAt = compaction{}, 0, time.Time{}
}

// reload drops a shard of which one cannot tell whether the log agrees, and
// lets it load again after a while.
func (h *host) reload(why error) {
	h.logger.Error("offsets partition: loading again", "error", why)
	h.unload()
	h.phase = loading
	h.retryAt = h.now().Add(h.loop.cfg.LoadRetry)
}

// handle answers a request, parks it, or refuses it in the wrong phase.
func (h *host) handle(r Request, reply func(kmsg.Response)) {
	if h.phase != serving {
		reply(group.ErrorResponse(r.Req, h.refusal(r.Req)))
		return
	}
	h.tokens++
	h.parked[h.tokens] = reply
	h.step(group.Request{Token: h.tokens, ClientID: r.ClientID, ClientHost: r.ClientHost, Req: r.Req})
	h.pump()
}

func (h *host) refusal(req kmsg.Request) group.Code {
	switch h.phase {
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
func (h *host) deadline() (time.Time, bool) {
	switch {
	case h.phase == serving:
		return h.shard.NextDeadline()
	case h.phase == loading && h.load == nil:
		return h.retryAt, true
	}
	return time.Time{}, false
}

func (h *host) tick() {
	if h.phase == loading {
		h.startLoad()
		return
	}
	h.step(group.Tick{})
	h.pump()
}

// step steps the shard and performs its effects, but lets appends gather until
// pump.
func (h *host) step(c group.Command) { h.perform(h.shard.Step(h.now(), c)) }

func (h *host) perform(effects []group.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case group.Append:
			h.queue = append(h.queue, e)
		case group.Reply:
			reply := h.parked[e.Token]
			invariant.Check(reply != nil, "partition %d: request %d answered twice", h.index, e.Token)
			delete(h.parked, e.Token)
			reply(e.Response)
		case group.Event:
			h.logger.Debug("group "+e.State.String(), "group", e.Group, "generation", e.Generation, "reason", e.Reason)
		}
	}
}
