package node

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
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
		rate := func(before float64, now, was uint64) float64 {
			return before*loadsMemory + float64(now-was)/passed.Seconds()*(1-loadsMemory)
		}
		before := m.loads[in.Stream]
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

// tellLoads tells the active controller, again and again, what this node's
// partitions cost it.
func (n *Node) tellLoads(ctx context.Context) {
	m, last := new(meter), n.clock.Now()
	for clock.Sleep(ctx, n.clock, loadsEvery) == nil {
		now := n.clock.Now()
		loads := m.measure(n.metadata.Image(), n.partitions.All(), max(now.Sub(last), time.Millisecond))
		last = now
		within, cancel := context.WithTimeout(ctx, loadsEvery)
		_ = n.reportLoads(within, loads) // the next one is as good
		cancel()
	}
}
