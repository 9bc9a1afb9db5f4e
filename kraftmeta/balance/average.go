package balance

import "github.com/seawallmq/seawall/internal/ids"

// Average is what partitions cost over the last half minute or so. Loads of a
// second or two fluctuate more than the slack that balancing leaves them. What a
// partition costs does not depend on who leads it: its average outlasts a move.
// The zero value knows nothing. It has no lock.
type Average struct {
	of map[ids.StreamID]averaged
}

// averaged is a partition's average, and who reported it last.
type averaged struct {
	by   ids.NodeID
	load Load
}

const (
	// averageMemory is the part of the average that outlives a report: there is
	// one a second.
	averageMemory = 0.95
	// averageIdle, in bytes and requests a second, is not worth keeping.
	averageIdle = 1
)

// Report takes in what the partitions that a node leads cost it now. The first
// report of a partition is its average; those that the node leaves out since are
// idle.
func (a *Average) Report(node ids.NodeID, loads Loads) {
	if a.of == nil {
		a.of = map[ids.StreamID]averaged{}
	}
	for s, was := range a.of {
		if _, told := loads[s]; !told && was.by == node {
			was.load = was.load.times(averageMemory)
			if was.load.BytesIn+was.load.BytesOut+was.load.Requests < averageIdle {
				delete(a.of, s)
			} else {
				a.of[s] = was
			}
		}
	}
	for s, now := range loads {
		if was, known := a.of[s]; known {
			now = was.load.times(averageMemory).plus(now.times(1 - averageMemory))
		}
		a.of[s] = averaged{node, now}
	}
}

// Keep drops the partitions that f does not want to be known of.
func (a *Average) Keep(f func(ids.StreamID) bool) {
	for s := range a.of {
		if !f(s) {
			delete(a.of, s)
		}
	}
}

// Loads are the averages now, the caller's to keep.
func (a *Average) Loads() Loads {
	loads := make(Loads, len(a.of))
	for s, of := range a.of {
		loads[s] = of.load
	}
	return loads
}
