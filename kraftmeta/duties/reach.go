package duties

import (
	"slices"
	"strings"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// tellReach says which WALs are out of reach since the last look, and which are not
// any more.
func (w *worker) tellReach(img *image.Image) {
	for instance := range w.outOfReach {
		if x, ok := img.WAL(instance); !ok || !img.OutOfReach(x) {
			w.cfg.Log.Info("WAL is back in reach, or given up", "wal", instance.Hex())
			delete(w.outOfReach, instance)
		}
	}
	for x := range img.WALs() {
		if !img.OutOfReach(x) || w.outOfReach[x.Instance] {
			continue
		}
		streams := len(img.LostWith(x.Instance))
		if streams == 0 {
			continue
		}
		w.outOfReach[x.Instance] = true
		w.cfg.Log.Error("WAL out of reach: partitions are offline, or cannot be read whole, until it is back. "+
			"Start a node that reaches it, or give it up by 'seawall wal abandon'",
			"wal", x.Instance.Hex(), "location", x.Location, "of", x.Node, "partitions", streams,
			"reachedBy", reachedBy(img, x))
	}
}

// reachedBy are the nodes that could rescue a WAL, were they alive.
func reachedBy(img *image.Image, w *image.WAL) string {
	nodes := []string{w.Node.String()}
	for n := range img.Nodes() {
		if n.ID != w.Node && n.CanReach(w.Location) {
			nodes = append(nodes, n.ID.String())
		}
	}
	slices.Sort(nodes)
	return strings.Join(nodes, ",")
}
