package status

import (
	"fmt"
	"io"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Plan is what the balancing would move now.
type Plan struct {
	ByLoad bool        `json:"byLoad"` // else by the number of partitions: loads are known to the active controller alone
	Moves  []Partition `json:"moves"`
}

// MakePlan plans as the active controller would; loads are nil where they are
// not known.
func MakePlan(img *image.Image, loads balance.Loads, o balance.Options) Plan {
	p := Plan{ByLoad: loads != nil, Moves: []Partition{}}
	for _, m := range balance.Plan(img, loads, o) {
		told := Partition{Index: m.Index, From: m.From, To: m.To, Why: m.Why}
		if t, ok := img.Topic(m.Topic); ok {
			told.Topic = t.Name
		}
		p.Moves = append(p.Moves, told)
	}
	return p
}

// Print writes a plan for people.
func (p Plan) Print(out io.Writer) error {
	by := "the loads that the nodes reported"
	if !p.ByLoad {
		by = "the number of partitions (the active controller knows the loads: ask its admin listener)"
	}
	if len(p.Moves) == 0 {
		_, err := fmt.Fprintf(out, "By %s, there is nothing to move.\n", by)
		return err
	}
	fmt.Fprintf(out, "By %s, these would be moved:\n", by)
	for _, m := range p.Moves {
		if _, err := fmt.Fprintf(out, "%s-%d from node %d to node %d: %s\n", m.Topic, m.Index, m.From, m.To, m.Why); err != nil {
			return err
		}
	}
	return nil
}

// Leads is how many partitions a node leads, false if it is not registered.
func (c Cluster) Leads(id ids.NodeID) (n int, ok bool) {
	for _, x := range c.Nodes {
		if x.ID == id {
			return x.Leads, true
		}
	}
	return 0, false
}
