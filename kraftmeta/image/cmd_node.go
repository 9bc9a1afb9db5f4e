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
	// Previous is the node's epoch as the new incarnation found it, 0 if it was
	// not known. At any other the command is late: its process may be dead, and
	// what lives by now is its successor, which it must not fence.
	Previous  ids.NodeEpoch
	Rack      string
	Endpoints []Endpoint
	Reach     []string // see Node
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
	wire.Uint(c, &cmd.Previous)
	wire.String(c, &cmd.Rack)
	wire.List(c, &cmd.Endpoints, 4, endpointFields)
	wire.List(c, &cmd.Reach, 1, wire.String[string])
}

func (r *Registered) fields(c *wire.Coder) { wire.Uint(c, &r.Epoch) }

func (cmd *RegisterNode) run(d *draft) (Result, *Refusal) {
	if cmd.Node < 0 || cmd.Incarnation.IsZero() {
		return nil, refuse(InvalidCommand, "node %d, incarnation %s", cmd.Node, cmd.Incarnation)
	}
	was, known := d.img.nodes.get(cmd.Node)
	if !known {
		was = new(Node)
	}
	next := &Node{
		ID: cmd.Node, Epoch: was.Epoch + 1, Incarnation: cmd.Incarnation,
		Rack: cmd.Rack, Endpoints: cmd.Endpoints, State: NodeActive, Reach: cmd.Reach,
	}
	switch same := known && was.Incarnation == cmd.Incarnation; {
	case same && !was.IsAlive():
		return nil, refuse(NodeIsFenced, "incarnation %s of node %d", cmd.Incarnation, cmd.Node)
	case same:
		next.Epoch, next.State = was.Epoch, was.State
	case was.Epoch != cmd.Previous:
		return nil, refuse(StaleNodeEpoch, "node %d is at epoch %d, not %d", cmd.Node, was.Epoch, cmd.Previous)
	default:
		// The process that waits for these answers is gone.
		if _, ok := d.img.issuers.get(was.Incarnation); ok {
			d.put(&ForgetIssuer{was.Incarnation})
		}
	}
	d.put(next)
	d.endDirectLogs(cmd.Node)
	return &Registered{next.Epoch}, nil
}

// FenceNode raises the epoch of a node that is taken for dead, or that has
// left: from then on none of its commands is accepted. It names who is to
// rescue the WALs that the node held or was to rescue itself, once their fence
// is written. A WAL that is not named waits for the node's own return, or for
// AssignRescuers.
type FenceNode struct {
	Node     ids.NodeID
	Epoch    ids.NodeEpoch // the epoch that is to end
	Rescuers []WALRescuer
}

// WALRescuer names the node that is to rescue a WAL.
type WALRescuer struct {
	Instance ids.WALInstance
	Rescuer  ids.NodeID
}

// CommandKind is KindFenceNode.
func (*FenceNode) CommandKind() CommandKind { return KindFenceNode }

// NewResult is an empty result.
func (*FenceNode) NewResult() *Registered { return new(Registered) }

func (cmd *FenceNode) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.Epoch)
	wire.List(c, &cmd.Rescuers, 17, rescuerFields)
}

func rescuerFields(c *wire.Coder, r *WALRescuer) {
	c.UUID(&r.Instance)
	wire.Int(c, &r.Rescuer)
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
	d.endDirectLogs(cmd.Node)
	// What the node was to rescue waits for its own holder again, unless named.
	for _, w := range d.assignedTo(cmd.Node) {
		d.assign(w, NoLeader)
	}
	for _, r := range cmd.Rescuers {
		d.assignRescuer(r)
	}
	return &Registered{next.Epoch}, nil
}

func (d *draft) assignedTo(node ids.NodeID) []*WAL {
	var found []*WAL
	for w := range d.img.WALs() {
		if w.Assigned == node {
			found = append(found, w)
		}
	}
	return found
}

