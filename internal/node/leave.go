package node

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

const (
	// leaveShare of the time for a drain is what moving leadership may take.
	leaveShare = 2
	lookEvery  = 20 * time.Millisecond
)

// leave has others lead what this node leads, and waits until they do. With
// nobody to take over it does nothing.
func (n *Node) leave(ctx context.Context) {
	if !othersAlive(n.metadata.Image(), n.cfg.Node.ID) {
		return
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/leaveShare)
		defer cancel()
	}
	n.leaving.Store(true)
	if _, err := kraftmeta.Do(ctx, n.metadata, &image.LeaveCluster{Node: n.cfg.Node.ID, Epoch: n.epoch}); err != nil {
		n.log.Warn("the cluster could not be told that this node leaves", "error", err)
		return
	}
	for leads(n.metadata.Image(), n.cfg.Node.ID) > 0 {
		if clock.Sleep(ctx, n.clock, lookEvery) != nil {
			n.log.Warn("not everything has another leader yet", "partitions", leads(n.metadata.Image(), n.cfg.Node.ID))
			return
		}
	}
	if err := n.partitions.AwaitEmpty(ctx); err != nil {
		n.log.Warn("not everything is closed for its next leader yet", "error", err)
	}
}

// farewell says that this node is gone and has left nothing behind, so that
// nobody waits for the end of its lease.
func (n *Node) farewell(ctx context.Context) {
	n.silence()
	if n.leaving.Load() {
		n.lease.revoked.Store(true) // to be fenced now is no news
		n.beat(ctx, true, true)
	}
}

// othersAlive says whether another broker can take over.
func othersAlive(img *image.Image, self ids.NodeID) bool {
	for x := range img.Nodes() {
		if x.ID != self && x.State == image.NodeActive {
			return true
		}
	}
	return false
}

// leads is how many partitions a node leads.
func leads(img *image.Image, node ids.NodeID) (count int) {
	for p := range img.AllPartitions() {
		if p.Leader == node {
			count++
		}
	}
	return count
}
