package broker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// reassign asks for other replicas and returns the error of each partition.
func reassign(b *testBroker, topic string, replicas map[int32][]int32) map[int32]*kerr.Error {
	b.t.Helper()
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.Version = 1
	rt := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	rt.Topic = topic
	for _, index := range sortedKeys(replicas) {
		rt.Partitions = append(rt.Partitions, kmsg.AlterPartitionAssignmentsRequestTopicPartition{Partition: index, Replicas: replicas[index]})
	}
	req.Topics = append(req.Topics, rt)
	errs := map[int32]*kerr.Error{}
	for _, p := range ask[*kmsg.AlterPartitionAssignmentsResponse](b, req).Topics[0].Partitions {
		errs[p.Partition] = kerr.TypedErrorForCode(p.ErrorCode)
	}
	return errs
}

// moving lists the partitions that are being reassigned.
func moving(b *testBroker, topics []kmsg.ListPartitionReassignmentsRequestTopic) []kmsg.ListPartitionReassignmentsResponseTopic {
	b.t.Helper()
	req := kmsg.NewPtrListPartitionReassignmentsRequest()
	req.Topics = topics
	return ask[*kmsg.ListPartitionReassignmentsResponse](b, req).Topics
}

func leaderOf(b *testBroker, topic ids.TopicID, index int32) ids.NodeID {
	p, _ := b.meta.Image().Partition(topic, index)
	return p.Leader
}

func TestReassignmentMovesTheLeader(t *testing.T) {
	b := newTestBroker(t, nil)
	b.meta.must(t, &image.FenceNode{Node: b.dead(5), Epoch: 1})
	id := b.topic("t", 1, 1, 2, 1)
	errs := reassign(b, "t", map[int32][]int32{0: {2}, 1: {5, 2, 1}, 2: {2}, 3: nil, 9: {1}})
	want := map[int32]*kerr.Error{0: nil, 1: nil, 2: nil, 3: kerr.NoReassignmentInProgress, 9: kerr.UnknownTopicOrPartition}
	if d := cmp.Diff(want, errs); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
	for i, want := range []ids.NodeID{2, 2, 2, 1} {
		if got := leaderOf(b, id, int32(i)); got != want {
			t.Errorf("partition %d is led by %d, want %d", i, got, want)
		}
	}
	for name, replicas := range map[string][]int32{"unknown": {7}, "twice": {2, 2}, "dead": {5}} {
		if errs := reassign(b, "t", map[int32][]int32{0: replicas}); errs[0] != kerr.InvalidReplicaAssignment {
			t.Errorf("%s: %v", name, errs)
		}
	}
	if errs := reassign(b, "none", map[int32][]int32{0: {1}}); errs[0] != kerr.UnknownTopicOrPartition {
		t.Errorf("unknown topic: %v", errs)
	}
}

// dead registers a node that is about to be fenced.
func (b *testBroker) dead(id ids.NodeID) ids.NodeID { b.register(id, ""); return id }

func TestReassignmentIsListedUntilTheTailIsClosed(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1, 2)
	epoch := b.openElsewhere(id, 1)
	if got := moving(b, nil); len(got) != 0 {
		t.Errorf("nothing was moved: %+v", got)
	}
	if errs := reassign(b, "t", map[int32][]int32{1: {1}}); errs[1] != nil {
		t.Fatalf("move: %v", errs)
	}
	want := []kmsg.ListPartitionReassignmentsResponseTopic{{Topic: "t", Partitions: []kmsg.ListPartitionReassignmentsResponseTopicPartition{
		{Partition: 1, Replicas: []int32{1, 2}, AddingReplicas: []int32{1}, RemovingReplicas: []int32{2}},
	}}}
	named := []kmsg.ListPartitionReassignmentsRequestTopic{{Topic: "t", Partitions: []int32{0, 1, 7}}, {Topic: "none", Partitions: []int32{0}}}
	for _, topics := range [][]kmsg.ListPartitionReassignmentsRequestTopic{nil, named} {
		if d := cmp.Diff(want, moving(b, topics), ignoreTags); d != "" {
			t.Errorf("under way (-want +got):\n%s", d)
		}
	}
	// Called back, the partition stays where its tail is.
	if errs := reassign(b, "t", map[int32][]int32{1: nil}); errs[1] != nil || leaderOf(b, id, 1) != 2 {
		t.Errorf("called back: %v, led by %d", errs, leaderOf(b, id, 1))
	}
	if got := moving(b, nil); len(got) != 0 {
		t.Errorf("after it was called back: %+v", got)
	}
	if errs := reassign(b, "t", map[int32][]int32{1: {1}}); errs[1] != nil {
		t.Fatalf("move again: %v", errs)
	}
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: epoch})
	if got := moving(b, nil); len(got) != 0 {
		t.Errorf("what waits for a rescue is no reassignment: %+v", got)
	}
}

