package broker

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// nodeLoad is how many partitions a node leads.
type nodeLoad struct {
	node  ids.NodeID
	leads int
}

// loads counts what the living nodes lead, by node id.
func loads(img *image.Image) []nodeLoad {
	var out []nodeLoad
	at := map[ids.NodeID]int{}
	for n := range img.Nodes() {
		if n.State == image.NodeActive {
			at[n.ID] = len(out)
			out = append(out, nodeLoad{node: n.ID})
		}
	}
	if len(out) < 2 {
		return out // there is nothing to choose
	}
	for p := range img.AllPartitions() {
		if i, ok := at[p.Leader]; ok {
			out[i].leads++
		}
	}
	return out
}

// place chooses leaders for n new partitions: each time the node that leads
// least, the one with the lowest id among equals. It counts what it places in
// loads, and returns nil if there is no node.
func place(loads []nodeLoad, n int) []ids.NodeID {
	if len(loads) == 0 {
		return nil
	}
	leaders := make([]ids.NodeID, n)
	for i := range leaders {
		least := 0
		for j := range loads {
			if loads[j].leads < loads[least].leads {
				least = j
			}
		}
		loads[least].leads++
		leaders[i] = loads[least].node
	}
	return leaders
}
