package broker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func metadataRequest(version int16, names ...string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = version
	for _, n := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(n)
		req.Topics = append(req.Topics, t)
	}
	return req
}

func topicNames(resp *kmsg.MetadataResponse) (names []string) {
	for _, t := range resp.Topics {
		names = append(names, *t.Topic)
	}
	return names
}

func TestMetadataInEveryVersion(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("one", 1, 2)
	for v := int16(0); v <= 13; v++ {
		resp := ask[*kmsg.MetadataResponse](b, metadataRequest(v, "one", "one"))
		if len(resp.Topics) != 1 {
			t.Fatalf("v%d: %d topics, want the one asked for twice once", v, len(resp.Topics))
		}
		topic := resp.Topics[0]
		if *topic.Topic != "one" || topic.ErrorCode != 0 || len(topic.Partitions) != 2 || topic.IsInternal {
			t.Fatalf("v%d: %+v", v, topic)
		}
		if v >= 10 && topic.TopicID != id {
			t.Errorf("v%d: topic id %x", v, topic.TopicID)
		}
		for i, p := range topic.Partitions {
			leader := int32(i + 1)
			epoch := int32(1 - i) // node 1 has opened its partition
			if v < 7 {
				epoch = -1
			}
			if p.Partition != int32(i) || p.Leader != leader || p.LeaderEpoch != epoch ||
				!cmp.Equal(p.Replicas, []int32{leader}) || !cmp.Equal(p.ISR, []int32{leader}) || len(p.OfflineReplicas) != 0 {
				t.Errorf("v%d: partition %+v", v, p)
			}
		}
		if len(resp.Brokers) != 2 || resp.Brokers[0].NodeID != 1 || resp.Brokers[1].Host != "host2" || resp.Brokers[1].Port != 9002 {
			t.Errorf("v%d: brokers %+v", v, resp.Brokers)
		}
		if v >= 1 && (resp.ControllerID != 1 || *resp.Brokers[0].Rack != "a" || resp.Brokers[1].Rack != nil) {
			t.Errorf("v%d: controller %d, brokers %+v", v, resp.ControllerID, resp.Brokers)
		}
		if v >= 2 && *resp.ClusterID != "sea" {
			t.Errorf("v%d: cluster %s", v, *resp.ClusterID)
		}
		if v >= 8 && topic.AuthorizedOperations != operationsNotAsked {
			t.Errorf("v%d: operations %d not asked for", v, topic.AuthorizedOperations)
		}
	}
}

func TestMetadataListsAllNoneOrSome(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("b", 1)
	b.topic("a", 1)
	all := []string{"a", "b"}
	for _, c := range []struct {
		version int16
		topics  []kmsg.MetadataRequestTopic
		want    []string
	}{
		{0, nil, all}, // kmsg writes null as an empty list
		{0, []kmsg.MetadataRequestTopic{}, all},
		{1, nil, all},
		{1, []kmsg.MetadataRequestTopic{}, nil},
		{13, nil, all},
		{13, []kmsg.MetadataRequestTopic{}, nil},
		{12, metadataRequest(12, "b", "a").Topics, []string{"b", "a"}},
	} {
		req := metadataRequest(c.version)
		req.Topics = c.topics
		if got := topicNames(ask[*kmsg.MetadataResponse](b, req)); !cmp.Equal(got, c.want) {
			t.Errorf("v%d, %d topics asked for: got %v, want %v", c.version, len(c.topics), got, c.want)
		}
	}
}

func TestMetadataByTopicID(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("known", 1)
	req := metadataRequest(12)
	req.Topics = []kmsg.MetadataRequestTopic{{TopicID: id}, {TopicID: ids.TopicID{0xee}}, {}}
	got := ask[*kmsg.MetadataResponse](b, req).Topics
	if len(got) != 3 || *got[0].Topic != "known" || got[0].ErrorCode != 0 {
		t.Fatalf("by id: %+v", got)
	}
	if got[1].Topic != nil || got[1].ErrorCode != kerr.UnknownTopicID.Code || got[2].ErrorCode != kerr.InvalidRequest.Code {
		t.Errorf("unknown id, and neither: %+v", got[1:])
	}
	req.Version = 11
	if got := ask[*kmsg.MetadataResponse](b, req).Topics; got[0].ErrorCode != kerr.InvalidRequest.Code {
		t.Errorf("v11 by id: %+v", got[0])
	}
}

