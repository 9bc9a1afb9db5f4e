package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/balance"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// ElectLeaders (key 43)
//
// Behavior:
//   - A partition whose leader is alive is ELECTION_NOT_NEEDED: its only
//     replica is the preferred one.
//   - Any other is given a living leader. That is never unclean, whatever the
//     request asks: the new leader opens the partition when the old tail's end
//     is known. Without a living broker it is ELIGIBLE_LEADERS_NOT_AVAILABLE,
//     or PREFERRED_LEADER_NOT_AVAILABLE as the election type has it.
//   - Without topics, all partitions; those that need no election are then left
//     out of the answer.
//
// Versions:
//   - 0: preferred only. 1: election type. 2: flexible.

const electionUnclean = 1

func (b *Broker) electLeaders(c *Ctx, req *kmsg.ElectLeadersRequest) kmsg.Response {
	ctx, cancel := adminContext(c, req.TimeoutMillis)
	defer cancel()
	v := b.view(c)
	named := allPartitions(v)
	if req.Topics != nil {
		named = namedInElection(req)
	}
	changes := planElection(v.Image, named, req.ElectionType)
	b.changeLeaders(ctx, changes)
	if req.Topics == nil {
		changes = slices.DeleteFunc(changes, func(c changedPartition) bool { return CodeOf(c.err) == kerr.ElectionNotNeeded.Code })
	}
	resp := req.ResponseKind().(*kmsg.ElectLeadersResponse)
	resp.Topics = perTopic(changes,
		func(name string) kmsg.ElectLeadersResponseTopic {
			return kmsg.ElectLeadersResponseTopic{Topic: name}
		},
		func(t *kmsg.ElectLeadersResponseTopic) *[]kmsg.ElectLeadersResponseTopicPartition {
			return &t.Partitions
		},
		func(c changedPartition) kmsg.ElectLeadersResponseTopicPartition {
			return kmsg.ElectLeadersResponseTopicPartition{Partition: c.index, ErrorCode: CodeOf(c.err), ErrorMessage: messageOf(c.err)}
		})
	return resp
}

func namedInElection(req *kmsg.ElectLeadersRequest) (named []namedPartition) {
	for i := range req.Topics {
		for _, index := range req.Topics[i].Partitions {
			named = append(named, namedPartition{req.Topics[i].Topic, index})
		}
	}
	return named
}

// planElection finds a leader for each partition that has none alive.
func planElection(img *image.Image, named []namedPartition, electionType int8) []changedPartition {
	none := kerr.PreferredLeaderNotAvailable
	if electionType == electionUnclean {
		none = kerr.EligibleLeadersNotAvailable
	}
	placer := balance.NewPlacer(img, nil)
	elect := func(named namedPartition) (to image.NewLeader, err error) {
		p, err := findPartition(img, named)
		if err != nil {
			return to, err
		}
		if n, ok := img.Node(p.Leader); ok && n.IsAlive() {
			return to, refuse(kerr.ElectionNotNeeded, "Leader %d is alive.", p.Leader)
		}
		leaders := placer.Place(1)
		if leaders == nil {
			return to, refuse(none, "No broker is alive to lead the partition.")
		}
		return image.NewLeader{Topic: p.Topic, Index: p.Index, Expected: p.LeaderEpoch, Leader: leaders[0]}, nil
	}
	changes := make([]changedPartition, len(named))
	for i, n := range named {
		changes[i].namedPartition = n
		changes[i].to, changes[i].err = elect(n)
	}
	return changes
}
