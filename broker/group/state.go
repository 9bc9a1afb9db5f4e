package group

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/seawallmq/seawall/internal/invariant"
)

// What a group, member, topic and offset take in memory besides their
// strings and bytes, about: struct, map entries, pointers.
const (
	groupOverheadBytes       = 768
	memberOverheadBytes      = 512
	pendingJoinOverheadBytes = 256
	topicOverheadBytes       = 128
	offsetOverheadBytes      = 96
)

func groupBytes(g *group) int64 {
	return int64(groupOverheadBytes + len(g.id) + len(g.metadata))
}

func topicBytes(topic string) int64 { return int64(topicOverheadBytes + len(topic)) }

func offsetBytes(o offset) int64 { return int64(offsetOverheadBytes + len(o.metadata)) }

func pendingJoinBytes(id string) int64 { return int64(pendingJoinOverheadBytes + len(id)) }

func memberBytes(m *member) int64 {
	n := memberOverheadBytes + len(m.id) + len(m.clientID) + len(m.clientHost) + len(m.assignment)
	if m.instanceID != nil {
		n += len(*m.instanceID)
	}
	for _, p := range m.protocols {
		n += len(p.name) + len(p.metadata)
	}
	return int64(n)
}

// charge brings the budget up to date with what m takes now.
func (s *Shard) charge(m *member) {
	now := memberBytes(m)
	s.bytes += now - m.bytes
	m.bytes = now
}

// apply is the only place where durable state changes; see the package
// comment. It is the same for a replayed record and for an append that has
// become durable.
func (s *Shard) apply(c change) {
	g := s.groups[c.group]
	tombstone := c.offset == nil && c.metadata == nil
	if g == nil {
		if tombstone {
			return
		}
		g = s.addGroup(c.group)
	}
	switch {
	case c.isOffset && tombstone:
		s.removeOffset(g, c.topic, c.partition)
	case c.isOffset:
		s.putOffset(g, c.topic, c.partition, *c.offset)
	case tombstone:
		s.dropGroup(g)
	default:
		s.bytes -= groupBytes(g)
		g.metadata = c.metadata
		s.bytes += groupBytes(g)
	}
}

func (s *Shard) putOffset(g *group, topic string, partition int32, o offset) {
	partitions := g.offsets[topic]
	if partitions == nil {
		partitions = map[int32]offset{}
		g.offsets[topic] = partitions
		s.bytes += topicBytes(topic)
	}
	if old, ok := partitions[partition]; ok {
		s.bytes -= offsetBytes(old)
	}
	partitions[partition] = o
	s.bytes += offsetBytes(o)
}

func (s *Shard) removeOffset(g *group, topic string, partition int32) {
	old, ok := g.offsets[topic][partition]
	if !ok {
		return
	}
	s.bytes -= offsetBytes(old)
	delete(g.offsets[topic], partition)
	if len(g.offsets[topic]) == 0 {
		delete(g.offsets, topic)
		s.bytes -= topicBytes(topic)
	}
}

// restore builds the membership of a replayed group from its last durable
// metadata. Members keep only the protocol of that generation, so one that
// comes back with its full list causes a rebalance, as in Kafka.
func (s *Shard) restore(g *group) {
	if g.metadata == nil {
		return // a simple group
	}
	v, err := decodeGroup(g.metadata)
	invariant.Check(err == nil, "group %q: metadata that was replayed does not decode: %v", g.id, err)
	g.protocolType, g.generation, g.stateSinceMs = v.ProtocolType, v.Generation, v.CurrentStateTimestamp
	if v.Protocol != nil {
		g.protocol = *v.Protocol
	}
	for _, vm := range v.Members {
		m := &member{
			id: vm.MemberID, instanceID: vm.InstanceID, clientID: vm.ClientID, clientHost: vm.ClientHost,
			sessionTimeout:   time.Duration(vm.SessionTimeoutMillis) * time.Millisecond,
			rebalanceTimeout: time.Duration(vm.RebalanceTimeoutMillis) * time.Millisecond,
			protocols:        []protocol{{name: g.protocol, metadata: vm.Subscription}},
			assignment:       vm.Assignment,
		}
		if vm.RebalanceTimeoutMillis < 0 {
			m.rebalanceTimeout = m.sessionTimeout
		}
		s.admit(g, m)
		s.arm(&m.session, m.sessionTimeout)
	}
	if v.Leader != nil && g.members[*v.Leader] != nil {
		g.leaderID = *v.Leader
	}
	g.refreshSubscriptions()
	if len(g.members) > 0 {
		g.state = Stable
	}
	if len(g.members) > s.config.MembersMax {
		s.prepareRebalance(g, "more members than group.max.size after loading")
	}
}

// LiveRecords is the durable state as records: replaying them alone gives the
// same shard as the whole log. Groups come in the order of their ids, and
// the iteration may be resumed after a group; see [Shard.LiveRecordsAfter].
func (s *Shard) LiveRecords() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, id := range s.groupIDs() {
			if !s.groups[id].liveRecords(yield) {
				return
			}
		}
	}
}

// LiveRecordsAfter is the durable state of the groups whose ids come after
// cursor, of whole groups until bytesMin is reached, and the cursor to go on
// with; more is false when no group is left. Start with first true.
//
// A log is compacted by appending all of it, one portion after another, and
// then deleting what lies before the first portion. A portion must be handed
// to the log behind all appends whose outcome was reported and before all the
// others, so take it only when none is on its way; else an older value would
// come to stand behind a newer one. Between portions the shard may be stepped
// freely.
func (s *Shard) LiveRecordsAfter(cursor string, first bool, bytesMin int) (records []Record, next string, more bool) {
	ids := s.groupIDs()
	bytes := 0
	for i, id := range ids {
		if !first && id <= cursor {
			continue
		}
		s.groups[id].liveRecords(func(r Record) bool {
			records = append(records, r)
			bytes += len(r.Key) + len(r.Value)
			return true
		})
		if bytes >= bytesMin {
			return records, id, i+1 < len(ids)
		}
	}
	return records, "", false
}

func (g *group) liveRecords(yield func(Record) bool) bool {
	if g.metadata != nil && !yield(change{group: g.id, metadata: g.metadata}.record()) {
		return false
	}
	for _, topic := range g.topics() {
		for _, partition := range slices.Sorted(maps.Keys(g.offsets[topic])) {
			o := g.offsets[topic][partition]
			c := change{group: g.id, isOffset: true, topic: topic, partition: partition, offset: &o}
			if !yield(c.record()) {
				return false
			}
		}
	}
	return true
}
