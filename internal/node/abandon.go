package node

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/internal/admin"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/status"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// losses is what giving up a WAL, or those of a node, would lose.
func (n *Node) losses(which string) (any, error) {
	if err := n.upForOperators(); err != nil {
		return nil, err
	}
	return status.DescribeLosses(n.metadata.Image(), which)
}

// abandonWAL gives a WAL up for good, on an operator's word.
func (n *Node) abandonWAL(ctx context.Context, a admin.Abandon) error {
	if err := n.upForOperators(); err != nil {
		return err
	}
	instance, err := ids.ParseUUID(a.Instance)
	if err != nil {
		return err
	}
	img := n.metadata.Image()
	if r := image.CanAbandon(img); r != nil {
		return r
	}
	w, ok := img.WAL(instance)
	if ok && !a.Force && !img.OutOfReach(w) && !w.State.IsOver() {
		return fmt.Errorf("WAL %s: node %d is alive, and has it or is to rescue it", instance.Hex(), livingHope(img, w))
	}
	lost, err := kraftmeta.Do(ctx, n.metadata, &image.AbandonWAL{
		Instance: instance, Holder: ids.NodeID(a.Holder), HolderEpoch: ids.NodeEpoch(a.HolderEpoch),
	})
	if err != nil {
		return err
	}
	n.log.Warn("WAL given up, by an operator's word", "wal", instance.Hex(), "partitions", len(lost.Lost))
	return nil
}

// livingHope is who has a WAL or is to rescue it.
func livingHope(img *image.Image, w *image.WAL) ids.NodeID {
	if r := img.RescuerOf(w); r != image.NoLeader {
		return r
	}
	holder, _ := w.Holder()
	return holder
}

// noteAbandoned says at a start what the cluster did without this node.
func (n *Node) noteAbandoned(img *image.Image) {
	for w := range img.WALs() {
		if w.Node == n.cfg.Node.ID && w.State == image.WALAbandoned {
			n.log.Warn("this node's old WAL was given up while the node was away: what was in it alone is lost, and it is not read again",
				"wal", w.Instance.Hex(), "location", w.Location)
		}
	}
}
