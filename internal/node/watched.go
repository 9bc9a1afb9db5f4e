package node

import (
	"fmt"
	"io"

	"github.com/VictoriaMetrics/metrics"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/status"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// clusterCounters count what happens in the cluster, as this node sees it in
// the metadata.
type clusterCounters struct {
	self          ids.NodeID
	gained, lost  *metrics.Counter // partitions
	fencedBrokers *metrics.Counter
}

func newClusterCounters(set *metrics.Set, self ids.NodeID) *clusterCounters {
	return &clusterCounters{
		self:          self,
		gained:        set.NewCounter(`seawall_ownership_changes_total{change="gained"}`),
		lost:          set.NewCounter(`seawall_ownership_changes_total{change="lost"}`),
		fencedBrokers: set.NewCounter("seawall_nodes_fenced_total"),
	}
}

// changed is a subscriber of the feed.
func (c *clusterCounters) changed(prev, _ *image.Image, d image.Delta) {
	if prev.Index() == 0 {
		return // all that was there before this node looked
	}
	for _, r := range d.Records {
		switch r := r.(type) {
		case *image.Partition:
			was, known := prev.Partition(r.Topic, r.Index)
			before := known && was.Leader == c.self
			switch now := r.Leader == c.self; {
			case now && !before:
				c.gained.Inc()
			case before && !now:
				c.lost.Inc()
			}
		case *image.Node:
			if was, known := prev.Node(r.ID); known && was.IsAlive() && r.State == image.NodeFenced {
				c.fencedBrokers.Inc()
			}
		}
	}
}

// writeCluster writes how the cluster stands, as this node sees it.
func (m *nodeMetrics) writeCluster(w io.Writer, gauge func(name string, v float64)) {
	n, img := m.node, m.node.metadata.Image()
	alive := 0
	for x := range img.Nodes() {
		if x.IsAlive() {
			alive++
		}
	}
	gauge("seawall_brokers_alive", float64(alive))
	offline, outOfReach := status.CountOffline(img)
	gauge("seawall_partitions_offline", float64(offline))
	gauge("seawall_wals_out_of_reach", float64(outOfReach))
	if n.gossip != nil {
		gauge("seawall_gossip_members", float64(len(n.gossip.Living())))
	}
	if n.partitions != nil {
		gauge("seawall_partitions_led", float64(leads(img, n.cfg.Node.ID)))
		gauge("seawall_partitions_waiting", float64(n.partitions.Waiting()))
	}
	prepared, removed, bytes := 0, 0, int64(0)
	for o := range img.Unsettled() {
		if o.State == image.ObjectPrepared {
			prepared++
		} else {
			removed++
			bytes += o.Size
		}
	}
	metrics.WriteMetadataIfNeeded(w, "seawall_store_orphan_objects", "gauge")
	fmt.Fprintf(w, "seawall_store_orphan_objects{state=\"prepared\"} %d\n", prepared)
	fmt.Fprintf(w, "seawall_store_orphan_objects{state=\"removed\"} %d\n", removed)
	gauge("seawall_store_orphan_bytes", float64(bytes))
	if n.controller != nil && n.controller.IsActive() {
		m.writeVoters(w)
	}
}

// writeVoters writes how far the other controllers are behind this one.
func (m *nodeMetrics) writeVoters(w io.Writer) {
	n := m.node
	q := n.controller.Quorum()
	metrics.WriteMetadataIfNeeded(w, "seawall_controller_log_lag", "gauge")
	for _, v := range q.Voters {
		if v.Known && v.Node != n.cfg.Node.ID {
			fmt.Fprintf(w, "seawall_controller_log_lag{voter=\"%d\"} %d\n", v.Node, max(q.LastIndex, v.Log.Index)-v.Log.Index)
		}
	}
}
