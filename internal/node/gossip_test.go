package node

import (
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/status"
)

// TestGossipFindsTheControllers: a broker that is told of nothing but a seed
// joins, and what nodes tell each other is shown.
func TestGossipFindsTheControllers(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker")
	for _, s := range c.sources {
		s["gossip.listener"], s["gossip.encryption.key"] = "127.0.0.1:0", "AAAAAAAAAAAAAAAAAAAAAA=="
	}
	first := &cluster{t: c.t, dir: c.dir, listeners: c.listeners, sources: c.sources, nodes: c.nodes[:1]}
	first.start()
	delete(c.sources[1], "controller.quorum.voters")
	c.sources[1]["gossip.seeds"] = c.nodes[0].gossip.Addr()
	c.start()
	produce(t, c.nodes[1], "t", 0, 10)
	for _, n := range c.nodes {
		c.until("gossip to be heard", func() bool {
			told, err := n.clusterStatus()
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range told.(status.Cluster).Nodes {
				if x.Gossip != "heard" {
					return false
				}
			}
			return true
		})
	}
	if _, ok := c.nodes[0].hintedLoad(2); !ok {
		t.Error("no hint of node 2's load")
	}
	c.drop(c.nodes[1])
	if _, ok := c.nodes[0].gossip.Member(ids.NodeID(2)); ok {
		t.Error("a node that said good-bye is still heard of")
	}
}

// TestStatusFromAnyNode: what the active controller alone knows is told by a
// broker too.
func TestStatusFromAnyNode(t *testing.T) {
	c := newCluster(t, "broker,controller", "broker,controller", "broker,controller")
	c.start()
	produce(t, c.nodes[0], "t", 0, 10)
	for _, n := range c.nodes {
		c.until("everything to be known", func() bool {
			told, err := n.clusterStatus()
			if err != nil {
				t.Fatal(err)
			}
			s := told.(status.Cluster)
			if s.Unknown != "" || len(s.Nodes) != 3 || len(s.Controllers) != 3 || len(s.WALs) != 3 || s.Controller < 0 {
				return false
			}
			for _, x := range s.Nodes {
				if x.Lag == nil || x.Load == nil {
					return false
				}
			}
			for _, w := range s.WALs {
				if w.RescueSeconds == nil {
					return false
				}
			}
			for _, v := range s.Controllers {
				if v.LogEnd < 0 {
					return false
				}
			}
			return true
		})
	}
}