// With every broker leaving there is nobody to lead a new topic: its client is to
// ask again, not to give up.
func TestMetadataMakesNoTopicsWithoutBrokers(t *testing.T) {
	b := newTestBroker(t, nil)
	for node := range b.meta.Image().Nodes() {
		b.meta.must(t, &image.LeaveCluster{Node: node.ID, Epoch: node.Epoch})
	}
	req := metadataRequest(8, "fresh", "other")
	req.AllowAutoTopicCreation = true
	for _, topic := range ask[*kmsg.MetadataResponse](b, req).Topics {
		if topic.ErrorCode != kerr.LeaderNotAvailable.Code {
			t.Errorf("%s: %v", *topic.Topic, kerr.ErrorForCode(topic.ErrorCode))
		}
	}
}

func TestMetadataMakesTopics(t *testing.T) {
	b := newTestBroker(t, map[string]string{"num.partitions": "4"})
	b.topic("has.dots", 1)
	req := metadataRequest(8, "fresh", "no/slashes", "has_dots")
	if got := ask[*kmsg.MetadataResponse](b, req).Topics; got[0].ErrorCode != kerr.UnknownTopicOrPartition.Code ||
		got[1].ErrorCode != kerr.InvalidTopicException.Code {
		t.Fatalf("made although the request does not allow it: %+v", got)
	}
	req.AllowAutoTopicCreation = true
	got := ask[*kmsg.MetadataResponse](b, req).Topics
	if got[1].ErrorCode != kerr.InvalidTopicException.Code || got[2].ErrorCode != kerr.InvalidTopicException.Code {
		t.Errorf("a bad name and one that collides: %+v", got[1:])
	}
	fresh := got[0]
	if fresh.ErrorCode != 0 || len(fresh.Partitions) != 4 {
		t.Fatalf("made: %+v", fresh)
	}
	led := map[int32]int{}
	for _, p := range fresh.Partitions {
		led[p.Leader]++
		if p.ErrorCode != 0 {
			t.Errorf("partition %+v", p)
		}
		if _, err := b.Partitions.ByName([]byte("fresh"), p.Partition); (err == nil) != (p.Leader == 1) {
			t.Errorf("partition %d led by %d is not served at once: %v", p.Partition, p.Leader, err)
		}
	}
	// Node 1 led one partition before, so node 2 gets more.
	if led[1] != 2 || led[2] != 2 {
		t.Errorf("leaders %v", led)
	}
	// Versions without the flag always allow it.
	if got := ask[*kmsg.MetadataResponse](b, metadataRequest(3, "old")).Topics; got[0].ErrorCode != 0 {
		t.Errorf("v3: %+v", got)
	}
	internal := ask[*kmsg.MetadataResponse](b, metadataRequest(3, "__consumer_offsets")).Topics[0]
	policy, _ := b.meta.Image().Config(image.TopicConfigOf("__consumer_offsets"), "cleanup.policy")
	if !internal.IsInternal || len(internal.Partitions) != 3 || policy != "compact" {
		t.Errorf("offsets topic: %+v, %s", internal, policy)
	}
}

func TestMetadataDoesNotMakeTopicsWhenTurnedOff(t *testing.T) {
	b := newTestBroker(t, map[string]string{"auto.create.topics.enable": "false"})
	if got := ask[*kmsg.MetadataResponse](b, metadataRequest(1, "fresh")).Topics; got[0].ErrorCode != kerr.UnknownTopicOrPartition.Code {
		t.Errorf("%+v", got)
	}
}

// While the controller is away, clients are told to come again.
func TestMetadataWithoutAController(t *testing.T) {
	b := newTestBroker(t, nil)
	b.meta.fail = kerr.NotController
	if got := ask[*kmsg.MetadataResponse](b, metadataRequest(1, "fresh")).Topics; got[0].ErrorCode != kerr.LeaderNotAvailable.Code {
		t.Errorf("%+v", got)
	}
}

