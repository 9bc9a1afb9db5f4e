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
	// silentMax, in sessions, is how long no controller may have answered before a
	// drain is given up: without a majority of them nothing can be handed over, nor
	// uploads committed.
	silentMax = 2
	// aloneMax is how long the last of several brokers uploads before it stops.
	// What is left is safe in its log.
	aloneMax = 3 * time.Second
)

// whileWorthIt is ctx that ends early, and says so in the log, when a drain has
// nobody to work with any more: as when all nodes of a cluster are stopped at once.
func (n *Node) whileWorthIt(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		alone := time.Duration(-1) // since when
		for clock.Sleep(ctx, n.clock, lookEvery) == nil {
			if n.lease.silent() >= silentMax*n.cfg.Lease.Session {
				n.log.Warn("the drain is given up, since no controller answers; what is in the write-ahead log stays there")
				return
			}
			switch now := n.lease.now(); {
			case !leftAlone(n.metadata.Image(), n.cfg.Node.ID):
				alone = -1
			case alone < 0:
				alone = now
			case now-alone >= aloneMax:
				n.log.Warn("the drain is given up, since no other broker is left; what is in the write-ahead log stays there")
				return
			}
		}
	}()
	return ctx, cancel
}

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
		if !othersAlive(n.metadata.Image(), n.cfg.Node.ID) {
			n.log.Warn("no broker is left to take over", "partitions", leads(n.metadata.Image(), n.cfg.Node.ID))
			return
		}
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
		n.gone.Store(true)
		n.lease.revoked.Store(true)
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

// leftAlone says whether a broker has others beside it, none of which can take over.
func leftAlone(img *image.Image, self ids.NodeID) bool {
	others := false
	for x := range img.Nodes() {
		others = others || x.ID != self && x.State != image.NodeRemoved
	}
	return others && !othersAlive(img, self)
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
