package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// OffsetFetch (key 9)
//
// Behavior:
//   - Answers with durable offsets; an unknown group or partition is no error:
//     its offset is -1.
//   - No topics means all that the group has.
//
// Versions:
//   - 2: all topics, an error of the whole answer. 5: leader epochs. 6:
//     flexible. 7: require stable, which every offset is while there are no
//     transactions. 8: several groups. 9: member and epoch, for groups of the
//     new protocol. 10: topic ids instead of names.

const offsetsByIDVersion = 10

func (b *Broker) offsetFetch(c *Ctx, req *kmsg.OffsetFetchRequest, t Ticket) {
	if req.Version < offsetsByIDVersion {
		b.askGroups(c, req, t, nil)
		return
	}
	img := b.Metadata.Image()
	unknown := nameFetchedTopics(img, req)
	b.askGroups(c, req, t, func(resp kmsg.Response) {
		groups := resp.(*kmsg.OffsetFetchResponse).Groups
		for i := range groups {
			if groups[i].ErrorCode == 0 {
				identifyTopics(img, &groups[i])
				groups[i].Topics = append(groups[i].Topics, unknown[i]...)
			}
		}
	})
}

// nameFetchedTopics gives the topics of a request their names, and takes out
// those without; it returns the answers to them, group by group.
func nameFetchedTopics(img *image.Image, req *kmsg.OffsetFetchRequest) [][]kmsg.OffsetFetchResponseGroupTopic {
	unknown := make([][]kmsg.OffsetFetchResponseGroupTopic, len(req.Groups))
	for i := range req.Groups {
		g := &req.Groups[i]
		kept := g.Topics[:0] // nil, which means all, stays nil
		for _, t := range g.Topics {
			if topic, ok := img.Topic(t.TopicID); ok {
				t.Topic = topic.Name
				kept = append(kept, t)
				continue
			}
			unknown[i] = append(unknown[i], unknownFetchedTopic(t.TopicID, t.Partitions))
		}
		g.Topics = kept
	}
	return unknown
}

func unknownFetchedTopic(id ids.TopicID, partitions []int32) kmsg.OffsetFetchResponseGroupTopic {
	rt := kmsg.NewOffsetFetchResponseGroupTopic()
	rt.TopicID = id
	for _, index := range partitions {
		rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch = index, -1, -1
		rp.Metadata, rp.ErrorCode = kmsg.StringPtr(""), kerr.UnknownTopicID.Code
		rt.Partitions = append(rt.Partitions, rp)
	}
	return rt
}

// identifyTopics gives the topics of an answer their ids; those that are no
// more are left out: there is no way to name them.
func identifyTopics(img *image.Image, g *kmsg.OffsetFetchResponseGroup) {
	kept := g.Topics[:0]
	for _, t := range g.Topics {
		if t.TopicID == (ids.TopicID{}) {
			topic, ok := img.TopicByName(t.Topic)
			if !ok {
				continue
			}
			t.TopicID = topic.ID
		}
		kept = append(kept, t)
	}
	g.Topics = kept
}
