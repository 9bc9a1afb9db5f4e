package broker

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func newTopic(name string, partitions int32, replicas int16, configs ...string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, replicas
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		t.Configs = append(t.Configs, c)
	}
	return t
}

func assigned(name string, replicas ...[]int32) kmsg.CreateTopicsRequestTopic {
	t := newTopic(name, -1, -1)
	for i, r := range replicas {
		t.ReplicaAssignment = append(t.ReplicaAssignment,
			kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: int32(i), Replicas: r})
	}
	return t
}

func createTopics(b *testBroker, version int16, topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsResponse {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.Topics = version, topics
	return ask[*kmsg.CreateTopicsResponse](b, req)
}

func TestCreateTopicsInEveryVersion(t *testing.T) {
	b := newTestBroker(t, nil)
	for v := int16(2); v <= 7; v++ {
		name := "topic" + string('0'+rune(v))
		got := createTopics(b, v, newTopic(name, 3, 5, "retention.ms", "1000")).Topics[0]
		if got.Topic != name || got.ErrorCode != 0 || got.ErrorMessage != nil {
			t.Fatalf("v%d: %+v", v, got)
		}
		topic, ok := b.meta.Image().TopicByName(name)
		if !ok || b.meta.Image().PartitionCount(topic.ID) != 3 {
			t.Fatalf("v%d: not made", v)
		}
		if v >= 5 && (got.NumPartitions != 3 || got.ReplicationFactor != 5 || len(got.Configs) < 20) {
			t.Errorf("v%d: %d partitions, %d replicas, %d settings", v, got.NumPartitions, got.ReplicationFactor, len(got.Configs))
		}
		for _, c := range got.Configs {
			if c.Name == "retention.ms" && (*c.Value != "1000" || c.Source != 1) {
				t.Errorf("v%d: %+v", v, c)
			}
		}
		if v >= 7 && got.TopicID != topic.ID {
			t.Errorf("v%d: topic id %x, is %x", v, got.TopicID, topic.ID)
		}
		for p := range b.meta.Image().Partitions(topic.ID) {
			if _, err := b.Partitions.ByName([]byte(name), p.Index); (err == nil) != (p.Leader == 1) {
				t.Errorf("v%d: partition %d led by %d is not served at once: %v", v, p.Index, p.Leader, err)
			}
		}
	}
}

func TestCreateTopicsWithDefaults(t *testing.T) {
	b := newTestBroker(t, map[string]string{"num.partitions": "2", "default.replication.factor": "3"})
	got := createTopics(b, 5, newTopic("t", -1, -1)).Topics[0]
	if got.ErrorCode != 0 || got.NumPartitions != 2 || got.ReplicationFactor != 3 {
		t.Errorf("%+v", got)
	}
}

func TestCreateTopicsRefuses(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("here", 1)
	b.topic("has.dots", 1)
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: 1})
	nullValue := newTopic("t", 1, 1)
	nullValue.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms"}}
	both := assigned("t", []int32{1})
	both.NumPartitions = 1
	gap := assigned("t", []int32{1}, []int32{1})
	gap.ReplicaAssignment[1].Partition = 2
	twice := assigned("t", []int32{1}, []int32{1})
	twice.ReplicaAssignment[1].Partition = 0
	for name, c := range map[string]struct {
		topic kmsg.CreateTopicsRequestTopic
		want  *kerr.Error
	}{
		"no name":                     {newTopic("", 1, 1), kerr.InvalidTopicException},
		"a bad name":                  {newTopic("a/b", 1, 1), kerr.InvalidTopicException},
		"a long name":                 {newTopic(strings.Repeat("x", 250), 1, 1), kerr.InvalidTopicException},
		"an existing name":            {newTopic("here", 1, 1), kerr.TopicAlreadyExists},
		"a colliding name":            {newTopic("has_dots", 1, 1), kerr.InvalidTopicException},
		"no partitions":               {newTopic("t", 0, 1), kerr.InvalidPartitions},
		"too many partitions":         {newTopic("t", 10_001, 1), kerr.PolicyViolation},
		"no replicas":                 {newTopic("t", 1, 0), kerr.InvalidReplicationFactor},
		"-2 replicas":                 {newTopic("t", 1, -2), kerr.InvalidReplicationFactor},
		"an unknown setting":          {newTopic("t", 1, 1, "no.such", "1"), kerr.InvalidConfig},
		"a bad value":                 {newTopic("t", 1, 1, "retention.ms", "soon"), kerr.InvalidConfig},
		"a null value":                {nullValue, kerr.InvalidConfig},
		"settings that contradict":    {newTopic("t", 1, 1, "min.compaction.lag.ms", "5", "max.compaction.lag.ms", "4"), kerr.InvalidConfig},
		"numbers and assignments":     {both, kerr.InvalidRequest},
		"an unknown broker":           {assigned("t", []int32{3}), kerr.InvalidReplicaAssignment},
		"a broker twice":              {assigned("t", []int32{1, 1}), kerr.InvalidReplicaAssignment},
		"a dead broker alone":         {assigned("t", []int32{2}), kerr.InvalidReplicaAssignment},
		"no broker":                   {assigned("t", []int32{}), kerr.InvalidReplicaAssignment},
		"unequal replicas":            {assigned("t", []int32{1}, []int32{1, 2}), kerr.InvalidReplicaAssignment},
		"a gap":                       {gap, kerr.InvalidReplicaAssignment},
		"a partition twice":           {twice, kerr.InvalidReplicaAssignment},
		"offsets in other partitions": {newTopic("__consumer_offsets", 50, 1), kerr.InvalidPartitions},
		"offsets assigned":            {assigned("__consumer_offsets", []int32{1}), kerr.InvalidReplicaAssignment},
	} {
		got := createTopics(b, 7, c.topic).Topics[0]
		if got.ErrorCode != c.want.Code || got.ErrorMessage == nil || *got.ErrorMessage == "" {
			t.Errorf("%s: code %d (%v), want %v", name, got.ErrorCode, kmsgText(got.ErrorMessage), c.want)
		}
		if got.TopicID != [16]byte{} || got.NumPartitions != -1 || got.ReplicationFactor != -1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, ok := b.meta.Image().TopicByName("t"); ok {
		t.Error("a refused topic was made")
	}
}

