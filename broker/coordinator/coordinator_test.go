package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testbed is a coordinator with a log for each partition.
type testbed struct {
	*Coordinator
	t     *testing.T
	clock *clock.Manual
	logs  []*memLog
}

func newTestbed(t *testing.T, change func(*Config)) *testbed {
	tb := &testbed{t: t, clock: clock.NewManual(time.UnixMilli(1_700_000_000_000))}
	var ids atomic.Int64
	cfg := DefaultConfig()
	cfg.Partitions = 4
	cfg.Group.InitialRebalanceDelay = 0
	cfg.Clock, cfg.Logger = tb.clock, slog.New(slog.DiscardHandler)
	cfg.NewUUID = func() string { return fmt.Sprint(ids.Add(1)) }
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tb.Coordinator = c
	t.Cleanup(c.Close)
	for i := range cfg.Partitions {
		tb.logs = append(tb.logs, &memLog{})
		tb.Lead(i, 1, tb.logs[i])
	}
	tb.await("all partitions to load", func() bool {
		resp := tb.do(kmsg.NewPtrListGroupsRequest()).(*kmsg.ListGroupsResponse)
		return resp.ErrorCode == 0
	})
	return tb
}

func (tb *testbed) await(what string, done func() bool) {
	tb.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			tb.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// start sends a request; the answer comes on the channel.
func (tb *testbed) start(req kmsg.Request) chan kmsg.Response {
	answer := make(chan kmsg.Response, 2) // 2: a second answer would be seen, not block
	tb.Handle(Request{ClientID: "c", ClientHost: "/h", Req: req, Bytes: 100}, func(r kmsg.Response) { answer <- r })
	return answer
}

func (tb *testbed) do(req kmsg.Request) kmsg.Response {
	tb.t.Helper()
	return tb.get(tb.start(req))
}

func (tb *testbed) get(answer chan kmsg.Response) kmsg.Response {
	tb.t.Helper()
	select {
	case r := <-answer:
		return r
	case <-time.After(10 * time.Second):
		tb.t.Fatal("no answer")
		return nil
	}
}

func commit(groupID string, offset int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = 8, groupID
	t, p := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = offset
	t.Topic, t.Partitions = "t", []kmsg.OffsetCommitRequestTopicPartition{p}
	req.Topics = []kmsg.OffsetCommitRequestTopic{t}
	return req
}

func commitCode(r kmsg.Response) group.Code {
	return group.Code(r.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode)
}

func (tb *testbed) mustCommit(groupID string, offset int64) {
	tb.t.Helper()
	if code := commitCode(tb.do(commit(groupID, offset))); code != group.None {
		tb.t.Fatalf("commit of %s: %v", groupID, code)
	}
}

// fetch asks for all offsets of the groups: "group code offset …".
func (tb *testbed) fetch(groupIDs ...string) string {
	tb.t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = 8
	for _, id := range groupIDs {
		g := kmsg.NewOffsetFetchRequestGroup()
		g.Group = id
		req.Groups = append(req.Groups, g)
	}
	var out []string
	for _, g := range tb.do(req).(*kmsg.OffsetFetchResponse).Groups {
		s := g.Group
		if g.ErrorCode != 0 {
			s += " " + group.Code(g.ErrorCode).String()
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				s += fmt.Sprintf(" %d", p.Offset)
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func (tb *testbed) expect(got, want string) {
	tb.t.Helper()
	if got != want {
		tb.t.Fatalf("got %q, want %q", got, want)
	}
}

func (tb *testbed) logOf(groupID string) *memLog { return tb.logs[tb.PartitionFor(groupID)] }

// neighbour is another group of the same partition.
func (tb *testbed) neighbour(groupID string) string {
	for i := 0; ; i++ {
		if id := fmt.Sprint(groupID, i); tb.PartitionFor(id) == tb.PartitionFor(groupID) {
			return id
		}
	}
}

// failover makes the partition of a group load anew.
func (tb *testbed) failover(groupID string, epoch int32) {
	index := tb.PartitionFor(groupID)
	tb.Resign(index, epoch-1)
	tb.Lead(index, epoch, tb.logs[index])
	tb.await("the partition to load", func() bool { return !strings.Contains(tb.fetch(groupID), "LOAD_IN_PROGRESS") })
}

func join(groupID, memberID string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.ProtocolType = 3, groupID, memberID, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 60_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name = "range"
	req.Protocols = []kmsg.JoinGroupRequestProtocol{p}
	return req
}

// TestPartitionForMatchesJava: clients' coordinators must not move when a
// cluster does. The hash of "polygenelubricants" is the smallest int, which has
// no absolute value.
func TestPartitionForMatchesJava(t *testing.T) {
	hashes := map[string]int32{
		"": 0, "a": 97, "Aa": 2112, "BB": 2112, "hello": 99162322, "polygenelubricants": 0,
		"😀": 1772899, // two UTF-16 units
		"é": 233,
	}
	for id, want := range hashes {
		if got := PartitionFor(id, 1<<31-1); got != want {
			t.Errorf("%q: %d, want %d", id, got, want)
		}
	}
	if got := PartitionFor("hello", 50); got != 22 {
		t.Errorf("partition of hello: %d", got)
	}
}

func TestOffsetsSurviveFailover(t *testing.T) {
	tb := newTestbed(t, func(c *Config) { c.ReadBytes = 1 })
	for i := range int64(20) {
		tb.mustCommit("g", i)
	}
	tb.mustCommit("h", 7)
	tb.failover("g", 2)
	tb.expect(tb.fetch("h", "g", "nobody"), "h 7, g 19, nobody")
}

func TestNothingIsSeenBeforeItIsDurable(t *testing.T) {
	tb := newTestbed(t, nil)
	log := tb.logOf("g")
	tb.mustCommit("g", 1)
	log.hold()
	second := tb.start(commit("g", 2))
	tb.await("the commit to be in the air", func() bool { return log.inTheAir() == 1 })
	tb.expect(tb.fetch("g"), "g 1")

	// What comes meanwhile gathers into one batch.
	answers := []chan kmsg.Response{second}
	for i := int64(3); i < 10; i++ {
		answers = append(answers, tb.start(commit("g", i)))
	}
	tb.expect(tb.fetch("g"), "g 1")
	before := log.appended
	log.release()
	for _, a := range answers {
		if code := commitCode(tb.get(a)); code != group.None {
			t.Fatal(code)
		}
	}
	tb.expect(tb.fetch("g"), "g 9")
	if extra := log.appended - before; extra != 1 {
		t.Errorf("seven commits took %d batches", extra)
	}
}

// What became durable while nobody may be served any more is not acknowledged: it
// may be in a log that was given up.
func TestNothingIsAcknowledgedPastTheLease(t *testing.T) {
	var over atomic.Bool
	tb := newTestbed(t, func(c *Config) { c.Serves = func() bool { return !over.Load() } })
	tb.mustCommit("g", 1)
	l := tb.logOf("g")
	l.hold()
	answer := tb.start(commit("g", 2))
	tb.await("the commit is in the air", func() bool { return l.inTheAir() == 1 })
	over.Store(true)
	l.release()
	if code := commitCode(tb.get(answer)); code != group.NotCoordinator {
		t.Errorf("answered with %v", code)
	}
	over.Store(false)
	tb.mustCommit("g", 2)
}

func TestPhases(t *testing.T) {
	tb := newTestbed(t, nil)
	tb.mustCommit("g", 1)
	index, log := tb.PartitionFor("g"), tb.logOf("g")
	heartbeat := kmsg.NewPtrHeartbeatRequest()
	heartbeat.Group = "g"

	tb.Resign(index, 0) // of an older epoch
	tb.expect(tb.fetch("g"), "g 1")
	tb.Resign(index, 1)
	tb.expect(tb.fetch("g"), "g NOT_COORDINATOR")

	log.mu.Lock()
	log.reading = make(chan struct{})
	log.mu.Unlock()
	tb.Lead(index, 2, log)
	tb.expect(tb.fetch("g"), "g COORDINATOR_LOAD_IN_PROGRESS")
	if code := tb.do(heartbeat).(*kmsg.HeartbeatResponse).ErrorCode; code != 0 {
		t.Errorf("heartbeat while loading: %v", group.Code(code))
	}
	if code := tb.do(kmsg.NewPtrListGroupsRequest()).(*kmsg.ListGroupsResponse).ErrorCode; group.Code(code) != group.CoordinatorLoadInProgress {
		t.Errorf("list while loading: %v", group.Code(code))
	}
	// A newer epoch takes the place of the load under way.
	other := &memLog{}
	tb.Lead(index, 3, other)
	tb.Lead(index, 3, log)
	tb.Lead(index, 2, log)
	tb.await("the other log to load", func() bool { return tb.fetch("g") == "g" })
}

func TestUnreadableLog(t *testing.T) {
	tb := newTestbed(t, nil)
	index := tb.PartitionFor("g")
	b := batch.NewBuilder()
	b.Add(0, []byte{0, 9, 0, 0}, []byte{0, 0}) // a key of version 9
	newer := &memLog{}
	newer.Append(b.AppendTo(nil), func(int64, error) {})
	tb.Lead(index, 2, newer)
	tb.await("the load to end", func() bool { return !strings.Contains(tb.fetch("g"), "LOAD_IN_PROGRESS") })
	tb.expect(tb.fetch("g"), "g COORDINATOR_NOT_AVAILABLE")

	// One that cannot be read now is tried again.
	late := &memLog{readErr: errors.New("store away")}
	late.Append(tb.logWith(commitRecord("g", 5)), func(int64, error) {})
	tb.Lead(index, 3, late)
	tb.expect(tb.fetch("g"), "g COORDINATOR_LOAD_IN_PROGRESS")
	late.mu.Lock()
	late.readErr = nil
	late.mu.Unlock()
	tb.await("the second load", func() bool {
		tb.clock.Advance(time.Second)
		return tb.fetch("g") == "g 5"
	})
}

// commitRecord is an offset record as the shard writes it.
func commitRecord(groupID string, offset int64) group.Record {
	s := group.NewShard(group.DefaultConfig(), nil)
	now := time.UnixMilli(1_700_000_000_000)
	s.Load(now)
	for _, e := range s.Step(now, group.Request{Req: commit(groupID, offset)}) {
		if a, ok := e.(group.Append); ok {
			return a.Records[0]
		}
	}
	panic("no record")
}

func (tb *testbed) logWith(records ...group.Record) []byte {
	b := batch.NewBuilder()
	for _, r := range records {
		b.Add(0, r.Key, r.Value)
	}
	return b.AppendTo(nil)
}

func TestResignAnswersAll(t *testing.T) {
	tb := newTestbed(t, nil)
	log := tb.logOf("g")
	tb.do(join("g", ""))
	log.hold()
	answers := []chan kmsg.Response{tb.start(join("g", "")), tb.start(commit(tb.neighbour("g"), 1))}
	tb.await("the commit to be in the air", func() bool { return log.inTheAir() == 1 })
	tb.Resign(tb.PartitionFor("g"), 1)
	if code := tb.get(answers[0]).(*kmsg.JoinGroupResponse).ErrorCode; group.Code(code) != group.NotCoordinator {
		t.Errorf("join: %v", group.Code(code))
	}
	if code := commitCode(tb.get(answers[1])); code != group.NotCoordinator {
		t.Errorf("commit: %v", code)
	}
	log.release() // concerns nobody any more
	if n := tb.requests.Load(); n != 0 {
		t.Errorf("%d requests counted", n)
	}
}

func TestAppendOutcomes(t *testing.T) {
	tb := newTestbed(t, func(c *Config) { c.BatchBytesMax = 4096 })
	log := tb.logOf("g")
	tb.mustCommit("g", 1)

	log.setFail(fmt.Errorf("full: %w", ErrRefused))
	if code := commitCode(tb.do(commit("g", 2))); code != group.CoordinatorNotAvailable {
		t.Errorf("refused: %v", code)
	}
	log.setFail(ErrNotLeader)
	if code := commitCode(tb.do(commit("g", 3))); code != group.NotCoordinator {
		t.Errorf("not the leader: %v", code)
	}
	tb.expect(tb.fetch("g"), "g 1")

	// A record larger than a batch may be fails alone.
	log.setFail(nil)
	large := commit("g", 4)
	large.Topics[0].Partitions[0].Metadata = kmsg.StringPtr(strings.Repeat("x", 4096))
	if code := commitCode(tb.do(large)); code != group.UnknownServerError {
		t.Errorf("too large: %v", code)
	}
	tb.mustCommit("g", 5)

	// Many records take several batches, all or nothing in the answer.
	many := commit("g", 6)
	for i := range int32(500) {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = i+1, 6
		many.Topics[0].Partitions = append(many.Topics[0].Partitions, p)
	}
	before := log.appended
	if code := commitCode(tb.do(many)); code != group.None || log.appended-before < 5 {
		t.Errorf("many: %v in %d batches", code, log.appended-before)
	}
	tb.failover("g", 2)
	if got := strings.Count(tb.fetch("g"), " 6"); got != 501 {
		t.Errorf("%d of 501 offsets after failover", got)
	}
}

// TestUnknownOutcome: the log fails, but has the record all the same. After
// loading anew the shard agrees with the log.
func TestUnknownOutcome(t *testing.T) {
	tb := newTestbed(t, nil)
	log := tb.logOf("g")
	log.hold()
	answer := tb.start(commit("g", 3))
	tb.await("the commit to be in the air", func() bool { return log.inTheAir() == 1 })
	log.mu.Lock()
	held := log.held[0]
	log.held, log.holding = nil, false
	if _, err := log.write(held.bytes); err != nil {
		t.Fatal(err)
	}
	log.mu.Unlock()
	held.done(-1, context.DeadlineExceeded)
	if code := commitCode(tb.get(answer)); code != group.NotCoordinator {
		t.Errorf("answered %v", code)
	}
	tb.expect(tb.fetch("g"), "g COORDINATOR_LOAD_IN_PROGRESS")
	tb.await("the load", func() bool {
		tb.clock.Advance(time.Second)
		return tb.fetch("g") == "g 3"
	})
}

// TestCompactionBoundsTheLog: while clients commit, the log is rewritten and
// its beginning deleted, and nothing is lost.
func TestCompactionBoundsTheLog(t *testing.T) {
	tb := newTestbed(t, func(c *Config) { c.Partitions, c.CompactBytesMin = 1, 20_000 })
	log := tb.logs[0]
	for i := range int64(2000) {
		tb.mustCommit(fmt.Sprint("g", i%5), i)
	}
	tb.await("the log to be cut", func() bool { return log.size() < 60_000 })
	start, end := log.Bounds()
	if start == 0 || end-start > 1000 {
		t.Errorf("log reaches from %d to %d", start, end)
	}
	tb.failover("g0", 2)
	tb.expect(tb.fetch("g0", "g1", "g2", "g3", "g4"), "g0 1995, g1 1996, g2 1997, g3 1998, g4 1999")

	// With nothing alive, everything goes.
	del := kmsg.NewPtrDeleteGroupsRequest()
	del.Groups = []string{"g0", "g1", "g2", "g3", "g4"}
	for i, g := range tb.do(del).(*kmsg.DeleteGroupsResponse).Groups {
		if g.ErrorCode != 0 || g.Group != del.Groups[i] {
			t.Fatalf("%+v", g)
		}
	}
	for i := range int64(600) {
		tb.mustCommit("brief", i)
		del.Groups = []string{"brief"}
		tb.do(del)
	}
	tb.await("the log to be cut again", func() bool { return log.size() < 60_000 })
}

// TestCompactionSurvivesRefusals: a portion that is refused abandons the
// compaction, and a later one succeeds.
func TestCompactionSurvivesRefusals(t *testing.T) {
	tb := newTestbed(t, func(c *Config) { c.Partitions, c.CompactBytesMin = 1, 5_000 })
	log := tb.logs[0]
	for i := range int64(400) {
		if i%7 == 0 {
			log.setFail(ErrRefused)
			tb.do(commit("g", -1))
			log.setFail(nil)
		}
		tb.await("the commit to be taken", func() bool { return commitCode(tb.do(commit("g", i))) == group.None })
	}
	tb.failover("g", 2)
	tb.expect(tb.fetch("g"), "g 399")
	if start, _ := log.Bounds(); start == 0 {
		t.Error("never compacted")
	}
}

func TestSessionsExpireByTheClock(t *testing.T) {
	tb := newTestbed(t, nil)
	first := tb.do(join("g", "")).(*kmsg.JoinGroupResponse)
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{"g", "unknown"}
	state := func() string { return tb.do(describe).(*kmsg.DescribeGroupsResponse).Groups[0].State }
	tb.expect(state(), "CompletingRebalance")
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = "g", first.Generation, first.MemberID
	tb.do(sync)
	tb.expect(state(), "Stable")
	tb.await("the session to expire", func() bool {
		tb.clock.Advance(time.Second)
		return state() == "Empty"
	})
}

func TestRequestsAreBounded(t *testing.T) {
	tb := newTestbed(t, func(c *Config) { c.RequestsMax = 2; c.RequestBytesMax = 1000 })
	log := tb.logOf("g")
	log.hold()
	a, b := tb.start(commit("g", 1)), tb.start(commit("g", 2))
	if code := commitCode(tb.do(commit("g", 3))); code != group.CoordinatorNotAvailable {
		t.Errorf("third: %v", code)
	}
	log.release()
	tb.get(a)
	tb.get(b)
	var refused atomic.Bool
	tb.Handle(Request{Req: commit("g", 4), Bytes: 1001}, func(r kmsg.Response) {
		refused.Store(commitCode(r) == group.CoordinatorNotAvailable)
	})
	if !refused.Load() {
		t.Error("a request above the byte bound was taken")
	}
	tb.mustCommit("g", 5)
}

func TestCloseAnswersAll(t *testing.T) {
	tb := newTestbed(t, nil)
	tb.logOf("g").hold()
	parked := tb.start(commit("g", 1))
	tb.await("the commit to be in the air", func() bool { return tb.logOf("g").inTheAir() == 1 })
	tb.Close()
	if code := commitCode(tb.get(parked)); code != group.NotCoordinator {
		t.Errorf("parked: %v", code)
	}
	if code := commitCode(tb.do(commit("g", 2))); code != group.NotCoordinator {
		t.Errorf("later: %v", code)
	}
}

func TestTopicsDeletedAndList(t *testing.T) {
	tb := newTestbed(t, nil)
	ids := []string{"a", "b", "c", "d", "e"}
	for i, id := range ids {
		tb.mustCommit(id, int64(i))
	}
	var listed []string
	for _, g := range tb.do(kmsg.NewPtrListGroupsRequest()).(*kmsg.ListGroupsResponse).Groups {
		listed = append(listed, g.Group)
	}
	tb.expect(strings.Join(listed, " "), "a b c d e")
	tb.expect(tb.fetch("e", "a", "c", "a"), "e 4, a 0, c 2, a 0")
	tb.TopicsDeleted([]string{"t"})
	tb.await("offsets to go", func() bool { return tb.fetch(ids...) == "a, b, c, d, e" })
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Loops") || !strings.Contains(err.Error(), "group.max.size") {
		t.Fatalf("%v", err)
	}
}
