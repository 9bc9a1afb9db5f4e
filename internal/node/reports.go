package node

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/duties"
)

// What a broker tells the active controller beside its heartbeats, and how that
// one takes it.

// loadsEvery is how often a broker tells the active controller its loads.
const loadsEvery = time.Second

// tellLoads tells the active controller, again and again, what this node's
// partitions cost it, and how much its WAL would have a rescuer read.
func (n *Node) tellLoads(ctx context.Context) {
	m, last := new(meter), n.clock.Now()
	for clock.Sleep(ctx, n.clock, loadsEvery) == nil {
		now := n.clock.Now()
		r := duties.Report{
			Loads:          m.measure(n.metadata.Image(), n.partitions.All(), max(now.Sub(last), time.Millisecond)),
			UntrimmedBytes: uint64(n.untrimmedBytes()),
			RescueTime:     time.Duration(n.streams.Stats().Upload.RescueSeconds * float64(time.Second)),
		}
		last = now
		n.load.Store(totalCost(r.Loads))
		within, cancel := context.WithTimeout(ctx, loadsEvery)
		told := newReport(n.cfg.Node.ID, n.epoch, r)
		_ = n.controllers.tell(within, peer.KeyReport, encodeMessage(reportMessage, told.fields)) // the next one is as good
		cancel()
	}
}

// takeReport is the other end of tellLoads.
func (n *Node) takeReport(c *broker.Ctx, t broker.Ticket) {
	var m report
	if err := decodeMessage(reportMessage, "report", c.Body, m.fields); err != nil {
		t.Abort(err)
		return
	}
	if n.isCurrent(m.node, m.epoch) {
		n.duties.Report(m.node, m.epoch, m.report())
	}
	broker.Reply(t, &peer.Response{APIKey: peer.KeyReport, Payload: n.activeByte()})
}

// reportRescueFailed tells the active controller that this node cannot rescue a
// WAL: another one is named, if there is one that reaches it.
func (n *Node) reportRescueFailed(ctx context.Context, instance ids.WALInstance, why error) error {
	m := rescueFailed{n.cfg.Node.ID, n.epoch, instance, why.Error()}
	return n.controllers.tell(ctx, peer.KeyRescueFailed, encodeMessage(rescueFailedMessage, m.fields))
}

// takeRescueFailed is the other end of reportRescueFailed.
func (n *Node) takeRescueFailed(c *broker.Ctx, t broker.Ticket) {
	var m rescueFailed
	if err := decodeMessage(rescueFailedMessage, "rescue failed", c.Body, m.fields); err != nil {
		t.Abort(err)
		return
	}
	if n.isCurrent(m.node, m.epoch) {
		n.log.Warn("a WAL could not be rescued", "wal", m.instance.Hex(), "rescuer", m.node, "reason", m.why)
		n.duties.RescueFailed(m.node, m.instance)
	}
	broker.Reply(t, &peer.Response{APIKey: peer.KeyRescueFailed, Payload: n.activeByte()})
}

// isCurrent says whether a message is of a living node's present epoch.
func (n *Node) isCurrent(node ids.NodeID, epoch ids.NodeEpoch) bool {
	known, ok := n.controller.Image().Node(node)
	return ok && known.IsAlive() && known.Epoch == epoch
}

// activeByte answers a message that only the active controller heeds: 1 if this
// one is it.
func (n *Node) activeByte() []byte {
	if term, _ := n.controller.Term(); term == 0 {
		return []byte{0}
	}
	return []byte{1}
}
