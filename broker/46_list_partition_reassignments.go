package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// ListPartitionReassignments (key 46)
//
// Behavior:
//   - A partition is being reassigned while another broker than its leader has
//     its open tail: that one is being removed, the leader added.
//   - Partitions that stand still, or do not exist, are left out.
//
// Versions:
//   - 0: flexible. Null topics means all.

// movingPartition is a partition whose old leader has not closed its tail yet.
type movingPartition struct {
	namedPartition
	from, to ids.NodeID
}

func (b *Broker) listPartitionReassignments(c *Ctx, req *kmsg.ListPartitionReassignmentsRequest) kmsg.Response {
	v := b.view(c)
	asked := allPartitions(v)
	if req.Topics != nil {
		asked = nil
		for i := range req.Topics {
			for _, index := range req.Topics[i].Partitions {
				asked = append(asked, namedPartition{req.Topics[i].Topic, index})
			}
		}
	}
	var moving []movingPartition
	for _, a := range asked {
		p, err := findPartition(v.Image, a)
		if err != nil || p.Leader == image.NoLeader {
			continue
		}
		if from, ok := v.MovingFrom(p); ok {
			moving = append(moving, movingPartition{a, from, p.Leader})
		}
	}
	resp := req.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
	resp.Topics = perTopic(moving,
		func(name string) kmsg.ListPartitionReassignmentsResponseTopic {
			return kmsg.ListPartitionReassignmentsResponseTopic{Topic: name}
		},
		func(t *kmsg.ListPartitionReassignmentsResponseTopic) *[]kmsg.ListPartitionReassignmentsResponseTopicPartition {
			return &t.Partitions
		},
		func(p movingPartition) kmsg.ListPartitionReassignmentsResponseTopicPartition {
			from, to := int32(p.from), int32(p.to)
			return kmsg.ListPartitionReassignmentsResponseTopicPartition{
				Partition: p.index, Replicas: []int32{to, from}, AddingReplicas: []int32{to}, RemovingReplicas: []int32{from},
			}
		})
	return resp
}
