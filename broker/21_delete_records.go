package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteRecords (key 21)
//
// Behavior:
//   - Moves a partition's start up to an offset, or with -1 to its high
//     watermark; the new start is in the metadata before the answer.
//   - An offset past the high watermark is OFFSET_OUT_OF_RANGE; one below the
//     start changes nothing.
//   - Internal topics are refused, as by Kafka.
//
// Versions:
//   - 0 to 2; 2 is flexible.

func (b *Broker) deleteRecords(c *Ctx, req *kmsg.DeleteRecordsRequest) kmsg.Response {
	ctx, cancel := context.WithTimeout(c.Context(), time.Duration(req.TimeoutMillis)*time.Millisecond)
	defer cancel()
	resp := req.ResponseKind().(*kmsg.DeleteRecordsResponse)
	for i := range req.Topics {
		t := &req.Topics[i]
		rt := kmsg.NewDeleteRecordsResponseTopic()
		rt.Topic = t.Topic
		for j := range t.Partitions {
			rp := kmsg.NewDeleteRecordsResponseTopicPartition()
			rp.Partition = t.Partitions[j].Partition
			low, err := b.deleteBelow(ctx, t.Topic, rp.Partition, t.Partitions[j].Offset)
			if rp.LowWatermark = low; err != nil {
				rp.LowWatermark = -1
				rp.ErrorCode = CodeOf(err)
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func (b *Broker) deleteBelow(ctx context.Context, topic string, index int32, offset int64) (low int64, err error) {
	p, err := b.byName([]byte(topic), index)
	if err != nil {
		return -1, err
	}
	if p.Internal() {
		return -1, errInternalTopic
	}
	return p.DeleteRecords(ctx, offset)
}
