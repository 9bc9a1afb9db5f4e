package node

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A partition whose state is in a store that hangs waits for it alone: topics
// are made, used and deleted meanwhile, readiness says how many wait, and when
// the store is back they are served.
func TestPartitionThatWaitsForTheStoreHoldsUpNoOther(t *testing.T) {
	store, dir := startFaultyS3(t), t.TempDir()
	cfg := smallConfig(t, dir, map[string]string{"s3.data.buckets": store.url})
	n := start(t, cfg)
	for _, topic := range []string{"old", "doomed"} {
		produce(t, n, topic, 0, 100)
	}
	if r, err := n.Drain(deadline(t)); err != nil || !r.Uploaded {
		t.Fatalf("drain: %v, %v", r, err)
	}
	store.mode.Store("hang")
	n = start(t, cfg)
	wantWaiting := func(want int) {
		t.Helper()
		if got := n.partitions.Waiting(); got != want {
			t.Errorf("%d partitions wait for the store, want %d", got, want)
		}
	}
	wantWaiting(2)
	if err := n.ready(); err != nil {
		t.Errorf("not ready for everything else: %v", err)
	}
	if err := n.waits(); err == nil || !strings.Contains(err.Error(), "2 could not be opened yet") {
		t.Errorf("what waits: %v", err)
	}

	const atOnce = 2 * time.Second // and not the store's time-outs
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	adm := kadm.NewClient(plainClient(t, n))
	if made, err := adm.CreateTopics(ctx, 3, 1, nil, "new"); err != nil || made.Error() != nil {
		t.Fatalf("create: %v, %v", err, made)
	}
	produce(t, n, "new", 0, 10)
	ptr := "54321"
	if _, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &ptr}}, "new", "old"); err != nil {
		t.Fatalf("alter: %v", err)
	}
	if gone, err := adm.DeleteTopics(ctx, "doomed"); err != nil || gone.Error() != nil {
		t.Fatalf("delete: %v, %v", err, gone)
	}
	if took := time.Since(began); took > atOnce {
		t.Errorf("topics took %v while the store was away", took)
	}
	wantWaiting(1)

	store.mode.Store("")
	store.drop() // what hangs is cut off, as when a network is back
	if err := n.partitions.AwaitAll(deadline(t), n.metadata.Image().Index()); err != nil {
		t.Fatalf("the store is back: %v", err)
	}
	if err := n.waits(); err != nil {
		t.Errorf("something waits: %v", err)
	}
	consume(t, n, "old", 100)
	p, err := n.partitions.ByName([]byte("old"), 0)
	if err != nil || p.Settings().MaxMessageBytes != 54321 {
		t.Errorf("the configuration of meanwhile is not in force: %v", err)
	}
	if len(p.Producers()) == 0 {
		t.Error("the producers were not restored")
	}
	if err := client(t, n).ProduceSync(deadline(t), &kgo.Record{Topic: "old", Value: []byte("v")}).FirstErr(); err != nil {
		t.Error(err)
	}
}

// A consumer of news and of history gets the news while the store hangs, and
// the history when it is back.
func TestHistoryInAStoreThatHangsHoldsUpNoNews(t *testing.T) {
	store, dir := startFaultyS3(t), t.TempDir()
	cfg := smallConfig(t, dir, map[string]string{"s3.data.buckets": store.url})
	n := start(t, cfg)
	produce(t, n, "old", 0, 100)
	if r, err := n.Drain(deadline(t)); err != nil || !r.Uploaded {
		t.Fatalf("drain: %v, %v", r, err)
	}
	n = start(t, cfg)
	produce(t, n, "new", 0, 1)
	store.mode.Store("hang")
	c := client(t, n, kgo.ConsumeTopics("old", "new"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	ctx := deadline(t)
	got := map[string]int{}
	poll := func(topic string, want int) {
		t.Helper()
		for got[topic] < want {
			fetches := c.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatalf("%v after %v: %v", topic, got, err)
			}
			fetches.EachRecord(func(r *kgo.Record) { got[r.Topic]++ })
		}
	}
	began := time.Now()
	for i := 1; i < 4; i++ {
		poll("new", i)
		produce(t, n, "new", i, 1)
	}
	poll("new", 4)
	if took := time.Since(began); took > 10*time.Second { // a few turns of half a second
		t.Errorf("news took %v", took)
	}
	if got["old"] != 0 {
		t.Fatal("the store does not hang")
	}
	store.mode.Store("")
	store.drop()
	poll("old", 100)
}
