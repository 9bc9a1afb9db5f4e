package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// ErrFenced is why a node stops that the cluster has taken for dead: others have
// taken over what it had. A new Node may be started in its place at once; it
// joins as a new incarnation.
var ErrFenced = errors.New("this broker was fenced: the cluster took it for dead, and others have taken over")

// lease tells whether the cluster takes this broker for alive, as far as the
// broker can know: by when it sent the last heartbeat that was answered. It is
// judged at the time of asking, by a clock that never goes back: a process that
// was paused knows at once.
type lease struct {
	clock   clock.Clock
	began   time.Time
	session time.Duration // 0: the lease has no end
	renewed atomic.Int64  // since began
	revoked atomic.Bool   // for good
}

func newLease(c clock.Clock, session time.Duration) *lease {
	return &lease{clock: c, began: c.Now(), session: session}
}

func (l *lease) now() time.Duration { return l.clock.Now().Sub(l.began) }

// Valid says whether clients may be served.
func (l *lease) Valid() bool {
	if l.revoked.Load() {
		return false
	}
	return l.session == 0 || l.now()-time.Duration(l.renewed.Load()) < l.session
}

// silent is how long ago the last heartbeat was sent that was answered, 0 if
// that does not matter.
func (l *lease) silent() time.Duration {
	if l.session == 0 {
		return 0
	}
	return l.now() - time.Duration(l.renewed.Load())
}

// renew notes that a heartbeat sent at a time was answered.
func (l *lease) renew(sent time.Duration) {
	l.renewed.Store(int64(max(sent, time.Duration(l.renewed.Load()))))
}

// startLease begins to send heartbeats. They go on until the node closes, past
// its drain.
func (n *Node) startLease() {
	session := n.cfg.Lease.Session
	if !n.cfg.HasOthers() {
		session = 0 // nobody could take over
	}
	n.lease = newLease(n.clock, session)
	n.observer.OnDelta(func(_, next *image.Image, _ image.Delta) {
		if self, ok := next.Node(n.cfg.Node.ID); !ok || self.Epoch != n.epoch {
			n.fenced(next)
		}
	})
	n.work.Go(func() {
		for !n.lease.revoked.Load() {
			n.beat(n.beating, n.leaving.Load(), false)
			if clock.Sleep(n.beating, n.clock, n.cfg.Lease.Interval) != nil {
				return
			}
		}
	})
}

// answerWithin is the part of a session after which a controller that has not
// answered a heartbeat is given up.
const answerWithin = 3

// beat sends a heartbeat, to whoever is the active controller.
func (n *Node) beat(ctx context.Context, leaving, gone bool) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease.Session/answerWithin)
	defer cancel()
	req := kmsg.NewPtrBrokerHeartbeatRequest()
	req.BrokerID, req.BrokerEpoch = int32(n.cfg.Node.ID), int64(n.epoch)
	req.CurrentMetadataOffset = int64(n.observer.Image().Index())
	req.WantShutdown, req.WantFence = leaving, gone
	sent := n.lease.now()
	resp, err := n.controllers.ask(ctx, req)
	if err != nil {
		if ctx.Err() == nil || n.beating.Err() == nil {
			n.metrics.heartbeatsMissed.Inc()
			n.refusals.Log(n.log, slog.LevelWarn, n.clock.Now(), "heartbeat not answered", "error", err)
		}
		return
	}
	switch code := resp.(*kmsg.BrokerHeartbeatResponse).ErrorCode; code {
	case 0:
		n.lease.renew(sent)
	case kerr.StaleBrokerEpoch.Code, kerr.BrokerIDNotRegistered.Code:
		n.fenced(n.observer.Image())
	default:
		n.log.Warn("heartbeat refused", "error", kerr.ErrorForCode(code))
	}
}

// fenced stops the node: what it had is others' now, by the metadata in img.
func (n *Node) fenced(img *image.Image) {
	if n.lease.revoked.Swap(true) {
		return
	}
	if twin, ok := img.Node(n.cfg.Node.ID); ok && twin.IsAlive() && twin.Incarnation != n.incarnation {
		n.log.Error("fenced: another process has joined as this node; if both are meant to run, give one another node.id",
			"node", n.cfg.Node.ID, "epoch", n.epoch, "other", endpointsText(twin.Endpoints))
	} else {
		n.log.Error("fenced: the cluster took this broker for dead", "epoch", n.epoch)
	}
	n.metrics.fenced.Inc()
	n.fail(ErrFenced)
}

// endpointsText is where a node is met.
func endpointsText(endpoints []image.Endpoint) string {
	var at []string
	for _, e := range endpoints {
		at = append(at, net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port))))
	}
	return strings.Join(at, ",")
}
