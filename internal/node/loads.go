package node

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/broker"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/broker/peer"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/duties"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

const (
	// loadsEvery is how often a broker tells the active controller its loads.
	loadsEvery = time.Second
	// loadsMemory is the part of a rate that lives on in the next one: what is
	// told is an average over a few seconds.
	loadsMemory = 0.7
	// idleBelow, in bytes and requests a second, need not be told.
	idleBelow = 1
)

// meter turns the counters of partitions into loads.
type meter struct {
	last  map[ids.StreamID]partition.Traffic
	loads balance.Loads
}

// measure is what the partitions cost now, some time after the last call. Idle
// ones are left out.
func (m *meter) measure(img *image.Image, parts []*partition.Partition, passed time.Duration) balance.Loads {
	last, loads := make(map[ids.StreamID]partition.Traffic, len(parts)), balance.Loads{}
	for _, p := range parts {
		in, ok := img.Partition(p.TopicID, p.Index)
		if !ok {
			continue
		}
		now := p.Traffic()
		was, known := m.last[in.Stream]
		last[in.Stream] = now
		if !known || now.Requests < was.Requests { // opened anew
			continue
		}
		before, again := m.loads[in.Stream]
		rate := func(before float64, now, was uint64) float64 {
			rate := float64(now-was) / passed.Seconds()
			if again {
				rate = before*loadsMemory + rate*(1-loadsMemory)
			}
			return rate
		}
		l := balance.Load{
			BytesIn:  rate(before.BytesIn, now.BytesIn, was.BytesIn),
			BytesOut: rate(before.BytesOut, now.BytesOut, was.BytesOut),
			Requests: rate(before.Requests, now.Requests, was.Requests),
		}
		if l.BytesIn+l.BytesOut+l.Requests >= idleBelow {
			loads[in.Stream] = l
		}
	}
	m.last, m.loads = last, loads
	return loads
}

// balanceOptions are how eager the balancing is to be.
func (n *Node) balanceOptions() balance.Options {
	o, c := balance.DefaultOptions(), n.cfg.Balance
	o.Floor = balance.Load{BytesIn: float64(c.BytesInFloor), BytesOut: float64(c.BytesOutFloor), Requests: float64(c.RequestsFloor)}
	return o
}

// tellLoads tells the active controller, again and again, what this node's
// partitions cost it, and how much its WAL would have a rescuer read.
func (n *Node) tellLoads(ctx context.Context) {
	m, last := new(meter), n.clock.Now()
	for clock.Sleep(ctx, n.clock, loadsEvery) == nil {
		now := n.clock.Now()
		r := duties.Report{
			Loads:          m.measure(n.metadata.Image(), n.partitions.All(), max(now.Sub(last), time.Millisecond)),
			UntrimmedBytes: uint64(max(n.wal.DurableUpTo()-n.wal.Trimmed(), 0)),
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

// totalCost is what loads cost together, beyond what idle partitions do.
func totalCost(loads balance.Loads) uint64 {
	cost := 0.0
	for _, l := range loads {
		cost += l.Cost() - balance.Load{}.Cost()
	}
	return uint64(cost)
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
