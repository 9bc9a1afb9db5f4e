package node

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// An administrator's client finds what it makes and changes.
func TestAdminClient(t *testing.T) {
	n := start(t, devConfig(t, t.TempDir(), nil))
	ctx := deadline(t)
	adm := kadm.NewClient(plainClient(t, n))
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}

	retention := "60000"
	made, err := adm.CreateTopics(ctx, 3, 1, map[string]*string{"retention.ms": &retention}, "b", "a")
	must("create topics", errors.Join(err, made.Error()))
	again, err := adm.CreateTopics(ctx, 1, 1, nil, "a")
	if must("create again", err); !errors.Is(again["a"].Err, kerr.TopicAlreadyExists) {
		t.Errorf("made again: %v", again["a"].Err)
	}
	meta, err := adm.Metadata(ctx)
	must("metadata", err)
	if len(meta.Brokers) != 1 || meta.Controller != 1 || meta.Cluster == "" || !slices.Equal(meta.Topics.Names(), []string{"a", "b"}) {
		t.Errorf("metadata: %+v", meta)
	}
	if d := meta.Topics["a"]; len(d.Partitions) != 3 || d.Err != nil || d.Partitions[0].Leader != 1 {
		t.Errorf("topic a: %+v", d)
	}

	grown, err := adm.UpdatePartitions(ctx, 5, "a")
	must("more partitions", errors.Join(err, grown.Error()))
	_, err = adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: ptr("12345")}}, "a")
	must("alter configs", err)
	configs, err := adm.DescribeTopicConfigs(ctx, "a")
	must("describe configs", err)
	for _, want := range []kadm.Config{{Key: "retention.ms", Value: &retention}, {Key: "max.message.bytes", Value: ptr("12345")}} {
		i := slices.IndexFunc(configs[0].Configs, func(c kadm.Config) bool { return c.Key == want.Key })
		if i < 0 || configs[0].Configs[i].MaybeValue() != *want.Value {
			t.Errorf("%s is not %s", want.Key, *want.Value)
		}
	}
	if _, err = adm.DescribeBrokerConfigs(ctx, 1); err != nil {
		t.Errorf("broker configs: %v", err)
	}

	producer := client(t, n)
	for i := range 20 {
		producer.Produce(ctx, &kgo.Record{Topic: "a", Value: []byte{byte(i)}}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Errorf("produce: %v", err)
			}
		})
	}
	must("flush", producer.Flush(ctx))
	producer.Close() // it makes topics that it asks about
	ends, err := adm.ListEndOffsets(ctx, "a")
	must("end offsets", errors.Join(err, ends.Error()))
	var total int64
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if total != 20 {
		t.Errorf("%d records by end offsets", total)
	}
	cut := ends.Offsets()
	deleted, err := adm.DeleteRecords(ctx, cut)
	must("delete records", errors.Join(err, deleted.Error()))
	starts, err := adm.ListStartOffsets(ctx, "a")
	must("start offsets", errors.Join(err, starts.Error()))
	starts.Each(func(o kadm.ListedOffset) {
		if end, _ := ends.Lookup("a", o.Partition); o.Offset != end.Offset {
			t.Errorf("partition %d starts at %d, want %d", o.Partition, o.Offset, end.Offset)
		}
	})
	dirs, err := adm.DescribeAllLogDirs(ctx, nil)
	if must("log dirs", err); len(dirs) != 1 {
		t.Errorf("log dirs: %+v", dirs)
	}

	gone, err := adm.DeleteTopics(ctx, "a")
	must("delete", errors.Join(err, gone.Error()))
	adm = kadm.NewClient(plainClient(t, n)) // the other one remembers
	if meta, err = adm.Metadata(ctx); err != nil || !slices.Equal(meta.Topics.Names(), []string{"b"}) {
		t.Errorf("topics after deletion: %v, %v", meta.Topics.Names(), err)
	}
}

// plainClient is a client that does not make the topics that it asks about.
func plainClient(t *testing.T, n *Node) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(n.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Consumers of a group share its partitions, commit, leave, and go on where
// the group was, also after a restart.
func TestConsumerGroup(t *testing.T) {
	dir := t.TempDir()
	n := start(t, devConfig(t, dir, nil))
	ctx := deadline(t)
	adm := kadm.NewClient(client(t, n))
	if _, err := adm.CreateTopic(ctx, 4, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	produce(t, n, "t", 0, 40)
	member := func() *kgo.Client {
		return client(t, n, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit(),
			kgo.HeartbeatInterval(20*time.Millisecond), // by which it hears of a rebalance
			kgo.FetchMaxWait(50*time.Millisecond), kgo.Balancers(kgo.RangeBalancer()))
	}
	members := []*kgo.Client{member(), member()}
	awaitMembers(t, ctx, adm, "g", 2)
	if got := pollAll(t, ctx, members, 40); got != 40 {
		t.Errorf("%d records", got)
	}
	for _, m := range members {
		if err := m.CommitUncommittedOffsets(ctx); err != nil {
			t.Errorf("commit: %v", err)
		}
	}
	if listed, err := adm.ListGroups(ctx); err != nil || !slices.Equal(listed.Groups(), []string{"g"}) {
		t.Errorf("groups: %v, %v", listed.Groups(), err)
	}
	for _, m := range members {
		m.Close()
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}

	n = start(t, devConfig(t, dir, nil))
	adm = kadm.NewClient(client(t, n))
	offsets, err := adm.FetchOffsets(ctx, "g")
	var total int64
	offsets.Each(func(o kadm.OffsetResponse) { total += o.At })
	if err != nil || total != 40 {
		t.Errorf("offsets after a restart add up to %d, %v", total, err)
	}
	produce(t, n, "t", 40, 3)
	c := client(t, n, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.FetchMaxWait(50*time.Millisecond), kgo.Balancers(kgo.RangeBalancer()))
	if got := pollAll(t, ctx, []*kgo.Client{c}, 3); got != 3 {
		t.Errorf("%d records after a restart", got)
	}
	c.Close()
	if _, err := adm.DeleteGroup(ctx, "g"); err != nil {
		t.Errorf("delete group: %v", err)
	}
}

// awaitMembers waits until a group is stable with so many members.
func awaitMembers(t *testing.T, ctx context.Context, adm *kadm.Client, group string, want int) {
	t.Helper()
	for ctx.Err() == nil {
		described, err := adm.DescribeGroups(ctx, group)
		if err == nil && described[group].State == "Stable" && len(described[group].Members) == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("group %s never had %d members", group, want)
}

// pollAll polls until the clients have so many records together.
func pollAll(t *testing.T, ctx context.Context, clients []*kgo.Client, want int) (got int) {
	t.Helper()
	for got < want && ctx.Err() == nil {
		for _, c := range clients {
			short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			fetches := c.PollFetches(short)
			cancel()
			got += fetches.NumRecords()
			for _, e := range fetches.Errors() {
				if !errors.Is(e.Err, context.DeadlineExceeded) {
					t.Errorf("poll %s-%d: %v", e.Topic, e.Partition, e.Err)
				}
			}
		}
	}
	return got
}

func ptr(s string) *string { return &s }
