package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// MaxPrepared bounds how many objects one PrepareObjects gives out.
const MaxPrepared = 10_000

// PrepareObjects gives out the ids of objects about to be uploaded. An id is
// used for one attempt only, so that keys made of ids are unique an attempt.
type PrepareObjects struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	Count     int32 // 1 to MaxPrepared
	NowMs     int64 // Unix milliseconds, by the node's clock
}

// PreparedObjects is the result of PrepareObjects: Count ids from First on.
type PreparedObjects struct {
	First ids.ObjectID
}

// CommandKind is KindPrepareObjects.
func (*PrepareObjects) CommandKind() CommandKind { return KindPrepareObjects }

// NewResult is an empty result.
func (*PrepareObjects) NewResult() *PreparedObjects { return new(PreparedObjects) }

func (cmd *PrepareObjects) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	wire.Int(c, &cmd.Count)
	wire.Int(c, &cmd.NowMs)
}

func (r *PreparedObjects) fields(c *wire.Coder) { wire.Uint(c, &r.First) }

func (cmd *PrepareObjects) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	if cmd.Count < 1 || cmd.Count > MaxPrepared {
		return nil, refuse(InvalidCommand, "prepare %d objects", cmd.Count)
	}
	first, r := d.take(ObjectCounter, uint64(cmd.Count))
	if r != nil {
		return nil, r
	}
	for i := range uint64(cmd.Count) {
		d.put(&Object{
			ID: ids.ObjectID(first + i), State: ObjectPrepared,
			PreparedBy: cmd.Node, PreparedEpoch: cmd.NodeEpoch, PreparedAtMs: cmd.NowMs,
		})
	}
	return &PreparedObjects{ids.ObjectID(first)}, nil
}

// AbortObjects removes prepared objects that will never be committed. A node
// aborts its own; any node those whose preparing node is past the epoch it
// prepared them at, since no commit of theirs can be accepted any more.
type AbortObjects struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	Objects   []ids.ObjectID
}

// ObjectOutcomes is the result of commands that treat objects one by one, in
// the order asked for: NotRefused where it was done.
type ObjectOutcomes struct {
	Refused []Reason
}

// CommandKind is KindAbortObjects.
func (*AbortObjects) CommandKind() CommandKind { return KindAbortObjects }

// NewResult is an empty result.
func (*AbortObjects) NewResult() *ObjectOutcomes { return new(ObjectOutcomes) }

func (cmd *AbortObjects) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	wire.List(c, &cmd.Objects, 1, wire.Uint[ids.ObjectID])
}

func (r *ObjectOutcomes) fields(c *wire.Coder) { wire.List(c, &r.Refused, 1, wire.Uint[Reason]) }

func (cmd *AbortObjects) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	result := new(ObjectOutcomes)
	for _, id := range cmd.Objects {
		result.Refused = append(result.Refused, d.abortObject(cmd, id))
	}
	return result, nil
}

func (d *draft) abortObject(cmd *AbortObjects, id ids.ObjectID) Reason {
	was, ok := d.img.objects.get(id)
	switch {
	case !ok:
		return UnknownObject
	case was.State == ObjectRemoved:
		return NotRefused
	case was.State != ObjectPrepared:
		return NotRemovable
	}
	preparerAlive := d.checkNode(was.PreparedBy, was.PreparedEpoch) == nil
	if preparerAlive && was.PreparedBy != cmd.Node {
		return NotRemovable
	}
	next := *was
	next.State, next.RemovedAt = ObjectRemoved, d.index
	d.put(&next)
	return NotRefused
}

// ObjectsDeleted forgets removed objects after they were deleted from the
// store. They may be deleted once the feed of every living node has passed
// their removal (I4); Passed is the index up to which that was so.
type ObjectsDeleted struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	Passed    uint64
	Objects   []ids.ObjectID
}

// CommandKind is KindObjectsDeleted.
func (*ObjectsDeleted) CommandKind() CommandKind { return KindObjectsDeleted }

// NewResult is an empty result.
func (*ObjectsDeleted) NewResult() *ObjectOutcomes { return new(ObjectOutcomes) }

func (cmd *ObjectsDeleted) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	wire.Uint(c, &cmd.Passed)
	wire.List(c, &cmd.Objects, 1, wire.Uint[ids.ObjectID])
}

func (cmd *ObjectsDeleted) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	result := new(ObjectOutcomes)
	for _, id := range cmd.Objects {
		o, ok := d.img.objects.get(id)
		switch {
		case !ok:
			result.Refused = append(result.Refused, UnknownObject)
		case o.State != ObjectRemoved || o.RemovedAt > cmd.Passed:
			result.Refused = append(result.Refused, NotRemovable)
		default:
			d.put(&RemoveObject{id})
			result.Refused = append(result.Refused, NotRefused)
		}
	}
	return result, nil
}
