package node

import (
	"time"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

const (
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

// totalCost is what loads cost together, beyond what idle partitions do.
func totalCost(loads balance.Loads) uint64 {
	cost := 0.0
	for _, l := range loads {
		cost += l.Cost() - balance.Load{}.Cost()
	}
	return uint64(cost)
}
