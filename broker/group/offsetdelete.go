package group

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicPartition is a partition by the name of its topic.
type topicPartition struct {
	topic     string
	partition int32
}

// knownOffsets are the partitions of a group with an offset that is durable or
// in flight, in order, if keep says so. What is in flight counts, because a
// tombstone appended now comes to stand behind it.
func (s *Shard) knownOffsets(g *group, keep func(topicPartition) bool) []topicPartition {
	known := map[topicPartition]struct{}{}
	add := func(tp topicPartition) {
		if keep(tp) {
			known[tp] = struct{}{}
		}
	}
	for topic, partitions := range g.offsets {
		for partition := range partitions {
			add(topicPartition{topic, partition})
		}
	}
	for _, p := range s.appends {
		for _, c := range p.changes {
			if c.group == g.id && c.isOffset {
				add(topicPartition{c.topic, c.partition})
			}
		}
	}
	return slices.SortedFunc(maps.Keys(known), func(a, b topicPartition) int {
		if a.topic != b.topic {
			return strings.Compare(a.topic, b.topic)
		}
		return int(a.partition) - int(b.partition)
	})
}

func offsetTombstone(g *group, tp topicPartition) change {
	return change{group: g.id, isOffset: true, topic: tp.topic, partition: tp.partition}
}

// deleteOffsets removes the offsets of topics that no member subscribes to.
func (s *Shard) deleteOffsets(token Token, req *kmsg.OffsetDeleteRequest) {
	g := s.groups[req.Group]
	switch {
	case req.Group == "":
		s.fail(token, req, InvalidGroupID)
		return
	case g == nil || g.state == Dead:
		s.fail(token, req, GroupIDNotFound)
		return
	case g.state != Empty && g.protocolType != consumerProtocolType:
		s.fail(token, req, NonEmptyGroup) // cannot tell what it subscribes to
		return
	}
	resp := kmsg.NewPtrOffsetDeleteResponse()
	resp.Version = req.Version
	asked := map[topicPartition]struct{}{}
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetDeleteResponseTopic()
		rt.Topic = t.Topic
		subscribed := g.isSubscribedTo(t.Topic)
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetDeleteResponseTopicPartition()
			rp.Partition = p.Partition
			if subscribed {
				rp.ErrorCode = int16(GroupSubscribedToTopic)
			} else {
				asked[topicPartition{t.Topic, p.Partition}] = struct{}{}
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	var changes []change
	for _, tp := range s.knownOffsets(g, func(tp topicPartition) bool { _, ok := asked[tp]; return ok }) {
		changes = append(changes, offsetTombstone(g, tp))
	}
	s.append(changes, func(code Code) {
		if code != None {
			s.fail(token, &kmsg.OffsetDeleteRequest{Version: resp.Version}, code)
			return
		}
		s.reply(token, resp)
	})
}

// deleteTopics removes the offsets of topics that are no more. Should the
// append fail, they stay until they expire.
func (s *Shard) deleteTopics(topics []string) {
	var changes []change
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		for _, tp := range s.knownOffsets(g, func(tp topicPartition) bool { return slices.Contains(topics, tp.topic) }) {
			changes = append(changes, offsetTombstone(g, tp))
		}
	}
	s.append(changes, func(Code) {})
}

// expireOffsets removes what offsets.retention.minutes has passed for, and the
// groups that this leaves without members and offsets.
func (s *Shard) expireOffsets() {
	s.arm(&s.expiry, s.config.OffsetsRetentionCheck)
	inFlight := map[string]struct{}{}
	for _, p := range s.appends {
		for _, c := range p.changes {
			inFlight[c.group] = struct{}{}
		}
	}
	for _, id := range s.groupIDs() {
		// A tombstone would come to stand behind the fresh commit in flight;
		// such a group has its turn at the next check.
		if _, busy := inFlight[id]; !busy {
			s.expireGroup(s.groups[id])
		}
	}
}

func (s *Shard) expireGroup(g *group) {
	if g.state == Dead {
		return
	}
	var changes []change
	all := true
	expired := s.knownOffsets(g, func(tp topicPartition) bool {
		gone := !g.isSubscribedTo(tp.topic) && s.isExpired(g, g.offsets[tp.topic][tp.partition])
		all = all && gone
		return gone
	})
	for _, tp := range expired {
		changes = append(changes, offsetTombstone(g, tp))
	}
	if all && g.state == Empty && len(g.pendingJoins) == 0 {
		s.removeGroup(g, changes, "no members and no offsets", func(Code) {})
		return
	}
	s.append(changes, func(Code) {})
}

// isExpired applies the retention: since the group is Empty; since the commit
// for a simple group, and for topics that a Stable consumer group does not
// subscribe to. In a rebalance, and where subscriptions are unknown, nothing
// expires.
func (s *Shard) isExpired(g *group, o offset) bool {
	sinceMs := o.commitMs
	switch {
	case g.protocolType == "":
	case g.state == Empty:
		if g.stateSinceMs >= 0 {
			sinceMs = g.stateSinceMs
		}
	case g.state == Stable && g.subscribedKnown:
	default:
		return false
	}
	nowMs := s.now.UnixMilli()
	if o.expireMs >= 0 {
		return nowMs >= o.expireMs
	}
	return time.Duration(nowMs-sinceMs)*time.Millisecond >= s.config.OffsetsRetention
}
