package broker

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// AlterPartitionReassignments (key 45)
//
// Behavior:
//   - A partition goes to the first living broker of those assigned: it leads
//     the partition, and holds what a replica would. Nothing is copied. One
//     that leads already stays.
//   - The answer comes when the metadata names the new leader; the partition is
//     listed as being reassigned until the old one has closed its tail.
//   - Null replicas call a reassignment back: the partition stays where its
//     tail is. Without one under way it is NO_REASSIGNMENT_IN_PROGRESS.
//
// Versions:
//   - 0: flexible. 1: whether the replication factor may change. It may: one
//     replica is stored in any case.

func (b *Broker) alterPartitionReassignments(c *Ctx, req *kmsg.AlterPartitionAssignmentsRequest) kmsg.Response {
	ctx, cancel := adminContext(c, req.TimeoutMillis)
	defer cancel()
	changes := planReassignments(b.Metadata.Image(), req)
	b.changeLeaders(ctx, changes)
	resp := req.ResponseKind().(*kmsg.AlterPartitionAssignmentsResponse)
	resp.AllowReplicationFactorChange = req.AllowReplicationFactorChange
	resp.Topics = perTopic(changes,
		func(name string) kmsg.AlterPartitionAssignmentsResponseTopic {
			return kmsg.AlterPartitionAssignmentsResponseTopic{Topic: name}
		},
		func(t *kmsg.AlterPartitionAssignmentsResponseTopic) *[]kmsg.AlterPartitionAssignmentsResponseTopicPartition {
			return &t.Partitions
		},
		func(c changedPartition) kmsg.AlterPartitionAssignmentsResponseTopicPartition {
			if errors.Is(c.err, errNothingToDo) {
				c.err = nil
			}
			return kmsg.AlterPartitionAssignmentsResponseTopicPartition{
				Partition: c.index, ErrorCode: CodeOf(c.err), ErrorMessage: messageOf(c.err),
			}
		})
	return resp
}

// planReassignments checks a request and finds the leader of each partition.
func planReassignments(img *image.Image, req *kmsg.AlterPartitionAssignmentsRequest) (changes []changedPartition) {
	at := map[namedPartition]int{}
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			rp := &t.Partitions[j]
			named := namedPartition{t.Topic, rp.Partition}
			if first, again := at[named]; again {
				changes[first].err = refuse(kerr.InvalidRequest, "The partition is named twice.")
				continue
			}
			at[named] = len(changes)
			c := changedPartition{namedPartition: named}
			c.to, c.err = planReassignment(img, named, rp.Replicas)
			changes = append(changes, c)
		}
	}
	return changes
}

// planReassignment finds the leader of one partition.
func planReassignment(img *image.Image, named namedPartition, replicas []int32) (to image.NewLeader, err error) {
	p, err := findPartition(img, named)
	if err != nil {
		return to, err
	}
	var leader ids.NodeID
	if replicas == nil {
		from, moving := img.MovingFrom(p)
		if !moving {
			return to, kerr.NoReassignmentInProgress
		}
		leader = from
	} else if leader, err = leaderAmong(img, replicas); err != nil {
		return to, err
	}
	if leader == p.Leader {
		return to, errNothingToDo
	}
	return image.NewLeader{Topic: p.Topic, Index: p.Index, Expected: p.LeaderEpoch, Leader: leader}, nil
}
