package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// DescribeProducers (key 61)
//
// Behavior:
//   - Lists the idempotent producers that a partition remembers. Transactions
//     are not there yet: none has an open one.
//
// Versions:
//   - 0.

func (b *Broker) describeProducers(_ *Ctx, req *kmsg.DescribeProducersRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
	for i := range req.Topics {
		t := &req.Topics[i]
		rt := kmsg.NewDescribeProducersResponseTopic()
		rt.Topic = t.Topic
		for _, index := range t.Partitions {
			rt.Partitions = append(rt.Partitions, b.producersOf(t.Topic, index))
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func (b *Broker) producersOf(topic string, index int32) kmsg.DescribeProducersResponseTopicPartition {
	rp := kmsg.NewDescribeProducersResponseTopicPartition()
	rp.Partition = index
	p, err := b.byName([]byte(topic), index)
	if err != nil {
		var message string
		if rp.ErrorCode, message = answer(err); message != "" {
			rp.ErrorMessage = &message
		}
		return rp
	}
	for _, s := range p.Producers() {
		a := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		a.ProducerID, a.ProducerEpoch = s.ID, int32(s.Epoch)
		a.LastSequence, a.LastTimestamp = s.LastSequence, s.LastTimestampMs
		a.CoordinatorEpoch, a.CurrentTxnStartOffset = -1, -1
		rp.ActiveProducers = append(rp.ActiveProducers, a)
	}
	return rp
}