func kmsgText(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func TestCreateTopicsTreatsEachByItself(t *testing.T) {
	b := newTestBroker(t, nil)
	got := createTopics(b, 7, newTopic("twice", 1, 1), newTopic("good", 1, 1), newTopic("b/ad", 1, 1), newTopic("twice", 1, 1)).Topics
	codes := map[string]int16{}
	for _, g := range got {
		codes[g.Topic] = g.ErrorCode
	}
	if d := cmp.Diff(map[string]int16{
		"twice": kerr.InvalidRequest.Code, "good": 0, "b/ad": kerr.InvalidTopicException.Code,
	}, codes); d != "" || len(got) != 3 {
		t.Errorf("%d answers (-want +got):\n%s", len(got), d)
	}
}

func TestCreateTopicsAssigned(t *testing.T) {
	b := newTestBroker(t, nil)
	b.meta.must(t, &image.FenceNode{Node: 2, Epoch: 1})
	b.register(3, "")
	got := createTopics(b, 7, assigned("t", []int32{3, 1}, []int32{2, 1})).Topics[0]
	if got.ErrorCode != 0 || got.NumPartitions != 2 || got.ReplicationFactor != 2 {
		t.Fatalf("%+v", got)
	}
	var leaders []ids.NodeID
	for p := range b.meta.Image().Partitions(got.TopicID) {
		leaders = append(leaders, p.Leader)
	}
	if !cmp.Equal(leaders, []ids.NodeID{3, 1}) {
		t.Errorf("leaders %v, want the first living one of each", leaders)
	}
}

func TestCreateTopicsValidateOnly(t *testing.T) {
	b := newTestBroker(t, nil)
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.ValidateOnly = 7, true
	req.Topics = []kmsg.CreateTopicsRequestTopic{newTopic("t", 2, 1), newTopic("b/ad", 1, 1)}
	got := ask[*kmsg.CreateTopicsResponse](b, req).Topics
	if got[0].ErrorCode != 0 || got[0].NumPartitions != 2 || got[1].ErrorCode != kerr.InvalidTopicException.Code {
		t.Errorf("%+v", got)
	}
	if _, ok := b.meta.Image().TopicByName("t"); ok {
		t.Error("it was made")
	}
}

func TestTopicsWithoutAController(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1)
	b.meta.fail = &image.Refusal{Reason: image.NodeIsFenced}
	if got := createTopics(b, 7, newTopic("new", 1, 1)).Topics[0]; got.ErrorCode != kerr.NotController.Code {
		t.Errorf("CreateTopics: %+v", got)
	}
	b.meta.fail = context.DeadlineExceeded
	del := kmsg.NewPtrDeleteTopicsRequest()
	del.Version, del.Topics = 6, []kmsg.DeleteTopicsRequestTopic{{TopicID: id}}
	if got := ask[*kmsg.DeleteTopicsResponse](b, del).Topics[0]; got.ErrorCode != kerr.RequestTimedOut.Code {
		t.Errorf("DeleteTopics: %+v", got)
	}
}

func TestDeleteTopicsInEveryVersion(t *testing.T) {
	b := newTestBroker(t, nil)
	for v := int16(1); v <= 6; v++ {
		id := b.topic("t", 1, 2)
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.Version, req.TopicNames = v, []string{"t", "none"}
		req.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr("t")}, {Topic: kmsg.StringPtr("none")}}
		got := ask[*kmsg.DeleteTopicsResponse](b, req).Topics
		if len(got) != 2 || *got[0].Topic != "t" || got[0].ErrorCode != 0 || got[1].ErrorCode != kerr.UnknownTopicOrPartition.Code {
			t.Fatalf("v%d: %+v", v, got)
		}
		if v >= 6 && got[0].TopicID != id {
			t.Errorf("v%d: id %x", v, got[0].TopicID)
		}
		if _, ok := b.meta.Image().Topic(id); ok {
			t.Errorf("v%d: still there", v)
		}
		if _, err := b.Partitions.ByID(id, 0); err == nil {
			t.Errorf("v%d: still served", v)
		}
	}
}

