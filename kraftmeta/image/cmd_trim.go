package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// TrimStreams raises the start offsets of streams, for DeleteRecords and
// retention. Objects that no stream needs any more become removed. A start
// offset at or below the one that a stream has is done already.
type TrimStreams struct {
	Node      ids.NodeID // leads the partitions
	NodeEpoch ids.NodeEpoch
	Streams   []StreamStart
}

// StreamStart is the start offset that a stream is to have.
type StreamStart struct {
	Stream ids.StreamID
	Epoch  ids.StreamEpoch
	Start  int64 // at most the high watermark; the leader sees to that
}

// CommandKind is KindTrimStreams.
func (*TrimStreams) CommandKind() CommandKind { return KindTrimStreams }

// NewResult is an empty result.
func (*TrimStreams) NewResult() *StreamOutcomes { return new(StreamOutcomes) }

func (cmd *TrimStreams) fields(c *wire.Coder) {
	wire.Int(c, &cmd.Node)
	wire.Uint(c, &cmd.NodeEpoch)
	wire.List(c, &cmd.Streams, 3, func(c *wire.Coder, s *StreamStart) {
		wire.Uint(c, &s.Stream)
		wire.Uint(c, &s.Epoch)
		wire.Int(c, &s.Start)
	})
}

func (cmd *TrimStreams) run(d *draft) (Result, *Refusal) {
	if r := d.checkNode(cmd.Node, cmd.NodeEpoch); r != nil {
		return nil, r
	}
	result := &StreamOutcomes{Refused: make([]Reason, 0, len(cmd.Streams))}
	for _, s := range cmd.Streams {
		result.Refused = append(result.Refused, d.trimStream(cmd.Node, s))
	}
	return result, nil
}

func (d *draft) trimStream(node ids.NodeID, to StreamStart) Reason {
	s, ok := d.img.streams.get(to.Stream)
	if !ok {
		return UnknownStream
	}
	p, ok := d.img.Partition(s.Topic, s.Partition)
	t, open := s.OpenTail()
	switch {
	case !ok || p.Leader != node:
		return NotLeader
	case s.Epoch != to.Epoch:
		return StaleStreamEpoch
	case (!open || d.img.inDirectLog(t)) && to.Start > s.KnownEnd():
		return PastEnd
	case to.Start <= s.StartOffset:
		return NotRefused
	}
	next := s.clone()
	next.StartOffset = to.Start
	d.put(next)
	d.releaseBelow(s.ID, to.Start)
	return NotRefused
}

// releaseBelow gives up a stream's ranges that end at or below offset.
func (d *draft) releaseBelow(stream ids.StreamID, offset int64) {
	var gone []*Range
	for r := range d.img.Ranges(stream, 0) {
		if r.End > offset {
			break
		}
		gone = append(gone, r)
	}
	for _, r := range gone {
		d.put(&RemoveRange{r.Stream, r.Start})
		d.release(r.Object)
	}
}

// release takes one range from an object, which is removed with its last.
func (d *draft) release(id ids.ObjectID) {
	was, ok := d.img.objects.get(id)
	if !ok {
		return
	}
	next := *was
	next.LiveRanges--
	if next.LiveRanges == 0 {
		next.State, next.RemovedAt = ObjectRemoved, d.index
	}
	d.put(&next)
}
