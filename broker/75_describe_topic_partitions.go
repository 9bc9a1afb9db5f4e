package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// DescribeTopicPartitions (key 75)
//
// Behavior:
//   - Topics by name, all of them when none is asked for, from the cursor on,
//     until the limit of partitions (the request's, at most
//     max.request.partition.size.limit); then a cursor for the rest.
//   - A topic asked for that does not exist has its own error; see Metadata.
//   - A faulty cursor is INVALID_REQUEST; the answer has no field for an error,
//     so that it stands at the topics.
//
// Versions:
//   - 0.

func (b *Broker) describeTopicPartitions(c *Ctx, req *kmsg.DescribeTopicPartitionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	v := b.view(c)
	names, all := v.describedNames(req)
	if cur := req.Cursor; cur != nil && (cur.Partition < 0 || !all && !slices.Contains(names, cur.Topic)) {
		for i := range req.Topics {
			resp.Topics = append(resp.Topics, noTopicPartitions(req.Topics[i].Topic, kerr.InvalidRequest))
		}
		return resp
	}
	limit := max(1, min(int(req.ResponsePartitionLimit), b.Config.Network.DescribePartsMax))
	for _, name := range names {
		first := int32(0)
		if cur := req.Cursor; cur != nil && cur.Topic == name {
			first = cur.Partition
		}
		t, ok := v.TopicByName(name)
		switch {
		case limit == 0:
			resp.NextCursor = cursorAt(name, first)
			return resp
		case !ok && !all:
			resp.Topics = append(resp.Topics, noTopicPartitions(name, unknownTopic(name)))
			continue
		case !ok:
			continue
		}
		rt, more := v.topicPartitions(t, first, limit)
		resp.Topics = append(resp.Topics, rt)
		if more {
			resp.NextCursor = cursorAt(name, first+int32(len(rt.Partitions)))
			return resp
		}
		limit -= len(rt.Partitions)
	}
	return resp
}

// describedNames are the topics that a request is about, in order, from its
// cursor on; all says that it named none.
func (v view) describedNames(req *kmsg.DescribeTopicPartitionsRequest) (names []string, all bool) {
	for i := range req.Topics {
		names = append(names, req.Topics[i].Topic)
	}
	if all = len(names) == 0; all {
		for t := range v.Topics() {
			names = append(names, t.Name)
		}
	}
	if req.Cursor != nil {
		names = slices.DeleteFunc(names, func(n string) bool { return n < req.Cursor.Topic })
	}
	slices.Sort(names)
	return slices.Compact(names), all
}

func cursorAt(topic string, partition int32) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	cur := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	cur.Topic, cur.Partition = topic, partition
	return &cur
}

func noTopicPartitions(name string, err *kerr.Error) kmsg.DescribeTopicPartitionsResponseTopic {
	rt := kmsg.NewDescribeTopicPartitionsResponseTopic()
	rt.Topic, rt.ErrorCode, rt.IsInternal = &name, err.Code, isInternal(name)
	rt.AuthorizedOperations = topicOperations
	return rt
}

// topicPartitions describes at most limit partitions of a topic from first on;
// more says that there are others behind.
func (v view) topicPartitions(t *image.Topic, first int32, limit int) (rt kmsg.DescribeTopicPartitionsResponseTopic, more bool) {
	rt = kmsg.NewDescribeTopicPartitionsResponseTopic()
	rt.Topic, rt.TopicID, rt.IsInternal = &t.Name, t.ID, isInternal(t.Name)
	rt.AuthorizedOperations = topicOperations
	for index := first; ; index++ {
		p, ok := v.Partition(t.ID, index)
		if !ok {
			return rt, false
		}
		if len(rt.Partitions) == limit {
			return rt, true
		}
		l := v.leadership(p)
		rp := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		if l.err != nil {
			rp.ErrorCode = l.err.Code
		}
		rp.Partition, rp.LeaderID, rp.LeaderEpoch = l.index, l.leader, l.epoch
		rp.Replicas, rp.ISR, rp.OfflineReplicas = l.replicas, l.isr, l.offline
		rp.EligibleLeaderReplicas, rp.LastKnownELR = []int32{}, []int32{} // null is not taken by Apache Kafka's client
		rt.Partitions = append(rt.Partitions, rp)
	}
}