func TestDeleteTopicsByID(t *testing.T) {
	b := newTestBroker(t, nil)
	gone, kept := b.topic("gone", 1), b.topic("kept", 1)
	name := kmsg.StringPtr
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version = 6
	req.Topics = []kmsg.DeleteTopicsRequestTopic{
		{TopicID: gone}, {TopicID: ids.TopicID{0xee}}, {}, {Topic: name("kept"), TopicID: kept},
		{Topic: name("kept")}, {TopicID: kept},
	}
	var codes []int16
	got := ask[*kmsg.DeleteTopicsResponse](b, req).Topics
	for _, g := range got {
		codes = append(codes, g.ErrorCode)
	}
	bad := kerr.InvalidRequest.Code
	if want := []int16{0, kerr.UnknownTopicID.Code, bad, bad, bad, bad}; !cmp.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	if *got[0].Topic != "gone" {
		t.Errorf("by id: %+v", got[0])
	}
	if _, ok := b.meta.Image().Topic(kept); !ok {
		t.Error("a topic named twice was deleted")
	}
}

func TestDeleteTopicsWhenTurnedOff(t *testing.T) {
	b := newTestBroker(t, map[string]string{"delete.topic.enable": "false"})
	b.topic("t", 1)
	for v, want := range map[int16]int16{2: kerr.InvalidRequest.Code, 3: kerr.TopicDeletionDisabled.Code} {
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.Version, req.TopicNames = v, []string{"t"}
		if got := ask[*kmsg.DeleteTopicsResponse](b, req).Topics[0]; got.ErrorCode != want {
			t.Errorf("v%d: %+v", v, got)
		}
	}
}

func TestCreatePartitions(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1)
	b.topic("__consumer_offsets", 1)
	for v := int16(0); v <= 3; v++ {
		was := b.meta.Image().PartitionCount(id)
		more := func(name string, count int32, replicas ...int32) kmsg.CreatePartitionsRequestTopic {
			t := kmsg.CreatePartitionsRequestTopic{Topic: name, Count: count}
			for _, r := range replicas {
				t.Assignment = append(t.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: []int32{r}})
			}
			return t
		}
		for _, c := range []struct {
			name  string
			topic kmsg.CreatePartitionsRequestTopic
			want  int16
		}{
			{"as many", more("t", was), kerr.InvalidPartitions.Code},
			{"fewer", more("t", was-1), kerr.InvalidPartitions.Code},
			{"far too many", more("t", was+20_000), kerr.PolicyViolation.Code},
			{"an unknown topic", more("none", 5), kerr.UnknownTopicOrPartition.Code},
			{"offsets", more("__consumer_offsets", 5), kerr.InvalidTopicException.Code},
			{"an unknown broker", more("t", was+1, 9), kerr.InvalidReplicaAssignment.Code},
			{"too few assigned", more("t", was+2, 1), kerr.InvalidReplicaAssignment.Code},
			{"two assigned", more("t", was+2, 2, 1), 0},
		} {
			req := kmsg.NewPtrCreatePartitionsRequest()
			req.Version, req.Topics = v, []kmsg.CreatePartitionsRequestTopic{c.topic}
			got := ask[*kmsg.CreatePartitionsResponse](b, req).Topics[0]
			if got.ErrorCode != c.want || (got.ErrorMessage != nil) != (c.want != 0) {
				t.Errorf("v%d, %s: %d (%s), want %d", v, c.name, got.ErrorCode, kmsgText(got.ErrorMessage), c.want)
			}
		}
		// Validated only, then unassigned: one to each node.
		req := kmsg.NewPtrCreatePartitionsRequest()
		now := b.meta.Image().PartitionCount(id)
		req.Version, req.ValidateOnly, req.Topics = v, true, []kmsg.CreatePartitionsRequestTopic{more("t", now+2)}
		if got := ask[*kmsg.CreatePartitionsResponse](b, req).Topics[0]; got.ErrorCode != 0 || b.meta.Image().PartitionCount(id) != now {
			t.Errorf("v%d: validated: %+v", v, got)
		}
		req.ValidateOnly = false
		if got := ask[*kmsg.CreatePartitionsResponse](b, req).Topics[0]; got.ErrorCode != 0 || b.meta.Image().PartitionCount(id) != now+2 {
			t.Errorf("v%d: made: %+v", v, got)
		}
		for p := range b.meta.Image().Partitions(id) {
			if _, err := b.Partitions.ByID(id, p.Index); (err == nil) != (p.Leader == 1) {
				t.Errorf("v%d: partition %d led by %d: %v", v, p.Index, p.Leader, err)
			}
		}
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "t", Count: 99}, {Topic: "t", Count: 98}}
	for _, got := range ask[*kmsg.CreatePartitionsResponse](b, req).Topics {
		if got.ErrorCode != kerr.InvalidRequest.Code {
			t.Errorf("named twice: %+v", got)
		}
	}
}
