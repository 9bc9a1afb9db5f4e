package group

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// A run takes a millisecond, so that rapid's 100 would be needlessly few.
func init() { _ = flag.Set("rapid.checks", "2000") }

// TestDurableStateFollowsTheLog drives a shard with arbitrary requests,
// outcomes of appends in any order, passing time and crashes. After each step
// the durable state must be what the durable log implies, the books must be
// straight, and in the end every request must have been answered once.
func TestDurableStateFollowsTheLog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config := DefaultConfig()
		config.InitialRebalanceDelay = time.Duration(rapid.IntRange(0, 1).Draw(rt, "delay")) * 3 * time.Second
		config.MembersMax = 4
		config.ShardBytesMax = int64(rapid.SampledFrom([]int{6_000, 1 << 20}).Draw(rt, "bytes"))
		m := &machine{t: rt, world: newWorld(config), reported: map[uint64]Code{}}
		rt.Repeat(map[string]func(*rapid.T){
			"join":      m.join,
			"sync":      m.sync,
			"heartbeat": m.heartbeat,
			"leave":     m.leave,
			"commit":    m.commit,
			"read":      m.read,
			"delete":    m.delete,
			"outcome":   m.outcome,
			"advance":   m.pass,
			"crash":     m.restart,
			"":          m.check,
		})
		m.step(Unload{})
		if len(m.names) > 0 {
			rt.Fatalf("requests without an answer: %v", m.names)
		}
	})
}

// machine is a world that makes arbitrary commands of t.
type machine struct {
	*world
	t        *rapid.T
	reported map[uint64]Code // outcomes reported, behind one that is awaited
}

func (m *machine) send(req kmsg.Request) { m.request(fmt.Sprintf("%T", req), "c", req) }

func (m *machine) groupID() string { return rapid.SampledFrom([]string{"g", "h"}).Draw(m.t, "group") }

// someone is a member that exists, one that has yet to join, or none.
func (m *machine) someone(groupID string) (memberID string, instanceID *string) {
	g := m.shard.groups[groupID]
	if g == nil {
		return "unknown", nil
	}
	ids := append([]string{"unknown"}, slices.Sorted(maps.Keys(g.members))...)
	ids = append(ids, slices.Sorted(maps.Keys(g.pendingJoins))...)
	id := ids[len(ids)-1-rapid.IntRange(0, len(ids)-1).Draw(m.t, "member")]
	if member := g.members[id]; member != nil {
		return id, member.instanceID
	}
	return id, nil
}

func (m *machine) generation(groupID string) int32 {
	g := m.shard.groups[groupID]
	if g == nil || rapid.IntRange(0, 9).Draw(m.t, "stale") == 0 {
		return 77
	}
	return g.generation
}

func (m *machine) join(t *rapid.T) {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.Version = m.groupID(), int16(rapid.SampledFrom([]int{0, 3, 5, 9}).Draw(t, "version"))
	switch rapid.IntRange(0, 3).Draw(t, "who") {
	case 0:
		req.InstanceID = kmsg.StringPtr(rapid.SampledFrom([]string{"i", "j"}).Draw(t, "instance"))
	case 1, 2:
		req.MemberID, req.InstanceID = m.someone(req.Group)
	}
	req.ProtocolType = "consumer"
	req.SessionTimeoutMillis = rapid.SampledFrom([]int32{6_000, 20_000}).Draw(t, "session")
	req.RebalanceTimeoutMillis = rapid.SampledFrom([]int32{0, 5_000, 60_000}).Draw(t, "rebalance")
	for _, name := range rapid.SampledFrom([][]string{{"range"}, {"range", "sticky"}, {"sticky", "range"}}).Draw(t, "protocols") {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, subscription("t")
		req.Protocols = append(req.Protocols, p)
	}
	m.send(req)
}

func (m *machine) sync(t *rapid.T) {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group = 5, m.groupID()
	req.MemberID, req.InstanceID = m.someone(req.Group)
	req.Generation = m.generation(req.Group)
	if g := m.shard.groups[req.Group]; g != nil && g.leaderID == req.MemberID {
		for i, member := range g.memberOrder {
			a := kmsg.NewSyncGroupRequestGroupAssignment()
			a.MemberID, a.MemberAssignment = member.id, []byte(fmt.Sprintf("%d.%d", g.generation, i))
			req.GroupAssignment = append(req.GroupAssignment, a)
		}
	}
	m.send(req)
}

func (m *machine) heartbeat(*rapid.T) {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group = 4, m.groupID()
	req.MemberID, req.InstanceID = m.someone(req.Group)
	req.Generation = m.generation(req.Group)
	m.send(req)
}

func (m *machine) leave(t *rapid.T) {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Version, req.Group = int16(rapid.IntRange(2, 3).Draw(t, "version")), m.groupID()
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID, member.InstanceID = m.someone(req.Group)
	req.MemberID, req.Members = member.MemberID, []kmsg.LeaveGroupRequestMember{member, member}
	m.send(req)
}

func (m *machine) commit(t *rapid.T) {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = 8, m.groupID()
	if rapid.Bool().Draw(t, "managed") {
		req.MemberID, req.InstanceID = m.someone(req.Group)
		req.Generation = m.generation(req.Group)
	}
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = rapid.SampledFrom([]string{"t", "u"}).Draw(t, "topic")
	for range rapid.IntRange(1, 2).Draw(t, "partitions") {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = rapid.Int32Range(0, 2).Draw(t, "partition"), rapid.Int64Range(0, 99).Draw(t, "offset")
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = append(req.Topics, topic)
	m.send(req)
}

func (m *machine) read(t *rapid.T) {
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Version, req.Groups = 8, []kmsg.OffsetFetchRequestGroup{{Group: m.groupID()}}
		m.send(req)
	case 1:
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Version, req.Groups = 5, []string{m.groupID()}
		m.send(req)
	default:
		m.send(kmsg.NewPtrListGroupsRequest())
	}
}

