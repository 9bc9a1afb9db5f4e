package broker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/group"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func TestFindCoordinatorInEveryVersion(t *testing.T) {
	for v := int16(0); v <= 6; v++ {
		b := newTestBroker(t, nil)
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.Version, req.CoordinatorKey, req.CoordinatorKeys = v, "g", []string{"g", "another"}
		resp := ask[*kmsg.FindCoordinatorResponse](b, req)
		topic, ok := b.meta.Image().TopicByName("__consumer_offsets")
		if !ok {
			t.Fatalf("v%d: the offsets topic was not made", v)
		}
		want := func(group string) (node int32, host string, port int32) {
			p, _ := b.meta.Image().Partition(topic.ID, b.groups.PartitionFor(group))
			return int32(p.Leader), "host" + p.Leader.String(), 9000 + int32(p.Leader)
		}
		if v >= 4 {
			if len(resp.Coordinators) != 2 {
				t.Fatalf("v%d: %+v", v, resp)
			}
			for i, c := range resp.Coordinators {
				node, host, port := want(req.CoordinatorKeys[i])
				if c.Key != req.CoordinatorKeys[i] || c.ErrorCode != 0 || c.NodeID != node || c.Host != host || c.Port != port {
					t.Errorf("v%d: %+v, want %d %s:%d", v, c, node, host, port)
				}
			}
			continue
		}
		node, host, port := want("g")
		if resp.ErrorCode != 0 || resp.ErrorMessage != nil || resp.NodeID != node || resp.Host != host || resp.Port != port {
			t.Errorf("v%d: %+v, want %d %s:%d", v, resp, node, host, port)
		}
	}
}

func TestFindCoordinatorRefuses(t *testing.T) {
	b := newTestBroker(t, nil)
	find := func(version int16, kind int8) kmsg.FindCoordinatorResponseCoordinator {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.Version, req.CoordinatorType, req.CoordinatorKeys = version, kind, []string{"k"}
		return ask[*kmsg.FindCoordinatorResponse](b, req).Coordinators[0]
	}
	for kind, want := range map[int8]int16{
		1: kerr.TransactionalIDAuthorizationFailed.Code, 2: kerr.InvalidRequest.Code, 9: kerr.InvalidRequest.Code,
	} {
		if c := find(6, kind); c.ErrorCode != want || c.NodeID != -1 || c.Host != "" || c.Port != -1 || c.ErrorMessage == nil {
			t.Errorf("type %d: %+v", kind, c)
		}
	}
	b.meta.fail = errors.New("no controller")
	if c := find(6, 0); c.ErrorCode != kerr.CoordinatorNotAvailable.Code {
		t.Errorf("without a controller: %+v", c)
	}
	b.meta.fail = nil
	if c := find(6, 0); c.ErrorCode != 0 {
		t.Errorf("with a controller again: %+v", c)
	}
	// Its leader died.
	b.meta.must(t, &image.FenceNode{Node: 1, Epoch: 1})
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: 1})
	if c := find(6, 0); c.ErrorCode != kerr.CoordinatorNotAvailable.Code {
		t.Errorf("with a dead leader: %+v", c)
	}
}

// Every request of a group goes to the coordinator as it came, with who sent it.
func TestGroupRequestsReachTheCoordinator(t *testing.T) {
	b := newTestBroker(t, nil)
	for _, c := range []struct {
		req      kmsg.Request
		min, max int16
	}{
		{&kmsg.JoinGroupRequest{Group: "g", MemberID: "m"}, 0, 9},
		{&kmsg.HeartbeatRequest{Group: "g", MemberID: "m"}, 0, 4},
		{&kmsg.LeaveGroupRequest{Group: "g"}, 0, 5},
		{&kmsg.SyncGroupRequest{Group: "g", MemberID: "m"}, 0, 5},
		{&kmsg.DescribeGroupsRequest{Groups: []string{"g"}}, 0, 6},
		{&kmsg.ListGroupsRequest{}, 0, 5},
		{&kmsg.DeleteGroupsRequest{Groups: []string{"g"}}, 0, 3},
		{&kmsg.OffsetFetchRequest{Group: "g", Groups: []kmsg.OffsetFetchRequestGroup{{Group: "g"}}}, 1, 10},
		{&kmsg.OffsetDeleteRequest{Group: "g"}, 0, 0},
	} {
		for v := c.min; v <= c.max; v++ {
			b.groups.asked = nil
			c.req.SetVersion(v)
			_, _ = b.client.Do(context.Background(), 1, c.req) // what reached the coordinator counts
			if len(b.groups.asked) != 1 {
				t.Fatalf("%T v%d: %d requests reached the coordinator", c.req, v, len(b.groups.asked))
			}
			got := b.groups.asked[0]
			if got.ClientID != "test-client" || got.ClientHost != "/pipe" || got.Req.GetVersion() != v || got.Req.Key() != c.req.Key() {
				t.Errorf("%T v%d: %+v", c.req, v, got)
			}
			if want := len(c.req.AppendTo(nil)); got.Bytes != want {
				t.Errorf("%T v%d: %d bytes, want %d", c.req, v, got.Bytes, want)
			}
		}
	}
}

