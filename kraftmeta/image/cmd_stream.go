package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// OpenStreams opens streams for appends through a WAL: each accepted one gets
// a new stream epoch, and a tail that starts where the stream ends. The node
// must lead the partition, or it must have no leader; the earlier tails must
// be closed, though they need not be uploaded.
//
// The stream epoch and the leader epoch rise together, to the same number: so
// a partition's leader-epoch history is the history of its stream's tails and
// ranges, and is kept nowhere else.
type OpenStreams struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	WAL       ids.WALInstance // open, and the node's own
	Streams   []OpenStream
}

// OpenStream asks to open one stream.
type OpenStream struct {
	Stream   ids.StreamID
	Expected ids.StreamEpoch // the epoch it has now
}

// OpenedStreams is the result of OpenStreams, in the order asked for.
type OpenedStreams struct {
	Streams []OpenedStream
}

// OpenedStream is one opened stream or, when Refused is set, one that is not.
type OpenedStream struct {
	Stream      ids.StreamID
	Refused     Reason
	Epoch       ids.StreamEpoch
	LeaderEpoch int32
	Start       int64 // the offset of the first append
}

// CommandKind is KindOpenStreams.
func (*OpenStreams) CommandKind() CommandKind { return KindOpenStreams }

// NewResult is an empty result.
func (*OpenStreams) NewResult() *OpenedStreams { return new(OpenedStreams) }

func (cmd *OpenStreams) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	c.UUID(&cmd.WAL)
	wire.List(c, &cmd.Streams, 2, func(c *wire.Coder, s *OpenStream) {
		wire.Uint(c, &s.Stream)
		wire.Uint(c, &s.Expected)
	})
}

func (r *OpenedStreams) fields(c *wire.Coder) {
	wire.List(c, &r.Streams, 5, func(c *wire.Coder, s *OpenedStream) {
		wire.Uint(c, &s.Stream)
		wire.Uint(c, &s.Refused)
		wire.Uint(c, &s.Epoch)
		wire.Int(c, &s.LeaderEpoch)
		wire.Int(c, &s.Start)
	})
}

func (cmd *OpenStreams) run(d *draft) (Result, *Refusal) {
	w, r := d.checkHolder(cmd.Node, cmd.NodeEpoch, cmd.WAL)
	if r != nil {
		return nil, r
	}
	if w.State != WALOpen {
		return nil, refuse(NotWALHolder, "WAL %s is %s: nothing is appended to it again", w.Instance, w.State)
	}
	result := &OpenedStreams{Streams: make([]OpenedStream, 0, len(cmd.Streams))}
	for _, ask := range cmd.Streams {
		result.Streams = append(result.Streams, d.openStream(cmd, ask))
	}
	return result, nil
}

func (d *draft) openStream(cmd *OpenStreams, ask OpenStream) OpenedStream {
	refused := func(reason Reason) OpenedStream { return OpenedStream{Stream: ask.Stream, Refused: reason} }
	s, ok := d.img.streams.get(ask.Stream)
	if !ok {
		return refused(UnknownStream)
	}
	p, ok := d.img.Partition(s.Topic, s.Partition)
	if !ok {
		return refused(UnknownPartition)
	}
	_, open := s.OpenTail()
	switch {
	case p.Leader != cmd.Node && p.Leader != NoLeader:
		return refused(NotLeader)
	case s.Epoch != ask.Expected:
		return refused(StaleStreamEpoch)
	case open:
		return refused(StreamIsOpen)
	}
	next := s.clone()
	next.Epoch = max(s.Epoch+1, ids.StreamEpoch(p.LeaderEpoch))
	start := s.KnownEnd()
	next.Tails = append(next.Tails, Tail{Epoch: next.Epoch, WAL: cmd.WAL, Start: start, End: OpenEnd})
	d.put(next)
	led := *p
	led.Leader = cmd.Node
	led.LeaderEpoch = int32(next.Epoch)
	d.put(&led)
	return OpenedStream{Stream: s.ID, Epoch: next.Epoch, LeaderEpoch: led.LeaderEpoch, Start: start}
}

// CloseStreams ends the appends to streams: the holder of an open tail states
// where it ends. Another node may open the stream at once.
type CloseStreams struct {
	Node      ids.NodeID
	NodeEpoch ids.NodeEpoch
	Streams   []StreamEnd
}

// StreamOutcomes is the result of commands that treat streams one by one, in
// the order asked for: NotRefused where it was done.
type StreamOutcomes struct {
	Refused []Reason
}

// CommandKind is KindCloseStreams.
func (*CloseStreams) CommandKind() CommandKind { return KindCloseStreams }

// NewResult is an empty result.
func (*CloseStreams) NewResult() *StreamOutcomes { return new(StreamOutcomes) }

func (cmd *CloseStreams) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	wire.List(c, &cmd.Streams, 3, streamEndFields)
}

func (r *StreamOutcomes) fields(c *wire.Coder) { wire.List(c, &r.Refused, 1, wire.Uint[Reason]) }

func (cmd *CloseStreams) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	result := &StreamOutcomes{Refused: make([]Reason, 0, len(cmd.Streams))}
	for _, e := range cmd.Streams {
		result.Refused = append(result.Refused, d.closeStream(cmd, e))
	}
	return result, nil
}

func (d *draft) closeStream(cmd *CloseStreams, e StreamEnd) Reason {
	s, ok := d.img.streams.get(e.Stream)
	if !ok {
		return UnknownStream
	}
	t, open := s.OpenTail()
	if !open || t.Epoch != e.Epoch {
		return StaleStreamEpoch
	}
	w, ok := d.img.wals.get(t.WAL)
	switch {
	case !ok || !w.HeldBy(cmd.Node, cmd.NodeEpoch):
		return NotWALHolder
	case e.End < s.KnownEnd():
		return NotContiguous
	case w.IsDirect() && e.End > s.KnownEnd(): // nothing is in it that is not committed
		return PastEnd
	}
	d.closeTail(s, e.End)
	return NotRefused
}

// closeTail ends a stream's open tail. In a direct log nothing is left of it: all
// that it had is committed.
func (d *draft) closeTail(s *Stream, end int64) {
	next := s.clone()
	last := len(next.Tails) - 1
	if d.img.inDirectLog(next.Tails[last]) {
		next.Tails = next.Tails[:last]
	} else {
		next.Tails[last].End = end
	}
	next.dropSettledTails()
	d.put(next)
}

// dropSettledTails removes the tails that objects hold whole.
func (r *Stream) dropSettledTails() {
	n := 0
	for n < len(r.Tails) && !r.Tails[n].IsOpen() && r.Tails[n].End <= r.CommittedEnd {
		n++
	}
	r.Tails = r.Tails[n:]
	if len(r.Tails) == 0 {
		r.Tails = nil
	}
}
