package node

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestLoadsReachTheActiveController, from whichever broker leads.
func TestLoadsReachTheActiveController(t *testing.T) {
	c := newCluster(t, "controller", "broker", "broker")
	for _, s := range c.sources {
		s["autobalancer.controller.enable"] = "false" // all stays where it is
		s["num.partitions"] = "4"
	}
	c.start()
	cl := client(t, c.nodes[1], kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	ctx := deadline(t)
	c.until("the load of each partition to be known", func() bool {
		for range 4 {
			if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: make([]byte, 1000)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		known := c.nodes[0].knownLoads()
		if len(known) < 4 {
			return false
		}
		for _, l := range known {
			if l.BytesIn == 0 || l.Requests == 0 {
				return false
			}
		}
		return true
	})
}
