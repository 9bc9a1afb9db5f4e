package image

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// SetLeaders gives partitions other leaders, each accepted or refused by
// itself. The new leader opens the stream once the old one's tail is closed.
type SetLeaders struct {
	Partitions []NewLeader
}

// NewLeader is the leader that a partition is to have.
type NewLeader struct {
	Topic    ids.TopicID
	Index    int32
	Expected int32      // the partition's leader epoch now
	Leader   ids.NodeID // NoLeader for none
}

// CommandKind is KindSetLeaders.
func (*SetLeaders) CommandKind() CommandKind { return KindSetLeaders }

// NewResult is an empty result.
func (*SetLeaders) NewResult() *StreamOutcomes { return new(StreamOutcomes) }

func (cmd *SetLeaders) fields(c *wire.Coder) {
	wire.List(c, &cmd.Partitions, 19, func(c *wire.Coder, p *NewLeader) {
		c.UUID(&p.Topic)
		wire.Int(c, &p.Index)
		wire.Int(c, &p.Expected)
		wire.Int(c, &p.Leader)
	})
}

func (cmd *SetLeaders) run(d *draft) (Result, *Refusal) {
	result := new(StreamOutcomes)
	for _, ask := range cmd.Partitions {
		result.Refused = append(result.Refused, d.setLeader(ask))
	}
	return result, nil
}

func (d *draft) setLeader(ask NewLeader) Reason {
	p, ok := d.img.Partition(ask.Topic, ask.Index)
	switch {
	case !ok:
		return UnknownPartition
	case p.LeaderEpoch != ask.Expected:
		return StaleLeaderEpoch
	case p.Leader == ask.Leader:
		return NotRefused
	}
	if _, ok := d.img.nodes.get(ask.Leader); !ok && ask.Leader != NoLeader {
		return UnknownNode
	}
	next := *p
	next.Leader = ask.Leader
	next.LeaderEpoch++
	d.put(&next)
	return NotRefused
}
