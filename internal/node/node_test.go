package node

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/internal/config"
)

// devConfig is the configuration of `seawall dev` in dir, on free ports.
func devConfig(t *testing.T, dir string, overrides map[string]string) *config.Config {
	t.Helper()
	defaults := config.DevDefaults(dir, "127.0.0.1:0", "127.0.0.1:0", "")
	defaults["memory.budget.bytes"] = fmt.Sprint(1 << 30)
	for k, v := range overrides {
		defaults[k] = v
	}
	cfg, _, err := config.Load(config.Sources{Defaults: defaults, MemoryBytes: 2 << 30})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start starts a node that is closed with the test.
func start(t *testing.T, cfg *config.Config) *Node {
	t.Helper()
	n, err := New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

func client(t *testing.T, n *Node, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(n.Addr()), kgo.AllowAutoTopicCreation()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// produce sends records numbered from first and waits for their acks.
func produce(t *testing.T, n *Node, topic string, first, count int) {
	t.Helper()
	c := client(t, n)
	var records []*kgo.Record
	for i := range count {
		records = append(records, &kgo.Record{Topic: topic, Value: fmt.Append(nil, first+i)})
	}
	if err := c.ProduceSync(deadline(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// consume reads count records from the start and checks their numbers.
func consume(t *testing.T, n *Node, topic string, count int) {
	t.Helper()
	c := client(t, n, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx := deadline(t)
	for next := 0; next < count; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", next, count, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if string(r.Value) != fmt.Sprint(next) || r.Offset != int64(next) {
				t.Fatalf("offset %d has %q, want record %d", r.Offset, r.Value, next)
			}
			next++
		})
	}
}

func TestProduceAndConsumeAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	total := 0
	for round := range 3 {
		n := start(t, devConfig(t, dir, nil))
		if total > 0 {
			consume(t, n, "t", total)
		}
		produce(t, n, "t", total, 500)
		total += 500
		consume(t, n, "t", total)
		if round == 1 { // one stop drains, the others leave the WAL to the next start
			if r, err := n.Drain(deadline(t)); err != nil || !r.Uploaded {
				t.Fatalf("drain: %v, %v", r, err)
			}
			continue
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
