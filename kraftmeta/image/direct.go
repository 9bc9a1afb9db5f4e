package image

import "github.com/seawallmq/seawall/internal/ids"

// KindDirect is the kind of a WAL that is no log on a device: what is appended
// through it is acknowledged when it stands in a committed object, and is nowhere
// else before. So the metadata knows where its tails end, at any time: it needs no
// rescuer, and is over with the epoch of the node that opened it, in the very
// command that ends that. Whatever its holder still uploads is refused from then
// on (I6).
const KindDirect = "direct"

// directLevel is the level of [MetadataFeature] from which on there are direct
// logs: programs below it would have them rescued.
const directLevel = 3

// IsDirect says whether the WAL is of KindDirect.
func (r *WAL) IsDirect() bool { return r.Kind == KindDirect }

// CanOpenDirect refuses direct logs while the cluster may have programs that do
// not know them.
func CanOpenDirect(img *Image) *Refusal {
	return img.needLevel(directLevel, "topics can be acknowledged from object storage")
}

// endDirectLogs retires the direct logs that a node opened at epochs that are over.
func (d *draft) endDirectLogs(node ids.NodeID) {
	epoch := d.img.EpochOf(node)
	var over []*WAL
	for w := range d.img.WALs() {
		if w.IsDirect() && w.Node == node && w.NodeEpoch != epoch && !w.State.IsOver() {
			over = append(over, w)
		}
	}
	for _, w := range over {
		d.closeTailsOf(w.Instance, nil)
		next := *w
		next.State = WALRetired
		d.put(&next)
	}
}

// inDirectLog says whether a tail is in a direct log.
func (img *Image) inDirectLog(t Tail) bool {
	w, ok := img.wals.get(t.WAL)
	return ok && w.IsDirect()
}