func (d *draft) assign(w *WAL, rescuer ids.NodeID) {
	next := *w
	next.Assigned = rescuer
	d.put(&next)
}

// assignRescuer names a living node for a WAL that is nobody's.
func (d *draft) assignRescuer(ask WALRescuer) Reason {
	w, ok := d.img.wals.get(ask.Instance)
	switch {
	case !ok || w.State == WALRetired:
		return UnknownWAL
	case d.img.RescuerOf(w) == NoLeader:
		return WALNotFenced
	}
	n, ok := d.img.nodes.get(ask.Rescuer)
	switch {
	case ask.Rescuer == NoLeader:
	case !ok:
		return UnknownNode
	case !n.IsAlive():
		return NodeIsFenced
	}
	d.assign(w, ask.Rescuer)
	return NotRefused
}

// AssignRescuers names other nodes to rescue WALs whose holders are dead, each
// accepted or refused by itself: the one named before cannot read it, or is to
// be the holder itself again (NoLeader).
type AssignRescuers struct {
	Rescuers []WALRescuer
}

// CommandKind is KindAssignRescuers.
func (*AssignRescuers) CommandKind() CommandKind { return KindAssignRescuers }

// NewResult is an empty result.
func (*AssignRescuers) NewResult() *StreamOutcomes { return new(StreamOutcomes) }

func (cmd *AssignRescuers) fields(c *wire.Coder) { wire.List(c, &cmd.Rescuers, 17, rescuerFields) }

func (cmd *AssignRescuers) run(d *draft) (Result, *Refusal) {
	result := new(StreamOutcomes)
	for _, r := range cmd.Rescuers {
		result.Refused = append(result.Refused, d.assignRescuer(r))
	}
	return result, nil
}

// LeaveCluster says that a node is shutting down: it keeps its epoch, and is
// given no leadership any more.
type LeaveCluster struct {
	Node  ids.NodeID
	Epoch ids.NodeEpoch
}

// CommandKind is KindLeaveCluster.
func (*LeaveCluster) CommandKind() CommandKind { return KindLeaveCluster }

// NewResult is an empty result.
func (*LeaveCluster) NewResult() *Done { return new(Done) }

func (cmd *LeaveCluster) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.Epoch)
}

func (cmd *LeaveCluster) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.Epoch); r != nil {
		return nil, r
	}
	was, _ := d.img.nodes.get(cmd.Node)
	if was.State == NodeActive {
		next := *was
		next.State = NodeLeaving
		d.put(&next)
	}
	return new(Done), nil
}

// RemoveNode says that nobody expects a node back. It must be dead, and nothing
// may be left in WALs that it held. Its epoch stays, should it return after all.
type RemoveNode struct {
	Node ids.NodeID
}

// CommandKind is KindRemoveNode.
func (*RemoveNode) CommandKind() CommandKind { return KindRemoveNode }

// NewResult is an empty result.
func (*RemoveNode) NewResult() *Done { return new(Done) }

func (cmd *RemoveNode) fields(c *wire.Coder) { wire.Int(c, &cmd.Node) }

func (cmd *RemoveNode) run(d *draft) (Result, *Refusal) {
	was, ok := d.img.nodes.get(cmd.Node)
	switch {
	case !ok || was.State == NodeRemoved:
		return nil, refuse(UnknownNode, "node %d", cmd.Node)
	case was.IsAlive():
		return nil, refuse(NodeInUse, "node %d is %s", cmd.Node, was.State)
	}
	for w := range d.img.WALs() {
		if holder, _ := w.Holder(); holder == cmd.Node && !w.State.IsOver() {
			return nil, refuse(NodeInUse, "WAL %s of node %d is not uploaded", w.Instance, cmd.Node)
		}
	}
	next := *was
	next.State, next.Endpoints, next.Reach = NodeRemoved, nil, nil
	d.put(&next)
	return new(Done), nil
}
