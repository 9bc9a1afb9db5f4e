package balance

import (
	"cmp"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Attempt is a node's failure to rescue a WAL: others are asked before it.
type Attempt struct {
	WAL  ids.WALInstance
	Node ids.NodeID
}

// Fence is the command that ends a node's epoch and names the rescuers of what
// it holds or was to rescue, among the living nodes but itself and those that
// are dead too. WALs that none of them reaches wait for the node's return.
func Fence(img *image.Image, dead *image.Node, alsoDead func(ids.NodeID) bool, failed map[Attempt]bool) *image.FenceNode {
	r := newRescuers(img, func(n *image.Node) bool { return n.ID != dead.ID && !alsoDead(n.ID) }, failed)
	cmd := &image.FenceNode{Node: dead.ID, Epoch: dead.Epoch}
	for w := range img.WALs() {
		holder, epoch := w.Holder()
		holds := holder == dead.ID && epoch == dead.Epoch && !w.State.IsOver()
		if holds || img.RescuerOf(w) == dead.ID {
			if to, ok := r.choose(w, true); ok {
				cmd.Rescuers = append(cmd.Rescuers, image.WALRescuer{Instance: w.Instance, Rescuer: to})
			}
		}
	}
	return cmd
}

// Rescuers names rescuers for WALs that wait for a node which is not alive or
// which failed at it. A WAL that nobody reaches stays as it is.
func Rescuers(img *image.Image, failed map[Attempt]bool) []image.WALRescuer {
	r := newRescuers(img, func(*image.Node) bool { return true }, failed)
	var out []image.WALRescuer
	for w := range img.WALs() {
		waits := img.RescuerOf(w)
		if waits == image.NoLeader {
			continue
		}
		n, ok := img.Node(waits)
		alive := ok && n.IsAlive()
		if alive && !failed[Attempt{w.Instance, waits}] {
			continue
		}
		// One that lives and failed tries again by itself: only one that did
		// not fail is better.
		if to, ok := r.choose(w, !alive); ok {
			out = append(out, image.WALRescuer{Instance: w.Instance, Rescuer: to})
		}
	}
	return out
}

// rescuers chooses among nodes, the one with the fewest rescues under way
// first.
type rescuers struct {
	nodes  []*image.Node
	busy   map[ids.NodeID]int
	has    map[volume]bool
	failed map[Attempt]bool
}

// volume is a place of WALs that a node has, or is about to take over. One that
// is exclusive has its instances, old and new, in the same hands: two nodes
// would only take it from each other.
type volume struct {
	location string
	node     ids.NodeID
}

func newRescuers(img *image.Image, ok func(*image.Node) bool, failed map[Attempt]bool) *rescuers {
	r := &rescuers{busy: map[ids.NodeID]int{}, has: map[volume]bool{}, failed: failed}
	for n := range img.Nodes() {
		if n.State == image.NodeActive && ok(n) {
			r.nodes = append(r.nodes, n)
		}
	}
	for w := range img.WALs() {
		holder, _ := w.Holder()
		if n := img.RescuerOf(w); n != image.NoLeader {
			r.busy[n]++
			holder = n
		}
		if !w.State.IsOver() && w.Kind != shared {
			r.has[volume{w.Location, holder}] = true
		}
	}
	return r
}

// shared is the kind of WALs that many nodes can have open.
const shared = "shared"

// choose takes one that did not fail before one that did, if those count at
// all; then one that has the volume; and the node itself, should it be back,
// before another one: what is in its WAL is on its own disk.
func (r *rescuers) choose(w *image.WAL, evenFailed bool) (ids.NodeID, bool) {
	var can []*image.Node
	for _, n := range r.nodes {
		reaches := n.ID == w.Node || n.CanReach(w.Location)
		if reaches && (evenFailed || r.fails(n, w) == 0) {
			can = append(can, n)
		}
	}
	if len(can) == 0 {
		return image.NoLeader, false
	}
	best := slices.MinFunc(can, func(a, b *image.Node) int {
		return cmp.Or(
			cmp.Compare(r.fails(a, w), r.fails(b, w)),
			cmp.Compare(r.away(a, w), r.away(b, w)),
			cmp.Compare(distance(a, w), distance(b, w)),
			cmp.Compare(r.busy[a.ID], r.busy[b.ID]),
			cmp.Compare(a.ID, b.ID))
	})
	r.busy[best.ID]++
	if w.Kind != shared {
		r.has[volume{w.Location, best.ID}] = true
	}
	return best.ID, true
}

func (r *rescuers) away(n *image.Node, w *image.WAL) int {
	if r.has[volume{w.Location, n.ID}] {
		return 0
	}
	return 1
}

func (r *rescuers) fails(n *image.Node, w *image.WAL) int {
	if r.failed[Attempt{w.Instance, n.ID}] {
		return 1
	}
	return 0
}

func distance(n *image.Node, w *image.WAL) int {
	if n.ID == w.Node {
		return 0
	}
	return 1
}
