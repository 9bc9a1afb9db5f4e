package load_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/node"
)

// startNode runs a Seawall in this process with some topics.
func startNode(t *testing.T, partitions int32, topics ...string) (addr string) {
	t.Helper()
	dir := t.TempDir()
	defaults := config.DevDefaults(dir, "127.0.0.1:0", "", "")
	defaults["s3.wal.path"] = "0@file://" + dir + "/wal?capacity=64MiB&buffered=true"
	defaults["memory.budget.bytes"] = "536870912"
	cfg, _, err := config.Load(config.Sources{Defaults: defaults})
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	client, err := kgo.NewClient(kgo.SeedBrokers(n.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	created, err := kadm.NewClient(client).CreateTopics(t.Context(), partitions, 1, nil, topics...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	return n.Addr()
}

func shortScenario() scenario.Scenario {
	s := scenario.Default()
	s.Rate = s.Rate.Scaled(1000)
	s.WarmUp, s.Duration = 200*time.Millisecond, time.Second
	return s
}

// All of a scenario at once: topics, keys, compression, groups and a backfill.
func TestConsumersAtTheTailAndBehind(t *testing.T) {
	cfg := load.Config{Topics: []string{"a", "b"}, Group: "bench", DeliveryTimeout: 30 * time.Second, Scenario: shortScenario()}
	s := &cfg.Scenario
	s.Topics, s.Partitions, s.Producers, s.DistinctKeys = 2, 3, 2, 50
	s.Compression, s.Linger, s.Groups, s.Consumers, s.BackfillBytes = "zstd", time.Millisecond, 2, 2, 2<<20
	cfg.Brokers = []string{startNode(t, 3, cfg.Topics...)}
	seconds := 0
	cfg.EachSecond = func(load.Progress) { seconds++ }
	r, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.ConsumeFault != nil || r.Failed > 0 || r.Sent != r.Acked || r.Consumed != 2*r.Acked {
		t.Errorf("%d sent, %d acked, %d failed, %d consumed: %v", r.Sent, r.Acked, r.Failed, r.Consumed, r.ConsumeFault)
	}
	ack, e2e := r.Latency.Summary(), r.EndToEnd.Summary()
	if ack.Count != 1000 || e2e.Count != 2*ack.Count || e2e.Max < ack.P50 {
		t.Errorf("acks %+v, end to end %+v", ack, e2e)
	}
	if r.CatchUp.Records != 2<<20/1024 || r.CatchUpBytesPerSecond() <= 0 || r.ConsumedBytesPerSecond() <= 0 || r.CPU.Own <= 0 {
		t.Errorf("catch-up %+v, %v consumed, CPU %+v", r.CatchUp, r.ConsumedBytesPerSecond(), r.CPU)
	}
	var acked int64
	for _, p := range r.Series {
		acked += p.Acked
	}
	if len(r.Series) != 2 || seconds != 2 || r.Series[1].At != 0 || acked == 0 || acked > r.Acked {
		t.Errorf("%d seconds told, series %+v", seconds, r.Series)
	}
	reading, err := r.Verify(t.Context())
	if err != nil || reading.Records != r.Acked+r.CatchUp.Records {
		t.Errorf("%+v, %v", reading, err)
	}
}

func TestAcks(t *testing.T) {
	addr := startNode(t, 6, "acks-0", "acks-1")
	for _, acks := range []string{"0", "1"} {
		cfg := load.Config{Brokers: []string{addr}, Topics: []string{"acks-" + acks}, DeliveryTimeout: 30 * time.Second, Scenario: shortScenario()}
		cfg.Scenario.Acks, cfg.Scenario.Idempotent, cfg.Scenario.Duration = acks, false, 200*time.Millisecond
		r, err := load.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if reading, err := r.Verify(t.Context()); err != nil || r.Sent != r.Acked || reading.Records == 0 {
			t.Errorf("acks=%s: %+v, %v, %d of %d", acks, reading, err, r.Acked, r.Sent)
		}
	}
}

// A broker without transactions says so before anything is measured.
func TestRefusedTransactions(t *testing.T) {
	cfg := load.Config{Topics: []string{"t"}, Group: "bench", DeliveryTimeout: 30 * time.Second, Scenario: shortScenario()}
	cfg.Scenario.Transaction = 10
	cfg.Brokers = []string{startNode(t, 6, "t")}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := load.Run(ctx, cfg); err == nil || !strings.Contains(err.Error(), "refuses transactions") {
		t.Errorf("%v", err)
	}
}