func TestMetadataOfDeadAndDistantLeaders(t *testing.T) {
	b := newTestBroker(t, nil)
	b.meta.must(t, &image.RegisterNode{Node: 3, Incarnation: ids.UUID{3}, Endpoints: []image.Endpoint{{Listener: "OTHER", Host: "x", Port: 1}}})
	epoch := b.register(4, "")
	b.topic("t", 3, 4)
	b.meta.must(t, &image.FenceNode{Node: 4, Epoch: epoch})
	for v, want := range map[int16][]int16{
		5: {kerr.LeaderNotAvailable.Code, kerr.LeaderNotAvailable.Code},
		6: {kerr.ListenerNotFound.Code, kerr.LeaderNotAvailable.Code},
	} {
		resp := ask[*kmsg.MetadataResponse](b, metadataRequest(v, "t"))
		for i, p := range resp.Topics[0].Partitions {
			if p.ErrorCode != want[i] || p.Leader != -1 || !cmp.Equal(p.OfflineReplicas, p.Replicas) {
				t.Errorf("v%d: %+v, want error %d", v, p, want[i])
			}
		}
		if len(resp.Brokers) != 2 {
			t.Errorf("v%d: brokers %+v", v, resp.Brokers)
		}
	}
}

// A partition whose WAL no living node reaches has no leader that could serve it.
func TestMetadataOfPartitionsOutOfReach(t *testing.T) {
	b := newTestBroker(t, nil)
	epoch := b.register(3, "")
	b.topic("t", 3)
	wal := ids.WALInstance{8, 8}
	b.meta.must(t, &image.OpenWAL{Node: 3, NodeEpoch: epoch, Instance: wal, Kind: "exclusive", Location: "file:///own/x"})
	topic, _ := b.meta.Image().TopicByName("t")
	p, _ := b.meta.Image().Partition(topic.ID, 0)
	b.meta.must(t, &image.OpenStreams{Node: 3, NodeEpoch: epoch, WAL: wal, Streams: []image.OpenStream{{Stream: p.Stream}}})
	p, _ = b.meta.Image().Partition(topic.ID, 0)
	lead := func() kmsg.MetadataResponseTopicPartition {
		t.Helper()
		return ask[*kmsg.MetadataResponse](b, metadataRequest(6, "t")).Topics[0].Partitions[0]
	}
	b.meta.must(t, &image.FenceNode{Node: 3, Epoch: epoch})
	b.meta.must(t, &image.SetLeaders{Partitions: []image.NewLeader{{Topic: topic.ID, Expected: p.LeaderEpoch, Leader: 2}}})
	if got := lead(); got.ErrorCode != kerr.LeaderNotAvailable.Code || got.Leader != -1 || !cmp.Equal(got.OfflineReplicas, []int32{2}) {
		t.Errorf("out of reach: %+v", got)
	}
	b.meta.must(t, &image.AssignRescuers{Rescuers: []image.WALRescuer{{Instance: wal, Rescuer: 2}}})
	if got := lead(); got.ErrorCode != 0 || got.Leader != 2 {
		t.Errorf("about to be rescued: %+v", got)
	}
}

func TestAuthorizedOperations(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	for v := int16(8); v <= 10; v++ {
		req := metadataRequest(v, "t")
		req.IncludeClusterAuthorizedOperations, req.IncludeTopicAuthorizedOperations = true, true
		resp := ask[*kmsg.MetadataResponse](b, req)
		if resp.AuthorizedOperations != 8096 || resp.Topics[0].AuthorizedOperations != 3576 {
			t.Errorf("v%d: cluster %d, topic %d", v, resp.AuthorizedOperations, resp.Topics[0].AuthorizedOperations)
		}
	}
}

