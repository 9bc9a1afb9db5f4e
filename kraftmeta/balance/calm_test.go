package balance

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// All small loads are on one of two nodes, and nothing is moved; a node that
// leads very many partitions is relieved all the same.
func TestSmallLoadsAreLeftWhereTheyAre(t *testing.T) {
	m := newMeta(t)
	m.node(1, "")
	m.node(2, "")
	loads := Loads{}
	for _, s := range m.topic(1, 1, 1, 1, 1) {
		loads[s] = Load{BytesIn: 200 << 10, BytesOut: 200 << 10, Requests: 40}
	}
	if plan := Plan(m.img, loads, DefaultOptions()); plan != nil {
		t.Errorf("below every floor: %+v", plan)
	}
	for name, more := range map[string]Load{
		"in": {BytesIn: 300 << 10}, "out": {BytesOut: 300 << 10}, "requests": {Requests: 60},
	} {
		loaded := Loads{}
		for s, l := range loads {
			loaded[s] = l.plus(more)
		}
		if plan := Plan(m.img, loaded, DefaultOptions()); len(plan) == 0 {
			t.Errorf("nothing is moved from a node past the floor of %s", name)
		}
	}
	leaders := make([]ids.NodeID, ledFloor)
	for i := range leaders {
		leaders[i] = 1
	}
	m.topic(2, leaders...)
	if plan := Plan(m.img, nil, DefaultOptions()); len(plan) == 0 {
		t.Error("nothing is moved from a node with very many idle partitions")
	}
}

// Loads that fluctuate by half around what they are move nothing to and fro, and
// what is to move does so at the beginning: a cluster that stood near the edge of
// the slack may later step back from it, once.
func TestNoisyLoadsDoNotOscillate(t *testing.T) {
	const ticks, planEvery, settled, lateMax = 1000, 5, 100, 2
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		m := newMeta(t)
		nodes := 2 + random.IntN(4)
		for i := range nodes {
			m.node(ids.NodeID(i+1), "")
		}
		var leaders []ids.NodeID
		base := map[ids.StreamID]float64{}
		for range nodes * (1 + random.IntN(12)) {
			leaders = append(leaders, ids.NodeID(1+random.IntN(nodes)))
		}
		for _, s := range m.topic(1, leaders...) {
			base[s] = float64(1+random.IntN(20)) * (512 << 10)
		}
		var average Average
		left := map[int32][]ids.NodeID{} // by partition: the nodes that it was moved from
		late := 0
		for tick := range ticks {
			reportNoisy(m.img, &average, base, random)
			if tick%planEvery != 0 {
				continue
			}
			var cmd image.SetLeaders
			for _, move := range Plan(m.img, average.Loads(), DefaultOptions()) {
				if slices.Contains(left[move.Index], move.To) {
					t.Errorf("seed %d, tick %d: partition %d goes back to node %d", seed, tick, move.Index, move.To)
				}
				left[move.Index] = append(left[move.Index], move.From)
				cmd.Partitions = append(cmd.Partitions, move.Leader())
				if tick >= settled {
					late++
				}
			}
			if len(cmd.Partitions) > 0 {
				m.do(&cmd)
			}
		}
		if late > lateMax {
			t.Errorf("seed %d: %d nodes, %d partitions: %d moves after the first %d ticks", seed, nodes, len(leaders), late, settled)
		}
	}
}

// reportNoisy has every node report a second's loads.
func reportNoisy(img *image.Image, to *Average, base map[ids.StreamID]float64, random *rand.Rand) {
	for n := range img.Nodes() {
		loads := Loads{}
		for p := range img.AllPartitions() {
			if p.Leader == n.ID {
				loads[p.Stream] = Load{BytesIn: base[p.Stream] * (0.5 + random.Float64())}
			}
		}
		to.Report(n.ID, loads)
	}
}

// A partition's average outlasts a move, and fades when it falls idle.
func TestAverageFollowsThePartition(t *testing.T) {
	var a Average
	a.Report(1, Loads{7: {BytesIn: 1000}})
	if l := a.Loads()[7]; l.BytesIn != 1000 {
		t.Errorf("after the first report: %+v", l)
	}
	a.Report(2, Loads{7: {BytesIn: 2000}}) // it moved
	a.Report(1, Loads{})
	if l := a.Loads()[7]; l.BytesIn <= 1000 || l.BytesIn >= 2000 {
		t.Errorf("after a move: %+v", l)
	}
	for range 300 {
		a.Report(2, nil)
	}
	if l := a.Loads(); len(l) != 0 {
		t.Errorf("long idle: %+v", l)
	}
	a.Report(1, Loads{7: {Requests: 9}, 8: {Requests: 9}})
	a.Keep(func(s ids.StreamID) bool { return s == 8 })
	if l := a.Loads(); len(l) != 1 || l[8].Requests != 9 {
		t.Errorf("kept: %+v", l)
	}
}
