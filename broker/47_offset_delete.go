package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// OffsetDelete (key 47)
//
// Behavior:
//   - Removes the offsets that a group committed, but for topics that a member
//     subscribes to.
//   - A partition that does not exist has its own error.
//
// Versions:
//   - 0.

func (b *Broker) offsetDelete(c *Ctx, req *kmsg.OffsetDeleteRequest, t Ticket) {
	refused := refuseUnknownDeletes(b.Metadata.Image(), req)
	b.askGroups(c, req, t, func(resp kmsg.Response) {
		r := resp.(*kmsg.OffsetDeleteResponse)
		if r.ErrorCode != 0 {
			return // it stands for the whole request
		}
		mergeDeletes(r, refused)
	})
}

// refuseUnknownDeletes takes the partitions that do not exist out of a request
// and returns the answers to them.
func refuseUnknownDeletes(img *image.Image, req *kmsg.OffsetDeleteRequest) (refused []kmsg.OffsetDeleteResponseTopic) {
	keptTopics := req.Topics[:0]
	for _, t := range req.Topics {
		topic, _ := img.TopicByName(t.Topic)
		rt := kmsg.NewOffsetDeleteResponseTopic()
		rt.Topic = t.Topic
		var missing []int32
		t.Partitions, missing = splitMissing(img, topic, t.Partitions,
			func(p *kmsg.OffsetDeleteRequestTopicPartition) int32 { return p.Partition })
		for _, index := range missing {
			rp := kmsg.NewOffsetDeleteResponseTopicPartition()
			rp.Partition, rp.ErrorCode = index, kerr.UnknownTopicOrPartition.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		if len(t.Partitions) > 0 {
			keptTopics = append(keptTopics, t)
		}
		if len(missing) > 0 {
			refused = append(refused, rt)
		}
	}
	req.Topics = keptTopics
	return refused
}

// mergeDeletes adds to an answer what was refused before.
func mergeDeletes(resp *kmsg.OffsetDeleteResponse, refused []kmsg.OffsetDeleteResponseTopic) {
	resp.Topics = mergeTopics(resp.Topics, refused,
		func(t *kmsg.OffsetDeleteResponseTopic) string { return t.Topic },
		func(into, from *kmsg.OffsetDeleteResponseTopic) {
			into.Partitions = append(into.Partitions, from.Partitions...)
		})
}
