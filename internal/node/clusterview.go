package node

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/status"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// What operators ask of a cluster, by any node's admin listener.

// clusterStatus is how the cluster stands, as this node's image has it.
func (n *Node) clusterStatus() (any, error) {
	if err := n.upForOperators(); err != nil {
		return nil, err
	}
	v := n.view(n.ctx)
	return status.Describe(n.metadata.Image(), &v), nil
}

// balancePlan is what balancing would move.
func (n *Node) balancePlan() (any, error) {
	if err := n.upForOperators(); err != nil {
		return nil, err
	}
	return status.MakePlan(n.metadata.Image(), n.knownLoads(), n.balanceOptions()), nil
}

// drainNode has a node give up all that it leads. It stays up, and leads again
// after its next start.
func (n *Node) drainNode(ctx context.Context, id int32) error {
	if err := n.upForOperators(); err != nil {
		return err
	}
	target, ok := n.metadata.Image().Node(ids.NodeID(id))
	if !ok || !target.IsAlive() {
		return fmt.Errorf("node %d is not alive", id)
	}
	if !othersLead(n.metadata.Image(), target.ID) {
		return fmt.Errorf("no other broker is there that could lead what node %d leads", id)
	}
	_, err := kraftmeta.Do(ctx, n.metadata, &image.LeaveCluster{Node: target.ID, Epoch: target.Epoch})
	return err
}

// othersLead says whether a broker beside this one may be given partitions.
func othersLead(img *image.Image, id ids.NodeID) bool {
	for other := range img.Nodes() {
		if other.ID != id && other.State == image.NodeActive {
			return true
		}
	}
	return false
}

// upForOperators is nil while the parts that operators ask about are there.
func (n *Node) upForOperators() error {
	if s := n.at(); s == starting || s == stopped {
		return fmt.Errorf("node %d is %s", n.cfg.Node.ID, s)
	}
	return nil
}

// activeController is the controller that decides now, -1 if none is known.
func (n *Node) activeController() ids.NodeID {
	if n.controller != nil {
		return n.controller.Quorum().Leader
	}
	return n.controllers.known()
}

// knownLoads are the loads that brokers reported, nil unless this node has the
// active controller.
func (n *Node) knownLoads() balance.Loads {
	if n.duties == nil {
		return nil
	}
	return n.duties.KnownLoads()
}
