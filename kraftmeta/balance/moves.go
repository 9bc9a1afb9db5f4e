package balance

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Options are how eager the balancing is.
type Options struct {
	// Slack is how far a node's load may lie above or below the mean, as a part
	// of the mean, before anything is moved: 0.2 is a fifth.
	Slack float64
	// Floor is the load of a node below which nothing is moved from it: it is
	// under no strain, and what is uneven among small loads is chance. A node
	// counts as loaded when it reaches any of the three, or leads many partitions.
	Floor Load
	// MovesMax bounds the moves of one plan.
	MovesMax int
}

// DefaultOptions move little: a plan is made again soon.
func DefaultOptions() Options {
	return Options{Slack: 0.2, MovesMax: 16, Floor: Load{BytesIn: 1 << 20, BytesOut: 1 << 20, Requests: 200}}
}

// ledFloor is how many partitions load a node by their number alone.
const ledFloor = 100

// isLoaded says whether a node has reached the floor.
func (o *Options) isLoaded(n *node) bool {
	return n.load.BytesIn >= o.Floor.BytesIn || n.load.BytesOut >= o.Floor.BytesOut ||
		n.load.Requests >= o.Floor.Requests || n.led >= ledFloor
}

// settledSlack is the part of the slack within which nodes are brought once one
// lies outside: at its edge the next fluctuation would move something again.
const settledSlack = 0.5

// Move is one planned change of a leader.
type Move struct {
	Topic ids.TopicID
	Index int32
	Epoch int32 // the leader epoch now
	From  ids.NodeID
	To    ids.NodeID
	Why   string // for people
}

// Leader is the move as SetLeaders wants it.
func (m Move) Leader() image.NewLeader {
	return image.NewLeader{Topic: m.Topic, Index: m.Index, Expected: m.Epoch, Leader: m.To}
}

// Plan chooses moves from the node with the most load to the one with the
// least, if they lie outside the slack and until they are well within it, each
// of a partition that brings both closer to the mean. A plan for an even cluster
// is empty, and so is the plan after its moves were made: nothing moves back and
// forth.
func Plan(img *image.Image, loads Loads, o Options) []Move {
	nodes := candidates(img, loads)
	if len(nodes) < 2 {
		return nil
	}
	mean := 0.0
	for _, n := range nodes {
		mean += n.cost / float64(len(nodes))
	}
	led := ledBy(img, loads)
	slack := o.Slack
	var moves []Move
	for len(moves) < o.MovesMax {
		from, to := extremes(nodes)
		if from.cost <= mean*(1+slack) && to.cost >= mean*(1-slack) || !o.isLoaded(from) {
			break
		}
		slack = o.Slack * settledSlack
		m, ok := bestMove(led, from, to, mean)
		if !ok {
			break
		}
		moves = append(moves, m)
	}
	return moves
}

func extremes(nodes []*node) (most, fewest *node) {
	most, fewest = nodes[0], nodes[0]
	for _, n := range nodes {
		if n.cost > most.cost {
			most = n
		}
		if n.cost < fewest.cost {
			fewest = n
		}
	}
	return most, fewest
}

// weighed is a partition with its cost.
type weighed struct {
	*image.Partition
	load Load
	cost float64
}

// ledBy lists what each node leads, the heaviest first.
func ledBy(img *image.Image, loads Loads) map[ids.NodeID][]weighed {
	led := map[ids.NodeID][]weighed{}
	for p := range img.AllPartitions() {
		led[p.Leader] = append(led[p.Leader], weighed{p, loads[p.Stream], loads[p.Stream].Cost()})
	}
	for _, ps := range led {
		slices.SortStableFunc(ps, func(a, b weighed) int { return cmp.Compare(b.cost, a.cost) })
	}
	return led
}

// bestMove takes the heaviest partition that fits: more than half of the gap
// would only turn the two nodes round. Nodes and lists are as after the move.
func bestMove(led map[ids.NodeID][]weighed, from, to *node, mean float64) (Move, bool) {
	gap := from.cost - to.cost
	i := slices.IndexFunc(led[from.id], func(p weighed) bool { return p.cost <= gap/2 })
	if i < 0 {
		return Move{}, false
	}
	p := led[from.id][i]
	m := Move{
		Topic: p.Topic, Index: p.Index, Epoch: p.LeaderEpoch, From: from.id, To: to.id,
		Why: fmt.Sprintf("node %d carries %.0f %% of the mean load, node %d %.0f %%; this partition is %.0f %% of it",
			from.id, 100*from.cost/mean, to.id, 100*to.cost/mean, 100*p.cost/mean),
	}
	led[from.id] = slices.Delete(led[from.id], i, i+1)
	from.gives(p.load)
	to.takes(p.load)
	return m, true
}
