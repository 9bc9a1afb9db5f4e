package balance

import (
	"cmp"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Load is what a partition costs the node that leads it, as rates a second.
type Load struct {
	BytesIn  float64
	BytesOut float64
	Requests float64
}

// What a partition costs is summed up in one number, in bytes a second: a
// request costs what handling it does beside its bytes, and an idle partition
// still has its share of memory and metadata.
const (
	requestCost   = 16 << 10
	partitionCost = 1 << 10
)

// Cost is the load as one number, in bytes a second.
func (l Load) Cost() float64 {
	return l.BytesIn + l.BytesOut + l.Requests*requestCost + partitionCost
}

func (l Load) plus(o Load) Load {
	return Load{BytesIn: l.BytesIn + o.BytesIn, BytesOut: l.BytesOut + o.BytesOut, Requests: l.Requests + o.Requests}
}

func (l Load) times(f float64) Load {
	return Load{BytesIn: l.BytesIn * f, BytesOut: l.BytesOut * f, Requests: l.Requests * f}
}

// Loads tells the load of a stream's partition; streams without an entry are
// idle.
type Loads map[ids.StreamID]Load

// Spread is a node's load as it is when nobody knows of which partitions: the
// same for each that the node leads.
func Spread(img *image.Image, node ids.NodeID, load Load) Loads {
	all := Loads{}
	for p := range img.AllPartitions() {
		if p.Leader == node {
			all[p.Stream] = Load{}
		}
	}
	n := float64(len(all))
	for stream := range all {
		all[stream] = Load{BytesIn: load.BytesIn / n, BytesOut: load.BytesOut / n, Requests: load.Requests / n}
	}
	return all
}

// node is a node that may be given leadership, with the sum of what it has.
type node struct {
	id   ids.NodeID
	rack string
	cost float64
	load Load
	led  int // partitions
}

// takes counts one more partition.
func (n *node) takes(l Load) {
	n.cost, n.load, n.led = n.cost+l.Cost(), n.load.plus(l), n.led+1
}

// gives counts one less.
func (n *node) gives(l Load) {
	n.cost, n.led = n.cost-l.Cost(), n.led-1
	n.load = n.load.plus(l.times(-1))
}

// candidates are the nodes that may be given leadership, by id, with what they
// lead now.
func candidates(img *image.Image, loads Loads) []*node {
	var out []*node
	at := map[ids.NodeID]*node{}
	for n := range img.Nodes() {
		if n.State == image.NodeActive {
			x := &node{id: n.ID, rack: n.Rack}
			at[n.ID] = x
			out = append(out, x)
		}
	}
	if len(out) < 2 {
		return out // there is nothing to choose
	}
	for p := range img.AllPartitions() {
		if x := at[p.Leader]; x != nil {
			x.takes(loads[p.Stream])
		}
	}
	return out
}

// least is the node with the least cost among those that ok admits, the first
// among equals; nil if it admits none.
func least(nodes []*node, ok func(*node) bool) *node {
	var found *node
	for _, n := range nodes {
		if ok(n) && (found == nil || n.cost < found.cost) {
			found = n
		}
	}
	return found
}

func anyNode(*node) bool { return true }

// Placer gives leaders to new partitions: each time the node with the least
// load, which then counts as having one more.
type Placer struct {
	nodes []*node
}

// NewPlacer places onto the nodes that are alive and not leaving.
func NewPlacer(img *image.Image, loads Loads) *Placer {
	return &Placer{candidates(img, loads)}
}

// Place chooses n leaders, nil when there is no node to choose.
func (p *Placer) Place(n int) []ids.NodeID {
	if len(p.nodes) == 0 {
		return nil
	}
	leaders := make([]ids.NodeID, n)
	for i := range leaders {
		to := least(p.nodes, anyNode)
		to.takes(Load{})
		leaders[i] = to.id
	}
	return leaders
}

// LeadersMax bounds the leaders that one call of Leaders gives.
const LeadersMax = 2000

// Leaders gives leaders to partitions whose leader is gone or going: fenced,
// removed, leaving, or none. The heaviest are placed first, at most LeadersMax;
// nil when there is nothing to do or nobody to lead.
func Leaders(img *image.Image, loads Loads) []image.NewLeader {
	nodes := candidates(img, loads)
	if len(nodes) == 0 {
		return nil
	}
	var orphans []*image.Partition
	for p := range img.AllPartitions() {
		if n, ok := img.Node(p.Leader); !ok || n.State != image.NodeActive {
			orphans = append(orphans, p)
		}
	}
	slices.SortStableFunc(orphans, func(a, b *image.Partition) int {
		return cmp.Compare(loads[b.Stream].Cost(), loads[a.Stream].Cost())
	})
	orphans = orphans[:min(len(orphans), LeadersMax)]
	var out []image.NewLeader
	for _, p := range orphans {
		to := leaderFor(img, nodes, p)
		to.takes(loads[p.Stream])
		out = append(out, image.NewLeader{Topic: p.Topic, Index: p.Index, Expected: p.LeaderEpoch, Leader: to.id})
	}
	return out
}

// evenEnough is how much more load than the least loaded node one in the
// partition's own zone may have and still be taken: clients are near it.
const evenEnough = 1.2

// leaderFor prefers the zone that the partition was led in, as long as that
// does not load one node much more than another.
func leaderFor(img *image.Image, nodes []*node, p *image.Partition) *node {
	to := least(nodes, anyNode)
	was, ok := img.Node(p.Leader)
	if !ok || was.Rack == "" || to.rack == was.Rack {
		return to
	}
	near := least(nodes, func(n *node) bool { return n.rack == was.Rack })
	if near != nil && near.cost <= to.cost*evenEnough {
		return near
	}
	return to
}