// openElsewhere has node 2 hold the open tail of a partition that it leads.
func (b *testBroker) openElsewhere(topic ids.TopicID, index int32) ids.NodeEpoch {
	b.t.Helper()
	img := b.meta.Image()
	p, _ := img.Partition(topic, index)
	s, _ := img.Stream(p.Stream)
	n, _ := img.Node(2)
	wal := ids.WALInstance{0x22}
	b.meta.must(b.t, &image.OpenWAL{Node: 2, NodeEpoch: n.Epoch, Instance: wal, Kind: "shared", Location: "file:///wal-2"})
	opened := b.meta.must(b.t, &image.OpenStreams{Node: 2, NodeEpoch: n.Epoch, WAL: wal,
		Streams: []image.OpenStream{{Stream: p.Stream, Expected: s.Epoch}}}).(*image.OpenedStreams)
	if opened.Streams[0].Refused != image.NotRefused {
		b.t.Fatalf("partition %d is not opened: %v", index, opened.Streams[0].Refused)
	}
	return n.Epoch
}

func TestElectLeaders(t *testing.T) {
	b := newTestBroker(t, nil)
	epoch := b.register(3, "")
	id := b.topic("t", 1, 3, 2)
	b.topic("calm", 1)
	elect := func(version int16, topics ...kmsg.ElectLeadersRequestTopic) map[string]map[int32]*kerr.Error {
		req := kmsg.NewPtrElectLeadersRequest()
		req.Version, req.Topics, req.ElectionType = version, topics, 1
		got := map[string]map[int32]*kerr.Error{}
		for _, rt := range ask[*kmsg.ElectLeadersResponse](b, req).Topics {
			got[rt.Topic] = map[int32]*kerr.Error{}
			for _, p := range rt.Partitions {
				got[rt.Topic][p.Partition] = kerr.TypedErrorForCode(p.ErrorCode)
			}
		}
		return got
	}
	if got := elect(2); len(got) != 0 {
		t.Errorf("all leaders are alive: %v", got)
	}
	b.meta.must(t, &image.FenceNode{Node: 3, Epoch: epoch})
	named := kmsg.ElectLeadersRequestTopic{Topic: "t", Partitions: []int32{0, 1, 8}}
	want := map[string]map[int32]*kerr.Error{"t": {0: kerr.ElectionNotNeeded, 1: nil, 8: kerr.UnknownTopicOrPartition}}
	if d := cmp.Diff(want, elect(1, named)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if led := leaderOf(b, id, 1); led == 3 {
		t.Errorf("partition 1 is still led by %d", led)
	}
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: 1})
	b.meta.must(t, &image.FenceNode{Node: 1, Epoch: 1})
	for v, none := range map[int16]*kerr.Error{0: kerr.PreferredLeaderNotAvailable, 1: kerr.EligibleLeadersNotAvailable} {
		if got := elect(v, named); got["t"][0] != none {
			t.Errorf("v%d: without a living broker: %v", v, got)
		}
	}
}

func TestUnregisterBroker(t *testing.T) {
	b := newTestBroker(t, nil)
	unregister := func(id int32) *kerr.Error {
		req := kmsg.NewPtrUnregisterBrokerRequest()
		req.BrokerID = id
		return kerr.TypedErrorForCode(ask[*kmsg.UnregisterBrokerResponse](b, req).ErrorCode)
	}
	if err := unregister(2); err != kerr.InvalidRequest {
		t.Errorf("alive: %v", err)
	}
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: 1})
	if err := unregister(2); err != nil {
		t.Errorf("fenced: %v", err)
	}
	for _, id := range []int32{2, 9} {
		if err := unregister(id); err != kerr.BrokerIDNotRegistered {
			t.Errorf("broker %d: %v", id, err)
		}
	}
}
