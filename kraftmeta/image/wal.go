package image

import (
	"iter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// WAL is one instance of a write-ahead log, from the moment before it takes
// its first append until its space may be used again.
type WAL struct {
	Instance  ids.WALInstance
	Node      ids.NodeID    // who opened it
	NodeEpoch ids.NodeEpoch // at which epoch
	Kind      string        // how a second writer is kept out: exclusive, reservation or shared; or KindDirect
	Location  string        // its URL, as its node and rescuers understand it
	State     WALState
	// Trim is the position below which its space may be overwritten (I3), and
	// where recovery starts.
	Trim uint64
	// Rescuer serves and uploads what is left in a rescued WAL.
	Rescuer      ids.NodeID
	RescuerEpoch ids.NodeEpoch
	// Assigned is the node that is to rescue it next, its holder being dead;
	// NoLeader leaves it to the holder's own next incarnation.
	Assigned ids.NodeID
}

// WALState is the life of a WAL instance. The numbers are durable.
type WALState uint8

// The states of a WAL.
const (
	WALOpen    WALState = 1 // takes appends
	WALRescued WALState = 2 // every stream's end is fixed, never appended to again
	WALRetired WALState = 3 // nothing in it is needed
	// WALAbandoned: given up unread. What it alone had is lost.
	WALAbandoned WALState = 4
)

// IsOver says that nobody may append to the WAL, rescue it or upload from it any
// more.
func (s WALState) IsOver() bool { return s == WALRetired || s == WALAbandoned }

// String names the state.
func (s WALState) String() string { return enumName(s, "", "open", "rescued", "retired", "abandoned") }

// HeldBy says whether a node at an epoch speaks for what is in the WAL: the
// node that opened it or, once rescued, its rescuer.
func (r *WAL) HeldBy(node ids.NodeID, epoch ids.NodeEpoch) bool {
	holder, held := r.Holder()
	return !r.State.IsOver() && holder == node && held == epoch
}

// Holder is who spoke for the WAL last, at the epoch at which it did: the node
// that opened it or, once rescued, its rescuer.
func (r *WAL) Holder() (ids.NodeID, ids.NodeEpoch) {
	if r.State == WALRescued {
		return r.Rescuer, r.RescuerEpoch
	}
	return r.Node, r.NodeEpoch
}

// RescuerOf is the node that is to rescue a WAL now, NoLeader when none is: it
// is held, or over.
func (img *Image) RescuerOf(w *WAL) ids.NodeID {
	holder, epoch := w.Holder()
	if n, ok := img.nodes.get(holder); w.State.IsOver() || ok && n.Epoch == epoch {
		return NoLeader
	}
	if w.Assigned != NoLeader {
		return w.Assigned
	}
	return holder
}

// OutOfReach says whether a WAL waits in vain, as far as the metadata knows: for
// a node that is not alive. The controller names another one as soon as there is
// one that can read it.
func (img *Image) OutOfReach(w *WAL) bool {
	waits := img.RescuerOf(w)
	if waits == NoLeader {
		return false
	}
	n, ok := img.nodes.get(waits)
	return !ok || !n.IsAlive()
}

// RemoveWAL is the end of the record of a WAL that is over.
type RemoveWAL struct {
	Instance ids.WALInstance
}

// RecordKind is KindWAL.
func (*WAL) RecordKind() RecordKind { return KindWAL }

func (r *WAL) fields(c *wire.Coder) {
	c.UUID(&r.Instance)
	wire.Int(c, &r.Node)
	wire.Uint(c, &r.NodeEpoch)
	wire.String(c, &r.Kind)
	wire.String(c, &r.Location)
	wire.Uint(c, &r.State)
	wire.Uint(c, &r.Trim)
	wire.Int(c, &r.Rescuer)
	wire.Uint(c, &r.RescuerEpoch)
	wire.Int(c, &r.Assigned)
}

func (r *WAL) apply(img *Image) { img.wals.put(r.Instance, r) }

// RecordKind is KindRemoveWAL.
func (*RemoveWAL) RecordKind() RecordKind { return KindRemoveWAL }

func (r *RemoveWAL) fields(c *wire.Coder) { c.UUID(&r.Instance) }

func (r *RemoveWAL) apply(img *Image) { img.wals.remove(r.Instance) }

// WAL returns a WAL instance.
func (img *Image) WAL(instance ids.WALInstance) (*WAL, bool) { return img.wals.get(instance) }

// HasOpenedWAL says whether a node opened a WAL at an epoch.
func (img *Image) HasOpenedWAL(node ids.NodeID, epoch ids.NodeEpoch) bool {
	for w := range img.WALs() {
		if w.Node == node && w.NodeEpoch == epoch {
			return true
		}
	}
	return false
}

// WALs walks the WAL instances, in no order that means anything.
func (img *Image) WALs() iter.Seq[*WAL] { return img.wals.values() }
