package broker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func TestProduceNamesTheCurrentLeader(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 2, 1, 2)
	for v := int16(9); v <= 13; v++ {
		resp := ask[*kmsg.ProduceResponse](b, produceTo(v, id, "t", map[int32][]byte{0: records(1), 1: records(1), 2: records(1), 9: records(1)}))
		for i, want := range []kmsg.ProduceResponseTopicPartitionCurrentLeader{{LeaderID: 2, LeaderEpoch: 0}, {LeaderID: -1, LeaderEpoch: -1}, {LeaderID: 2, LeaderEpoch: 0}, {LeaderID: -1, LeaderEpoch: -1}} {
			if v < 10 {
				want = kmsg.NewProduceResponseTopicPartitionCurrentLeader()
			}
			if d := cmp.Diff(want, resp.Topics[0].Partitions[i].CurrentLeader, ignoreTags); d != "" {
				t.Errorf("v%d, partition %d (-want +got):\n%s", v, i, d)
			}
		}
		switch {
		case v < 10 && len(resp.Brokers) == 0:
		case len(resp.Brokers) != 1 || resp.Brokers[0].NodeID != 2 || resp.Brokers[0].Host != "host2" || resp.Brokers[0].Port != 9002 || resp.Brokers[0].Rack != nil:
			t.Errorf("v%d: endpoints %+v", v, resp.Brokers)
		}
	}
}

func TestFetchNamesTheCurrentLeader(t *testing.T) {
	b := newTestBroker(t, nil)
	b.meta.must(t, &image.RegisterNode{Node: 3, Incarnation: ids.UUID{3}, Rack: "c",
		Endpoints: []image.Endpoint{{Listener: testListener, Host: "host3", Port: 9003}}})
	id := b.topic("t", 2, 1, 3)
	b.moveTo(id, 1, 3)
	for v := int16(12); v <= 18; v++ {
		resp := ask[*kmsg.FetchResponse](b, fetchFrom(v, id, "t", map[int32]int64{0: 0, 1: 0, 2: 0}))
		for _, p := range resp.Topics[0].Partitions {
			want := map[int32]kmsg.FetchResponseTopicPartitionCurrentLeader{
				0: {LeaderID: 2, LeaderEpoch: 0}, 1: {LeaderID: 3, LeaderEpoch: 2}, 2: {LeaderID: 3, LeaderEpoch: 0},
			}[p.Partition]
			if v < 16 {
				want = kmsg.NewFetchResponseTopicPartitionCurrentLeader()
			}
			if d := cmp.Diff(want, p.CurrentLeader, ignoreTags); d != "" || p.ErrorCode != kerr.NotLeaderForPartition.Code {
				t.Errorf("v%d, partition %d, error %d (-want +got):\n%s", v, p.Partition, p.ErrorCode, d)
			}
		}
		var nodes []int32
		for _, n := range resp.Brokers {
			nodes = append(nodes, n.NodeID)
		}
		if v < 16 && nodes != nil || v >= 16 && !cmp.Equal(nodes, []int32{2, 3}) {
			t.Errorf("v%d: endpoints of %v", v, nodes)
		}
		if v >= 16 && (resp.Brokers[0].Rack != nil || *resp.Brokers[1].Rack != "c") {
			t.Errorf("v%d: racks of %+v", v, resp.Brokers)
		}
	}
}

// A client is not sent to a leader that is taken for dead, but to one that is
// shutting down: it serves until it has handed over.
func TestCurrentLeaderIsAlive(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 2)
	leader := func() (int32, int) {
		resp := ask[*kmsg.ProduceResponse](b, produceTo(11, id, "t", map[int32][]byte{0: records(1)}))
		return resp.Topics[0].Partitions[0].CurrentLeader.LeaderID, len(resp.Brokers)
	}
	b.meta.must(t, &image.LeaveCluster{Node: 2, Epoch: 1})
	if id, nodes := leader(); id != 2 || nodes != 1 {
		t.Errorf("leaving: leader %d, %d endpoints", id, nodes)
	}
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: 1})
	if id, nodes := leader(); id != -1 || nodes != 0 {
		t.Errorf("fenced: leader %d, %d endpoints", id, nodes)
	}
}

// moveTo gives a partition another leader, and waits until node 1 stands by it.
func (b *testBroker) moveTo(topic ids.TopicID, index int32, to ids.NodeID) {
	b.t.Helper()
	p, _ := b.meta.Image().Partition(topic, index)
	cmd := &image.SetLeaders{Partitions: []image.NewLeader{{Topic: topic, Index: index, Expected: p.LeaderEpoch, Leader: to}}}
	result, at, err := b.meta.Submit(b.t.Context(), cmd)
	if err != nil || result.(*image.StreamOutcomes).Refused[0] != image.NotRefused {
		b.t.Fatalf("move: %v, %+v", err, result)
	}
	if err := b.Partitions.Await(b.t.Context(), at); err != nil {
		b.t.Fatal(err)
	}
}