func (m *machine) delete(t *rapid.T) {
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		req := kmsg.NewPtrDeleteGroupsRequest()
		req.Groups = []string{m.groupID(), m.groupID()}
		m.send(req)
	case 1:
		req := kmsg.NewPtrOffsetDeleteRequest()
		topic := kmsg.NewOffsetDeleteRequestTopic()
		topic.Topic, topic.Partitions = "u", []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}, {Partition: 1}}
		req.Group, req.Topics = m.groupID(), []kmsg.OffsetDeleteRequestTopic{topic}
		m.send(req)
	default:
		m.step(TopicsDeleted{Topics: []string{"t"}})
	}
}

// outcome reports an append that is awaited, not always the oldest. The log
// grows in order all the same.
func (m *machine) outcome(t *rapid.T) {
	var awaited []uint64
	for _, a := range m.appends {
		if _, done := m.reported[a.ID]; !done {
			awaited = append(awaited, a.ID)
		}
	}
	if len(awaited) == 0 {
		return
	}
	id := rapid.SampledFrom(awaited).Draw(t, "append")
	m.reported[id] = rapid.SampledFrom([]Code{None, None, None, NotCoordinator}).Draw(t, "code")
	for len(m.appends) > 0 {
		code, done := m.reported[m.appends[0].ID]
		if !done {
			break
		}
		if code == None {
			m.log = append(m.log, m.appends[0].Records...)
		}
		m.appends = m.appends[1:]
	}
	if m.reported[id] == None {
		m.step(Appended{ID: id})
	} else {
		m.step(AppendFailed{ID: id, Code: m.reported[id]})
	}
}

func (m *machine) pass(t *rapid.T) {
	m.advance(rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, time.Minute, 100 * time.Hour}).Draw(t, "time"))
}

// restart loses all that is not durable, after compacting the log or not.
func (m *machine) restart(t *rapid.T) {
	if len(m.appends) == 0 && rapid.Bool().Draw(t, "compact") {
		m.log = m.portions(t)
	}
	m.reported = map[uint64]Code{}
	m.crash()
	for id, g := range m.shard.groups {
		if want := map[bool]State{true: Stable, false: Empty}[len(g.members) > 0]; g.state != want {
			m.t.Fatalf("group %s loaded as %v with %d members", id, g.state, len(g.members))
		}
	}
}

// portions is the live state, taken group by group.
func (m *machine) portions(t *rapid.T) []Record {
	var live []Record
	bytesMin := rapid.IntRange(1, 500).Draw(t, "portion")
	cursor, first := "", true
	for more := true; more; first = false {
		var records []Record
		records, cursor, more = m.shard.LiveRecordsAfter(cursor, first, bytesMin)
		live = append(live, records...)
	}
	return live
}

func (m *machine) check(*rapid.T) {
	fresh := replayed(m.config, m.uuid, slices.Values(m.log))
	if want, got := durableDump(fresh), durableDump(m.shard); want != got {
		m.t.Fatalf("the log implies\n%sbut the shard holds\n%s", want, got)
	}
	if len(m.appends) == 0 {
		compacted := replayed(m.config, m.uuid, m.shard.LiveRecords())
		if want, got := durableDump(m.shard), durableDump(compacted); want != got {
			m.t.Fatalf("the shard holds\n%sbut its live records imply\n%s", want, got)
		}
	}
	var bytes int64
	for id, g := range m.shard.groups {
		bytes += m.checkGroup(id, g)
	}
	if bytes != m.shard.Bytes() {
		m.t.Fatalf("groups take %d bytes, the shard counts %d", bytes, m.shard.Bytes())
	}
}

// checkGroup checks the books of a group and returns its bytes.
func (m *machine) checkGroup(id string, g *group) int64 {
	bytes := groupBytes(g)
	for topic, partitions := range g.offsets {
		bytes += topicBytes(topic)
		for _, o := range partitions {
			bytes += offsetBytes(o)
		}
	}
	for pending := range g.pendingJoins {
		bytes += pendingJoinBytes(pending)
	}
	parkedJoins, supporters := 0, map[string]int{}
	for _, member := range g.memberOrder {
		bytes += memberBytes(member)
		if member.join != nil {
			parkedJoins++
		}
		for _, p := range member.protocols {
			supporters[p.name]++
		}
		if member.session.slot == 0 && member.join == nil && member.sync == nil {
			m.t.Fatalf("member %s of %s waits for nothing and can never expire", member.id, id)
		}
		if member.sync != nil && g.state != CompletingRebalance {
			m.t.Fatalf("sync of %s is parked in %v", member.id, g.state)
		}
	}
	if parkedJoins != g.parkedJoins || len(g.members) != len(g.memberOrder) || !maps.Equal(supporters, g.supporters) {
		m.t.Fatalf("books of %s: %d joins parked, counted %d; %d members, %d in order; support %v, counted %v",
			id, parkedJoins, g.parkedJoins, len(g.members), len(g.memberOrder), supporters, g.supporters)
	}
	if g.state == PreparingRebalance && g.joinTimer.slot == 0 {
		m.t.Fatalf("nothing ends the rebalance of %s", id)
	}
	if (len(g.members) == 0) != (g.state == Empty || g.state == Dead) && g.state != PreparingRebalance {
		m.t.Fatalf("%s is %v with %d members", id, g.state, len(g.members))
	}
	if g.isIdle() {
		m.t.Fatalf("%s is idle and still held", id)
	}
	return bytes
}
