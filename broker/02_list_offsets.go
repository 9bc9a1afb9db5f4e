package broker

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
)

// ListOffsets (key 2)
//
// Behavior:
//   - -1 latest is the high watermark, or for read_committed the last stable
//     offset; -2 earliest; -3 the record with the largest timestamp; -4
//     earliest local is the earliest: every offset is served by the leader.
//   - -5 latest tiered and -6 earliest pending upload answer -1, as Kafka does
//     for a topic without remote storage: clients must not think that a part
//     of the log is elsewhere.
//   - A time finds the first record at or after it, by the time indexes in
//     objects and then batch by batch; it may wait for the object store.
//
// Versions:
//   - 1: one offset a partition. 2: isolation level. 4: leader epochs. 6:
//     flexible. 7: -3. 8: -4. 9: -5. 10: time-out. 11: -6.

// Timestamps of ListOffsets that are none.
const (
	listLatest        = -1
	listEarliest      = -2
	listMaxTimestamp  = -3
	listEarliestLocal = -4
	listLatestTiered  = -5
	listPendingUpload = -6
)

// readCommitted is the isolation level that ends at the last stable offset.
const readCommitted = 1

func (b *Broker) listOffsets(c *Ctx, req *kmsg.ListOffsetsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
	for i := range req.Topics {
		t := &req.Topics[i]
		rt := kmsg.NewListOffsetsResponseTopic()
		rt.Topic = t.Topic
		for j := range t.Partitions {
			rt.Partitions = append(rt.Partitions, b.listOffset(c.Context(), req, t.Topic, &t.Partitions[j]))
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func (b *Broker) listOffset(ctx context.Context, req *kmsg.ListOffsetsRequest, topic string,
	rp *kmsg.ListOffsetsRequestTopicPartition) kmsg.ListOffsetsResponseTopicPartition {
	out := kmsg.NewListOffsetsResponseTopicPartition()
	out.Partition = rp.Partition
	p, err := b.awaitByName(ctx, topic, rp.Partition)
	if err == nil {
		err = p.CheckLeaderEpoch(rp.CurrentLeaderEpoch)
	}
	var at partition.TimedOffset
	if err == nil {
		at, err = findOffset(ctx, p, rp.Timestamp, req.IsolationLevel)
	}
	if err != nil {
		out.ErrorCode = CodeOf(err)
		return out
	}
	out.Offset, out.Timestamp, out.LeaderEpoch = at.Offset, at.TimestampMs, at.LeaderEpoch
	return out
}

func findOffset(ctx context.Context, p *partition.Partition, timestamp int64, isolation int8) (partition.TimedOffset, error) {
	o := p.Offsets()
	switch timestamp {
	case listLatest:
		if isolation == readCommitted {
			return p.At(o.LastStable), nil
		}
		return p.At(o.HighWatermark), nil
	case listEarliest, listEarliestLocal:
		return p.At(o.Start), nil
	case listMaxTimestamp:
		return p.MaxTimestamp(ctx)
	case listLatestTiered, listPendingUpload:
		return partition.NoOffset, nil
	}
	return p.OffsetForTime(ctx, timestamp)
}