func TestClientHost(t *testing.T) {
	for _, c := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5}, "/127.0.0.1"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 5}, "/::1"},
	} {
		if got := clientHost(c.addr); got != c.want {
			t.Errorf("%v: %s, want %s", c.addr, got, c.want)
		}
	}
}

func TestDescribeGroupsAuthorizedOperations(t *testing.T) {
	b := newTestBroker(t, nil)
	b.groups.reply = func(req kmsg.Request) kmsg.Response {
		resp := group.ErrorResponse(req, group.None).(*kmsg.DescribeGroupsResponse)
		resp.Groups[1].ErrorCode = kerr.GroupIDNotFound.Code
		return resp
	}
	for _, asked := range []bool{false, true} {
		req := &kmsg.DescribeGroupsRequest{Version: 6, Groups: []string{"a", "b"}, IncludeAuthorizedOperations: asked}
		want := []int32{operationsNotAsked, operationsNotAsked}
		if asked {
			want[0] = 3400
		}
		for i, g := range ask[*kmsg.DescribeGroupsResponse](b, req).Groups {
			if g.AuthorizedOperations != want[i] {
				t.Errorf("asked %v: %+v", asked, g)
			}
		}
	}
}

// commitTo names partitions of topics, by name and id.
func commitTo(version int16, topics ...kmsg.OffsetCommitRequestTopic) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.Topics = version, "g", topics
	return req
}

func committed(name string, id ids.TopicID, partitions ...int32) kmsg.OffsetCommitRequestTopic {
	t := kmsg.OffsetCommitRequestTopic{Topic: name, TopicID: id}
	for _, p := range partitions {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition = p
		t.Partitions = append(t.Partitions, rp)
	}
	return t
}

func TestOffsetCommitChecksPartitions(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1, 1)
	unknown := ids.TopicID{0xee}
	for v := int16(2); v <= 10; v++ {
		b.groups.asked = nil
		resp := ask[*kmsg.OffsetCommitResponse](b, commitTo(v, committed("t", id, 0, 7, 1), committed("none", unknown, 0)))
		codes := map[string]map[int32]int16{}
		for _, rt := range resp.Topics {
			name := rt.Topic
			if v >= 10 {
				name = map[ids.TopicID]string{id: "t", unknown: "none"}[rt.TopicID]
			}
			codes[name] = map[int32]int16{}
			for _, p := range rt.Partitions {
				codes[name][p.Partition] = p.ErrorCode
			}
		}
		noTopic := kerr.UnknownTopicOrPartition.Code
		if v >= 10 {
			noTopic = kerr.UnknownTopicID.Code
		}
		want := map[string]map[int32]int16{
			"t": {0: 0, 1: 0, 7: kerr.UnknownTopicOrPartition.Code}, "none": {0: noTopic},
		}
		if d := cmp.Diff(want, codes); d != "" {
			t.Errorf("v%d (-want +got):\n%s", v, d)
		}
		asked := b.groups.asked[0].Req.(*kmsg.OffsetCommitRequest)
		if len(asked.Topics) != 1 || asked.Topics[0].Topic != "t" || len(asked.Topics[0].Partitions) != 2 {
			t.Errorf("v%d: the coordinator was asked to commit %+v", v, asked.Topics)
		}
		// Nothing to commit: the coordinator is not asked.
		resp = ask[*kmsg.OffsetCommitResponse](b, commitTo(v, committed("none", unknown, 0)))
		if len(b.groups.asked) != 1 || resp.Topics[0].Partitions[0].ErrorCode != noTopic {
			t.Errorf("v%d: %+v", v, resp.Topics)
		}
	}
}

