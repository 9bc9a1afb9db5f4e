package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

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
		if known {
			t.Topic = topic.Name
		}
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		kept := t.Partitions[:0]
		for _, p := range t.Partitions {
			code := kerr.UnknownTopicOrPartition.Code
			if known {
				if _, ok := img.Partition(topic.ID, p.Partition); ok {
					kept = append(kept, p)
					continue
				}
			} else if req.Version >= commitByIDVersion {
				code = kerr.UnknownTopicID.Code
			}
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, code
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

// mergeCommits adds to an answer what was refused before.
func mergeCommits(resp *kmsg.OffsetCommitResponse, refused []kmsg.OffsetCommitResponseTopic) {
	at := map[string]int{}
	for i := range resp.Topics {
		at[resp.Topics[i].Topic] = i
	}
	for _, rt := range refused {
		if i, ok := at[rt.Topic]; ok && resp.Topics[i].TopicID == rt.TopicID {
			resp.Topics[i].Partitions = append(resp.Topics[i].Partitions, rt.Partitions...)
			continue
		}
		resp.Topics = append(resp.Topics, rt)
	}
}
