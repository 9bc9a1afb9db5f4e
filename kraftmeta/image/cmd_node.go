package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// RegisterNode makes a node known and alive. A new incarnation gets a new node
// epoch; the same one keeps its epoch and may change what it says of itself.
type RegisterNode struct {
	Node        ids.NodeID
	Incarnation ids.UUID // also the issuer of the process's commands
	Rack        string
	Endpoints   []Endpoint
}

// Registered is the result of RegisterNode.
type Registered struct {
	Epoch ids.NodeEpoch
}

// CommandKind is KindRegisterNode.
func (*RegisterNode) CommandKind() CommandKind { return KindRegisterNode }

// NewResult is an empty result.
func (*RegisterNode) NewResult() *Registered { return new(Registered) }

func (cmd *RegisterNode) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	c.UUID(&cmd.Incarnation)
	wire.String(c, &cmd.Rack)
	wire.List(c, &cmd.Endpoints, 4, endpointFields)
}

func (r *Registered) fields(c *wire.Coder) { wire.Uint(c, &r.Epoch) }

func (cmd *RegisterNode) run(d *draft) (Result, *Refusal) {
	if cmd.Node < 0 || cmd.Incarnation.IsZero() {
		return nil, refuse(InvalidCommand, "node %d, incarnation %s", cmd.Node, cmd.Incarnation)
	}
	next := &Node{
		ID: cmd.Node, Epoch: 1, Incarnation: cmd.Incarnation,
		Rack: cmd.Rack, Endpoints: cmd.Endpoints, State: NodeActive,
	}
	if was, ok := d.img.nodes.get(cmd.Node); ok {
		switch {
		case was.Incarnation != cmd.Incarnation:
			next.Epoch = was.Epoch + 1
			// The process that waits for these answers is gone.
			if _, ok := d.img.issuers.get(was.Incarnation); ok {
				d.put(&ForgetIssuer{was.Incarnation})
			}
		case was.State == NodeFenced:
			return nil, refuse(NodeIsFenced, "incarnation %s of node %d", cmd.Incarnation, cmd.Node)
		default:
			next.Epoch = was.Epoch
		}
	}
	d.put(next)
	return &Registered{next.Epoch}, nil
}

// FenceNode raises the epoch of a node that is taken for dead, or that shuts
// down: from then on none of its commands is accepted, and its WALs can be
// rescued once their fence is written.
type FenceNode struct {
	Node  ids.NodeID
	Epoch ids.NodeEpoch // the epoch that is to end
}

// CommandKind is KindFenceNode.
func (*FenceNode) CommandKind() CommandKind { return KindFenceNode }

// NewResult is an empty result.
func (*FenceNode) NewResult() *Registered { return new(Registered) }

func (cmd *FenceNode) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.Epoch)
}

func (cmd *FenceNode) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.Epoch); r != nil {
		return nil, r
	}
	was, _ := d.img.nodes.get(cmd.Node)
	next := *was
	next.Epoch++
	next.State = NodeFenced
	d.put(&next)
	return &Registered{next.Epoch}, nil
}
