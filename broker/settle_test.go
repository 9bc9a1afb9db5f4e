package broker

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// otherTail has node 2 open a stream, as its leader, and returns what closes it.
func (b *testBroker) otherTail(topic ids.TopicID, index int32) (closeTail *image.CloseStreams) {
	b.t.Helper()
	node, _ := b.meta.Image().Node(2)
	wal := ids.WALInstance{2}
	b.meta.must(b.t, &image.OpenWAL{Node: 2, NodeEpoch: node.Epoch, Instance: wal, Kind: "exclusive", Location: "elsewhere"})
	p, _ := b.meta.Image().Partition(topic, index)
	st, _ := b.meta.Image().Stream(p.Stream)
	b.meta.must(b.t, &image.OpenStreams{Node: 2, NodeEpoch: node.Epoch, WAL: wal,
		Streams: []image.OpenStream{{Stream: p.Stream, Expected: st.Epoch}}})
	st, _ = b.meta.Image().Stream(p.Stream)
	return &image.CloseStreams{Node: 2, NodeEpoch: node.Epoch, Streams: []image.StreamEnd{{Stream: p.Stream, Epoch: st.Epoch}}}
}

// Clients that come to the next leader before the last one has closed its tail
// wait there, where an error would send them nowhere and make them pause.
func TestRequestsWaitForTheirNewLeader(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 2)
	closeTail := b.otherTail(id, 0)
	b.moveTo(id, 0, 1)
	if !b.settles(id, "", 0) || !b.settles(ids.TopicID{}, "t", 0) {
		t.Fatal("the partition does not change hands")
	}
	produced, fetched, listed, epochs := make(chan *kmsg.ProduceResponse, 1), make(chan *kmsg.FetchResponse, 1),
		make(chan *kmsg.ListOffsetsResponse, 1), make(chan *kmsg.OffsetForLeaderEpochResponse, 1)
	go func() {
		produced <- ask[*kmsg.ProduceResponse](b, produceTo(11, id, "t", map[int32][]byte{0: records(3)}))
	}()
	go func() { fetched <- ask[*kmsg.FetchResponse](b, fetchFrom(17, id, "t", map[int32]int64{0: 0})) }()
	go func() {
		req := kmsg.NewPtrListOffsetsRequest()
		req.Version = 5
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{{CurrentLeaderEpoch: -1, Timestamp: listEarliest}}}}
		listed <- ask[*kmsg.ListOffsetsResponse](b, req)
	}()
	go func() {
		req := kmsg.NewPtrOffsetForLeaderEpochRequest()
		req.Version = 3
		req.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1, LeaderEpoch: 0}}}}
		epochs <- ask[*kmsg.OffsetForLeaderEpochResponse](b, req)
	}()
	b.meta.must(t, closeTail)
	if p := (<-produced).Topics[0].Partitions[0]; p.ErrorCode != 0 || p.BaseOffset != 0 {
		t.Errorf("produced: %+v", p)
	}
	if p := (<-fetched).Topics[0].Partitions[0]; p.ErrorCode != 0 || len(p.RecordBatches) == 0 {
		t.Errorf("fetched: error %d, %d bytes", p.ErrorCode, len(p.RecordBatches))
	}
	if p := (<-listed).Topics[0].Partitions[0]; p.ErrorCode != 0 || p.Offset != 0 {
		t.Errorf("listed: %+v", p)
	}
	if p := (<-epochs).Topics[0].Partitions[0]; p.ErrorCode != 0 || p.EndOffset != 0 {
		t.Errorf("end of the epoch: %+v", p)
	}
	if b.settles(id, "", 0) {
		t.Error("the partition is served and still changes hands")
	}
}

// What is late to be closed holds up nobody for long, and a broker that stops
// holds up nobody.
func TestRequestsWaitForANewLeaderNotForLong(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 2)
	b.otherTail(id, 0)
	b.moveTo(id, 0, 1)
	began := time.Now()
	resp := ask[*kmsg.ProduceResponse](b, produceTo(11, id, "t", map[int32][]byte{0: records(1)}))
	if p := resp.Topics[0].Partitions[0]; p.ErrorCode != kerr.NotLeaderForPartition.Code || p.CurrentLeader.LeaderID != -1 {
		t.Errorf("produced after %s: %+v", time.Since(began), p)
	}
	if b.settles(id, "", 0) || b.settle(t.Context(), id, "", 0) {
		t.Error("it is waited for after its second")
	}

	b.moveTo(id, 0, 2)
	b.moveTo(id, 0, 1)
	b.stop()
	fetched := ask[*kmsg.FetchResponse](b, fetchFrom(17, id, "t", map[int32]int64{0: 0}))
	if p := fetched.Topics[0].Partitions[0]; p.ErrorCode != kerr.NotLeaderForPartition.Code {
		t.Errorf("fetched from a broker that stops: %+v", p)
	}
}

// The last leader sends clients on when its tail is closed, not before.
func TestTheLastLeaderSendsClientsOnWhenItsTailIsClosed(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1)
	p, _ := b.meta.Image().Partition(id, 0)
	b.store.device.shutGate()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first, moved := make(chan *kmsg.ProduceResponse, 1), make(chan *kmsg.ProduceResponse, 1)
	go func() {
		first <- ask[*kmsg.ProduceResponse](b, produceTo(11, id, "t", map[int32][]byte{0: records(1)}))
	}()
	for b.store.device.writes() == 0 {
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	b.moveTo(id, 0, 2)
	if !b.settles(id, "", 0) {
		t.Fatal("the partition does not change hands")
	}
	go func() {
		moved <- ask[*kmsg.ProduceResponse](b, produceTo(11, id, "t", map[int32][]byte{0: records(1)}))
	}()
	b.store.device.open(nil)
	if p := (<-first).Topics[0].Partitions[0]; p.ErrorCode != 0 {
		t.Errorf("what was under way: %+v", p)
	}
	if got := (<-moved).Topics[0].Partitions[0]; got.ErrorCode != kerr.NotLeaderForPartition.Code || got.CurrentLeader.LeaderID != 2 {
		t.Errorf("after the move: %+v", got)
	}
	if st, _ := b.meta.Image().Stream(p.Stream); st.Tails[len(st.Tails)-1].IsOpen() {
		t.Error("sent on before the tail was closed")
	}
}
