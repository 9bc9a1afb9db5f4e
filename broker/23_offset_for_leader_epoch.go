package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// OffsetForLeaderEpoch (key 23)
//
// Behavior:
//   - Tells a consumer where the epoch it read in ended, so that it notices a
//     log that was cut. Seawall's logs never are: an epoch's end is known from
//     the metadata.
//   - An epoch not known gives -1 and -1; see [partition.Partition.EndOffsetForEpoch].
//
// Versions:
//   - 2: current leader epoch. 4: flexible.

func (b *Broker) offsetForLeaderEpoch(c *Ctx, req *kmsg.OffsetForLeaderEpochRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for i := range req.Topics {
		t := &req.Topics[i]
		rt := kmsg.NewOffsetForLeaderEpochResponseTopic()
		rt.Topic = t.Topic
		for j := range t.Partitions {
			q := &t.Partitions[j]
			rp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			rp.Partition, rp.LeaderEpoch, rp.EndOffset = q.Partition, -1, -1
			p, err := b.awaitByName(c.Context(), t.Topic, q.Partition)
			if err == nil {
				err = p.CheckLeaderEpoch(q.CurrentLeaderEpoch)
			}
			if err == nil {
				rp.LeaderEpoch, rp.EndOffset = p.EndOffsetForEpoch(q.LeaderEpoch)
			}
			rp.ErrorCode = CodeOf(err)
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}
