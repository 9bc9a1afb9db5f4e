package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// OpenWAL makes a new WAL instance known, before its first append. Retired and
// abandoned instances of the same node at the same location are forgotten once
// no stream names them: the new one has taken their place.
type OpenWAL struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	Instance  ids.WALInstance
	Kind      string
	Location  string
}

// CommandKind is KindOpenWAL.
func (*OpenWAL) CommandKind() CommandKind { return KindOpenWAL }

// NewResult is an empty result.
func (*OpenWAL) NewResult() *Done { return new(Done) }

func (cmd *OpenWAL) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	c.UUID(&cmd.Instance)
	wire.String(c, &cmd.Kind)
	wire.String(c, &cmd.Location)
}

func (cmd *OpenWAL) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	if cmd.Instance.IsZero() {
		return nil, refuse(InvalidCommand, "no WAL instance")
	}
	if cmd.Kind == KindDirect {
		if r := CanOpenDirect(d.img); r != nil {
			return nil, r
		}
	}
	if w, ok := d.img.wals.get(cmd.Instance); ok {
		return nil, refuse(DuplicateWAL, "WAL %s is %s", cmd.Instance, w.State)
	}
	var gone []ids.WALInstance
	for w := range d.img.WALs() {
		there := w.Node == cmd.Node && w.Location == cmd.Location
		if there && w.State.IsOver() && len(d.img.streamsIn(w.Instance)) == 0 {
			gone = append(gone, w.Instance)
		}
	}
	for _, instance := range gone {
		d.put(&RemoveWAL{instance})
	}
	d.put(&WAL{
		Instance: cmd.Instance, Node: cmd.Node, NodeEpoch: cmd.NodeEpoch,
		Kind: cmd.Kind, Location: cmd.Location, State: WALOpen, Rescuer: NoLeader, Assigned: NoLeader,
	})
	return new(Done), nil
}

// RescueWAL fixes, in one command, the end of every stream in a WAL whose
// holder's epoch has risen: the node assigned to it has fenced and read it
// (I6), or the holder's own next incarnation when none is. The rescuer holds
// the WAL from then on. Rescuing a rescued WAL, whose rescuer was fenced in turn,
// passes it on and leaves the ends as they are.
type RescueWAL struct {
	Node      ids.NodeID // the rescuer
	NodeEpoch ids.NodeEpoch
	Instance  ids.WALInstance
	// Ends are the ends of the streams found in the WAL. A stream that is not
	// listed has nothing in it past its committed end.
	Ends []StreamEnd
}

// StreamEnd is the end of one opening of a stream.
type StreamEnd struct {
	Stream ids.StreamID
	Epoch  ids.StreamEpoch
	End    int64
}

// RescuedWAL is the result of RescueWAL: the streams that it closed, by id,
// with the ends they have now. Ends listed for other streams were of openings
// that are over already.
type RescuedWAL struct {
	Closed []StreamEnd
}

// CommandKind is KindRescueWAL.
func (*RescueWAL) CommandKind() CommandKind { return KindRescueWAL }

// NewResult is an empty result.
func (*RescueWAL) NewResult() *RescuedWAL { return new(RescuedWAL) }

func (cmd *RescueWAL) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	c.UUID(&cmd.Instance)
	wire.List(c, &cmd.Ends, 3, streamEndFields)
}

func (r *RescuedWAL) fields(c *wire.Coder) { wire.List(c, &r.Closed, 3, streamEndFields) }

func streamEndFields(c *wire.Coder, e *StreamEnd) {
	wire.Uint(c, &e.Stream)
	wire.Uint(c, &e.Epoch)
	wire.Int(c, &e.End)
}

func (cmd *RescueWAL) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	was, ok := d.img.wals.get(cmd.Instance)
	if !ok || was.State.IsOver() {
		return nil, refuse(UnknownWAL, "WAL %s", cmd.Instance)
	}
	switch rescuer := d.img.RescuerOf(was); rescuer {
	case cmd.Node:
	case NoLeader:
		holder, held := was.Holder()
		return nil, refuse(WALNotFenced, "node %d holds WAL %s at its current epoch %d", holder, cmd.Instance, held)
	default:
		return nil, refuse(NotRescuer, "WAL %s is for node %d to rescue", cmd.Instance, rescuer)
	}
	next := *was
	next.State, next.Rescuer, next.RescuerEpoch, next.Assigned = WALRescued, cmd.Node, cmd.NodeEpoch, NoLeader
	d.put(&next)
	return &RescuedWAL{Closed: d.closeTailsOf(cmd.Instance, cmd.Ends)}, nil
}

// closeTailsOf closes every tail that is open in a WAL, at its end in ends or
// where it has nothing.
func (d *draft) closeTailsOf(instance ids.WALInstance, ends []StreamEnd) []StreamEnd {
	type opening struct {
		stream ids.StreamID
		epoch  ids.StreamEpoch
	}
	found := make(map[opening]int64, len(ends))
	for _, e := range ends {
		o := opening{e.Stream, e.Epoch}
		found[o] = max(found[o], e.End)
	}
	var open []*Stream
	for s := range d.img.Streams() {
		if t, ok := s.OpenTail(); ok && t.WAL == instance {
			open = append(open, s)
		}
	}
	closed := make([]StreamEnd, 0, len(open))
	for _, s := range open {
		end := max(found[opening{s.ID, s.Epoch}], s.KnownEnd())
		d.closeTail(s, end)
		closed = append(closed, StreamEnd{s.ID, s.Epoch, end})
	}
	return closed
}

// RetireWAL says that nothing in a WAL is needed any more.
type RetireWAL struct {
	Node      ids.NodeID // its holder
	NodeEpoch ids.NodeEpoch
	Instance  ids.WALInstance
}

// CommandKind is KindRetireWAL.
func (*RetireWAL) CommandKind() CommandKind { return KindRetireWAL }

// NewResult is an empty result.
func (*RetireWAL) NewResult() *Done { return new(Done) }

func (cmd *RetireWAL) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	c.UUID(&cmd.Instance)
}

func (cmd *RetireWAL) run(d *draft) (Result, *Refusal) {
	w, r := d.checkHolder(cmd.Node, cmd.NodeEpoch, cmd.Instance)
	if r != nil {
		return nil, r
	}
	for s := range d.img.Streams() {
		for _, t := range s.Tails {
			if t.WAL == cmd.Instance {
				return nil, refuse(WALInUse, "stream %d has offsets %d to %d in WAL %s",
					s.ID, max(t.Start, s.CommittedEnd), t.End, cmd.Instance)
			}
		}
	}
	next := *w
	next.State = WALRetired
	d.put(&next)
	return new(Done), nil
}
