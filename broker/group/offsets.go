package group

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Versions of OffsetCommit and OffsetFetch at which their behaviour changes.
const (
	commitGroupIDNotFoundVersion = 9 // an unknown group is GROUP_ID_NOT_FOUND
	fetchGroupsVersion           = 8 // several groups in one request
)

// commitOffsets makes offsets durable and then answers. A request without a
// generation comes from a consumer that assigns its partitions by itself, or
// from a tool: it is accepted while the group has no members.
func (s *Shard) commitOffsets(token Token, req *kmsg.OffsetCommitRequest) {
	g := s.groups[req.Group]
	if code := checkCommit(g, req); code != None {
		s.fail(token, req, code)
		return
	}
	if m := memberOf(g, req.MemberID); m != nil && (g.state == Stable || g.state == PreparingRebalance) {
		s.arm(&m.session, m.sessionTimeout) // a commit is a sign of life
	}
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.Version = req.Version
	var changes []change
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition = p.Partition
			if p.Metadata != nil && len(*p.Metadata) > s.config.OffsetMetadataBytesMax {
				rp.ErrorCode = int16(OffsetMetadataTooLarge)
			} else {
				changes = append(changes, s.commitChange(req, t.Topic, p))
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	if growth := commitGrowth(g, req.Group, changes); growth > 0 && !s.hasRoom(growth) {
		s.fail(token, req, CoordinatorNotAvailable)
		return
	}
	s.append(changes, func(code Code) {
		for i := range resp.Topics {
			for j := range resp.Topics[i].Partitions {
				if p := &resp.Topics[i].Partitions[j]; p.ErrorCode == int16(None) {
					p.ErrorCode = int16(code)
				}
			}
		}
		s.reply(token, resp)
	})
}

func checkCommit(g *group, req *kmsg.OffsetCommitRequest) Code {
	simple := req.Generation < 0
	switch {
	case g == nil && simple:
		return None
	case g == nil && req.Version >= commitGroupIDNotFoundVersion:
		return GroupIDNotFound
	case g == nil:
		return IllegalGeneration
	case g.state == Dead:
		return CoordinatorNotAvailable
	case simple && g.state == Empty:
		return None
	case simple && req.MemberID == "" && req.InstanceID == nil:
		return UnknownMemberID
	}
	if code := g.checkMember(req.MemberID, req.InstanceID); code != None {
		return code
	}
	switch {
	case req.Generation != g.generation:
		return IllegalGeneration
	case g.state == CompletingRebalance:
		// The member knows this generation, but not yet what it is assigned.
		return RebalanceInProgress
	}
	return None
}

func memberOf(g *group, id string) *member {
	if g == nil {
		return nil
	}
	return g.members[id]
}

func (s *Shard) commitChange(req *kmsg.OffsetCommitRequest, topic string, p kmsg.OffsetCommitRequestTopicPartition) change {
	nowMs := s.now.UnixMilli()
	o := offset{committed: p.Offset, leaderEpoch: p.LeaderEpoch, commitMs: nowMs, expireMs: -1}
	if p.Metadata != nil {
		o.metadata = *p.Metadata
	}
	if req.RetentionTimeMillis >= 0 {
		o.expireMs = nowMs + req.RetentionTimeMillis
	}
	return change{group: req.Group, isOffset: true, topic: topic, partition: p.Partition, offset: &o}
}

// commitGrowth is about how many bytes the changes add to what is held. Old
// offsets can thus be moved on even when the shard is full.
func commitGrowth(g *group, groupID string, changes []change) int64 {
	var growth int64
	if g == nil && len(changes) > 0 {
		growth += int64(groupOverheadBytes + len(groupID))
	}
	var lastTopic string
	for i, c := range changes {
		var partitions map[int32]offset
		if g != nil {
			partitions = g.offsets[c.topic]
		}
		if partitions == nil && (i == 0 || c.topic != lastTopic) {
			growth += topicBytes(c.topic)
		}
		lastTopic = c.topic
		growth += offsetBytes(*c.offset)
		if old, ok := partitions[c.partition]; ok {
			growth -= offsetBytes(old)
		}
	}
	return growth
}

// fetchOffsets answers with durable offsets. An unknown group or partition is
// no error: its offset is -1. No topics given means all.
func (s *Shard) fetchOffsets(token Token, req *kmsg.OffsetFetchRequest) {
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.Version = req.Version
	if req.Version >= fetchGroupsVersion {
		for _, rg := range req.Groups {
			resp.Groups = append(resp.Groups, s.fetchGroup(rg))
		}
		s.reply(token, resp)
		return
	}
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = req.Group
	if req.Topics != nil {
		rg.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	}
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetFetchRequestGroupTopic()
		rt.Topic, rt.Partitions = t.Topic, t.Partitions
		rg.Topics = append(rg.Topics, rt)
	}
	for _, gt := range s.fetchGroup(rg).Topics {
		t := kmsg.NewOffsetFetchResponseTopic()
		t.Topic = gt.Topic
		for _, p := range gt.Partitions {
			t.Partitions = append(t.Partitions, kmsg.OffsetFetchResponseTopicPartition{
				Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Metadata: p.Metadata,
			})
		}
		resp.Topics = append(resp.Topics, t)
	}
	s.reply(token, resp)
}

func (s *Shard) fetchGroup(req kmsg.OffsetFetchRequestGroup) kmsg.OffsetFetchResponseGroup {
	resp := kmsg.NewOffsetFetchResponseGroup()
	resp.Group = req.Group
	var offsets map[string]map[int32]offset
	if g := s.groups[req.Group]; g != nil {
		offsets = g.offsets
		if req.Topics == nil {
			for _, topic := range g.topics() {
				t := kmsg.NewOffsetFetchRequestGroupTopic()
				t.Topic, t.Partitions = topic, slices.Sorted(maps.Keys(offsets[topic]))
				req.Topics = append(req.Topics, t)
			}
		}
	}
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetFetchResponseGroupTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, partition := range t.Partitions {
			o, ok := offsets[t.Topic][partition]
			if !ok {
				o = offset{committed: -1, leaderEpoch: -1}
			}
			rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = partition, o.committed, o.leaderEpoch, &o.metadata
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}
