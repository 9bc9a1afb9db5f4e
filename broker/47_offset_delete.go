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
		topic, known := img.TopicByName(t.Topic)
		rt := kmsg.NewOffsetDeleteResponseTopic()
		rt.Topic = t.Topic
		kept := t.Partitions[:0]
		for _, p := range t.Partitions {
			if known {
				if _, ok := img.Partition(topic.ID, p.Partition); ok {
					kept = append(kept, p)
					continue
				}
			}
			rp := kmsg.NewOffsetDeleteResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, kerr.UnknownTopicOrPartition.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		if t.Partitions = kept; len(kept) > 0 {
			keptTopics = append(keptTopics, t)
		}
		if len(rt.Partitions) > 0 {
			refused = append(refused, rt)
		}
	}
	req.Topics = keptTopics
	return refused
}

// mergeDeletes adds to an answer what was refused before.
func mergeDeletes(resp *kmsg.OffsetDeleteResponse, refused []kmsg.OffsetDeleteResponseTopic) {
	at := map[string]int{}
	for i := range resp.Topics {
		at[resp.Topics[i].Topic] = i
	}
	for _, rt := range refused {
		if i, ok := at[rt.Topic]; ok {
			resp.Topics[i].Partitions = append(resp.Topics[i].Partitions, rt.Partitions...)
			continue
		}
		resp.Topics = append(resp.Topics, rt)
	}
}