func TestDescribeCluster(t *testing.T) {
	b := newTestBroker(t, nil)
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: 1})
	for v := int16(0); v <= 2; v++ {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.Version, req.IncludeClusterAuthorizedOperations, req.IncludeFencedBrokers = v, true, true
		resp := ask[*kmsg.DescribeClusterResponse](b, req)
		wantBrokers := 1
		if v >= 2 {
			wantBrokers = 2
		}
		if resp.ErrorCode != 0 || resp.ClusterID != "sea" || resp.ControllerID != 1 || len(resp.Brokers) != wantBrokers ||
			resp.ClusterAuthorizedOperations != 8096 {
			t.Errorf("v%d: %+v", v, resp)
		}
		if v >= 2 && (resp.Brokers[0].IsFenced || !resp.Brokers[1].IsFenced) {
			t.Errorf("fenced: %+v", resp.Brokers)
		}
		if v >= 1 {
			req.EndpointType = 2
			if resp := ask[*kmsg.DescribeClusterResponse](b, req); resp.ErrorCode != kerr.MismatchedEndpointType.Code {
				t.Errorf("v%d: controllers asked of a broker: %d", v, resp.ErrorCode)
			}
		}
	}
}

// A broker that is taken for dead itself does not call itself the controller:
// clients do not find it among the brokers.
func TestControllerIsAmongTheBrokers(t *testing.T) {
	b := newTestBroker(t, nil)
	b.meta.must(t, &image.FenceNode{Node: 1, Epoch: 1})
	if resp := ask[*kmsg.MetadataResponse](b, metadataRequest(12)); resp.ControllerID != 2 || len(resp.Brokers) != 1 {
		t.Errorf("controller %d, brokers %+v", resp.ControllerID, resp.Brokers)
	}
	req := kmsg.NewPtrDescribeClusterRequest()
	req.Version, req.IncludeFencedBrokers = 2, true
	if resp := ask[*kmsg.DescribeClusterResponse](b, req); resp.ControllerID != 2 || len(resp.Brokers) != 2 {
		t.Errorf("controller %d, brokers %+v", resp.ControllerID, resp.Brokers)
	}
}

func TestDescribeTopicPartitions(t *testing.T) {
	b := newTestBroker(t, map[string]string{"max.request.partition.size.limit": "3"})
	b.topic("a", 1, 2)
	b.topic("c", 1, 2, 1)
	type part struct {
		Topic string
		Index int32
	}
	// All topics, page by page of three and then two partitions.
	var got []part
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	req.ResponsePartitionLimit = 100
	for page := 0; ; page++ {
		resp := ask[*kmsg.DescribeTopicPartitionsResponse](b, req)
		for _, topic := range resp.Topics {
			for _, p := range topic.Partitions {
				got = append(got, part{*topic.Topic, p.Partition})
			}
		}
		if resp.NextCursor == nil {
			if page != 1 {
				t.Errorf("ended on page %d", page)
			}
			break
		}
		req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: resp.NextCursor.Topic, Partition: resp.NextCursor.Partition}
	}
	if d := cmp.Diff([]part{{"a", 0}, {"a", 1}, {"c", 0}, {"c", 1}, {"c", 2}}, got); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}

	req.Cursor = nil
	req.Topics = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "c"}, {Topic: "b"}, {Topic: "b/"}}
	resp := ask[*kmsg.DescribeTopicPartitionsResponse](b, req)
	if len(resp.Topics) != 3 || resp.Topics[0].ErrorCode != kerr.UnknownTopicOrPartition.Code ||
		resp.Topics[1].ErrorCode != kerr.InvalidTopicException.Code || resp.Topics[2].AuthorizedOperations != 3576 {
		t.Errorf("asked for: %+v", resp.Topics)
	}
	req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "a"}
	if resp := ask[*kmsg.DescribeTopicPartitionsResponse](b, req); resp.Topics[0].ErrorCode != kerr.InvalidRequest.Code {
		t.Errorf("a cursor at a topic that is not asked for: %+v", resp.Topics)
	}
	req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "c", Partition: -1}
	if resp := ask[*kmsg.DescribeTopicPartitionsResponse](b, req); resp.Topics[0].ErrorCode != kerr.InvalidRequest.Code {
		t.Errorf("a negative cursor: %+v", resp.Topics)
	}
}