func TestOffsetFetchByTopicID(t *testing.T) {
	b := newTestBroker(t, nil)
	id, unknown := b.topic("t", 1), ids.TopicID{0xee}
	b.groups.reply = func(r kmsg.Request) kmsg.Response {
		req := r.(*kmsg.OffsetFetchRequest)
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, g := range req.Groups {
			rg := kmsg.OffsetFetchResponseGroup{Group: g.Group}
			topics := g.Topics
			if topics == nil { // all that there are, as the coordinator has them
				topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{0}}, {Topic: "gone", Partitions: []int32{0}}}
			}
			for _, x := range topics {
				rg.Topics = append(rg.Topics, kmsg.OffsetFetchResponseGroupTopic{Topic: x.Topic, TopicID: x.TopicID,
					Partitions: []kmsg.OffsetFetchResponseGroupTopicPartition{{Partition: x.Partitions[0], Offset: 5}}})
			}
			resp.Groups = append(resp.Groups, rg)
		}
		return resp
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = 10
	req.Groups = []kmsg.OffsetFetchRequestGroup{
		{Group: "some", Topics: []kmsg.OffsetFetchRequestGroupTopic{{TopicID: unknown, Partitions: []int32{3}}, {TopicID: id, Partitions: []int32{0}}}},
		{Group: "all"},
		{Group: "none", Topics: []kmsg.OffsetFetchRequestGroupTopic{{TopicID: unknown, Partitions: []int32{3}}}},
	}
	groups := ask[*kmsg.OffsetFetchResponse](b, req).Groups
	type at struct {
		ID     ids.TopicID
		Offset int64
		Code   int16
	}
	var got [][]at
	for _, g := range groups {
		var ats []at
		for _, x := range g.Topics {
			ats = append(ats, at{x.TopicID, x.Partitions[0].Offset, x.Partitions[0].ErrorCode})
		}
		got = append(got, ats)
	}
	lost := at{unknown, -1, kerr.UnknownTopicID.Code}
	if d := cmp.Diff([][]at{{{id, 5, 0}, lost}, {{id, 5, 0}}, {lost}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestOffsetDeleteChecksPartitions(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	b.groups.reply = func(r kmsg.Request) kmsg.Response {
		req := r.(*kmsg.OffsetDeleteRequest)
		if req.Group == "none" {
			return group.ErrorResponse(req, group.GroupIDNotFound)
		}
		resp := req.ResponseKind().(*kmsg.OffsetDeleteResponse)
		for _, x := range req.Topics {
			rt := kmsg.OffsetDeleteResponseTopic{Topic: x.Topic}
			for _, p := range x.Partitions {
				rt.Partitions = append(rt.Partitions, kmsg.OffsetDeleteResponseTopicPartition{Partition: p.Partition})
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp
	}
	parts := func(ps ...int32) (out []kmsg.OffsetDeleteRequestTopicPartition) {
		for _, p := range ps {
			out = append(out, kmsg.OffsetDeleteRequestTopicPartition{Partition: p})
		}
		return out
	}
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = "g"
	req.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "t", Partitions: parts(0, 4)}, {Topic: "no", Partitions: parts(0)}}
	resp := ask[*kmsg.OffsetDeleteResponse](b, req)
	unknown := kerr.UnknownTopicOrPartition.Code
	want := []kmsg.OffsetDeleteResponseTopic{
		{Topic: "t", Partitions: []kmsg.OffsetDeleteResponseTopicPartition{{Partition: 0}, {Partition: 4, ErrorCode: unknown}}},
		{Topic: "no", Partitions: []kmsg.OffsetDeleteResponseTopicPartition{{Partition: 0, ErrorCode: unknown}}},
	}
	if d := cmp.Diff(want, resp.Topics, ignoreTags); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	req.Group = "none"
	if resp := ask[*kmsg.OffsetDeleteResponse](b, req); resp.ErrorCode != kerr.GroupIDNotFound.Code || len(resp.Topics) != 0 {
		t.Errorf("an unknown group: %+v", resp)
	}
}

func TestInitProducerID(t *testing.T) {
	b := newTestBroker(t, nil)
	var got []int64
	for v := int16(0); v <= 5; v++ {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.Version = v
		for range 300 {
			resp := ask[*kmsg.InitProducerIDResponse](b, req)
			if resp.ErrorCode != 0 || resp.ProducerEpoch != 0 {
				t.Fatalf("v%d: %+v", v, resp)
			}
			got = append(got, resp.ProducerID)
			req.ProducerID, req.ProducerEpoch = resp.ProducerID, 0 // from v3 on; gets a new id all the same
		}
		req.TransactionalID = kmsg.StringPtr("tx")
		if resp := ask[*kmsg.InitProducerIDResponse](b, req); resp.ErrorCode != kerr.TransactionalIDAuthorizationFailed.Code || resp.ProducerID != -1 {
			t.Errorf("v%d, transactional: %+v", v, resp)
		}
		req.TransactionalID = kmsg.StringPtr("")
		if resp := ask[*kmsg.InitProducerIDResponse](b, req); resp.ErrorCode != kerr.InvalidRequest.Code {
			t.Errorf("v%d, an empty id: %+v", v, resp)
		}
	}
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 1800 {
		t.Errorf("%d different ids of 1800", n)
	}
	if next := b.meta.Image().NextID(image.ProducerIDCounter); next != 2000 {
		t.Errorf("%d ids were allocated, want two blocks", next)
	}
	b.meta.fail = errors.New("no controller")
	for range 200 { // what is left of the block
		ask[*kmsg.InitProducerIDResponse](b, kmsg.NewPtrInitProducerIDRequest())
	}
	if resp := ask[*kmsg.InitProducerIDResponse](b, kmsg.NewPtrInitProducerIDRequest()); resp.ErrorCode != kerr.CoordinatorLoadInProgress.Code {
		t.Errorf("without a controller: %+v", resp)
	}
}

// Those who wait for a block give up by their own contexts, and do not get ids
// that others have.
func TestProducerIDsWhileAllocating(t *testing.T) {
	p := newProducerIDs()
	allocating, proceed := make(chan struct{}), make(chan struct{})
	first := rand.Int64N(1 << 40)
	got := make(chan int64)
	go func() {
		id, _ := p.take(context.Background(), func(context.Context) (*image.ProducerIDs, error) {
			close(allocating)
			<-proceed
			return &image.ProducerIDs{First: first, Count: 2}, nil
		})
		got <- id
	}()
	<-allocating
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.take(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("waited with a cancelled context: %v", err)
	}
	close(proceed)
	second, err := p.take(context.Background(), nil)
	if a := <-got; err != nil || a == second || a+second != 2*first+1 {
		t.Errorf("ids %d and %d of a block from %d: %v", a, second, first, err)
	}
}

// What is not uploaded yet counts as well: on a quiet topic, that is all of it.
func TestDescribeLogDirsCountsTheLog(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("a", 1)
	want := int64(0)
	for range 3 {
		b.produceTo("a", 1000)
		want += int64(len(producedBatch(1000)))
	}
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.Version = 5
	if got := ask[*kmsg.DescribeLogDirsResponse](b, req).Dirs[0].Topics[0].Partitions[0].Size; got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
}

func TestDescribeLogDirs(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("b", 1, 2, 1)
	b.topic("a", 1)
	for v := int16(1); v <= 5; v++ {
		for _, c := range []struct {
			topics []kmsg.DescribeLogDirsRequestTopic
			want   map[string][]int32
		}{
			{nil, map[string][]int32{"a": {0}, "b": {0, 2}}},
			{[]kmsg.DescribeLogDirsRequestTopic{}, map[string][]int32{}},
			{[]kmsg.DescribeLogDirsRequestTopic{{Topic: "b", Partitions: []int32{2, 2, 1, 9}}, {Topic: "no", Partitions: []int32{0}}},
				map[string][]int32{"b": {2}}},
		} {
			req := kmsg.NewPtrDescribeLogDirsRequest()
			req.Version, req.Topics = v, c.topics
			resp := ask[*kmsg.DescribeLogDirsResponse](b, req)
			if len(resp.Dirs) != 1 || resp.ErrorCode != 0 || resp.Dirs[0].Dir != "/data" || resp.Dirs[0].TotalBytes != -1 {
				t.Fatalf("v%d: %+v", v, resp)
			}
			got := map[string][]int32{}
			for _, topic := range resp.Dirs[0].Topics {
				for _, p := range topic.Partitions {
					got[topic.Topic] = append(got[topic.Topic], p.Partition)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("v%d (-want +got):\n%s", v, d)
			}
		}
	}
}
