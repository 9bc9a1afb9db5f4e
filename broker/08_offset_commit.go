package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// OffsetCommit (key 8)
//
// Behavior:
//   - Answers when the offsets are durable. What a member may commit, and when,
//     is decided in package group.
//   - A partition that does not exist has its own error; the others of the
//     request are committed all the same.
//
// Versions:
//   - 2 to 4: a retention of the request's own. 6: leader epochs. 7: static
//     members. 8: flexible. 9: GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH. 10:
//     topic ids instead of names.

const commitByIDVersion = 10

func (b *Broker) offsetCommit(c *Ctx, req *kmsg.OffsetCommitRequest, t Ticket) {
	refused := refuseUnknownCommits(b.Metadata.Image(), req)
	if len(req.Topics) == 0 {
		resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		resp.Topics = refused
		Reply(t, resp)
		return
	}
	if len(refused) == 0 {
		b.askGroups(c, req, t, nil)
		return
	}
	b.askGroups(c, req, t, func(resp kmsg.Response) { mergeCommits(resp.(*kmsg.OffsetCommitResponse), refused) })
}

// refuseUnknownCommits takes the partitions that do not exist out of a request
// and returns the answers to them; it names the topics given by id.
func refuseUnknownCommits(img *image.Image, req *kmsg.OffsetCommitRequest) (refused []kmsg.OffsetCommitResponseTopic) {
	keptTopics := req.Topics[:0]
	for _, t := range req.Topics {
		topic, known := groupTopic(img, t.TopicID, t.Topic)
		code := kerr.UnknownTopicOrPartition.Code
		if known {
			t.Topic = topic.Name
		} else if req.Version >= commitByIDVersion {
			code = kerr.UnknownTopicID.Code
		}
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		var missing []int32
		t.Partitions, missing = splitMissing(img, topic, t.Partitions,
			func(p *kmsg.OffsetCommitRequestTopicPartition) int32 { return p.Partition })
		for _, index := range missing {
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition, rp.ErrorCode = index, code
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

// mergeCommits adds to an answer what was refused before.
func mergeCommits(resp *kmsg.OffsetCommitResponse, refused []kmsg.OffsetCommitResponseTopic) {
	type name struct {
		topic string
		id    ids.TopicID
	}
	resp.Topics = mergeTopics(resp.Topics, refused,
		func(t *kmsg.OffsetCommitResponseTopic) name { return name{t.Topic, t.TopicID} },
		func(into, from *kmsg.OffsetCommitResponseTopic) {
			into.Partitions = append(into.Partitions, from.Partitions...)
		})
}
