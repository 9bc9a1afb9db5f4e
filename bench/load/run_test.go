package load_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/nullbroker"
	"github.com/seawallmq/seawall/bench/scenario"
)

const partitions = 6

func startNull(t *testing.T) *nullbroker.Broker {
	t.Helper()
	b, err := nullbroker.Start("127.0.0.1:0", partitions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func nullConfig(b *nullbroker.Broker) load.Config {
	s := scenario.Default()
	s.Partitions, s.Rate = partitions, s.Rate.Scaled(1000)
	s.WarmUp, s.Duration = 100*time.Millisecond, 2*time.Second
	return load.Config{Brokers: []string{b.Addr()}, Topics: []string{"t"}, Scenario: s, DeliveryTimeout: 30 * time.Second}
}

// A broker that stands still for a second is charged with all that was due in
// that second, although none of it could be sent and answered meanwhile.
func TestAStallShowsInTheTail(t *testing.T) {
	const stall = time.Second
	b := startNull(t)
	cfg := nullConfig(b)
	cfg.AtWindow = func(open bool) {
		if open {
			time.AfterFunc(stall, b.Pause())
		}
	}
	r, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	// Half of the 2,000 records were due while the broker stood still, evenly
	// over it: 1 % of all waited for more than 0.98 of the stall, and a
	// quarter for more than half of it.
	s := r.Latency.Summary()
	if s.Count != 2000 || r.Failed != 0 || r.Acked != r.Sent {
		t.Errorf("%d latencies, %d sent, %d acked, %d failed", s.Count, r.Sent, r.Acked, r.Failed)
	}
	if s.P99 < 900*time.Millisecond || s.Max < s.P99 {
		t.Errorf("p99 %v, max %v: the stall of %v is hidden", s.P99, s.Max, stall)
	}
	if p75 := r.Latency.Quantile(0.75); p75 < stall*45/100 {
		t.Errorf("p75 %v, want about half of the stall", p75)
	}
	if why := r.Saturation(); strings.HasPrefix(why, "the driver") && r.Lag.Quantile(0.99) < stall/4 {
		t.Errorf("the broker's stall is taken for the driver's: %s", why)
	}
}

func TestUnpacedLoadCountsThroughput(t *testing.T) {
	cfg := nullConfig(startNull(t))
	cfg.Scenario.Rate = scenario.Rate{Shape: scenario.Unlimited}
	cfg.Scenario.Producers, cfg.Scenario.Duration = 2, 200*time.Millisecond
	edges := 0
	cfg.AtWindow = func(bool) { edges++ }
	r, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if edges != 2 || r.Latency.Summary().Count != 0 {
		t.Errorf("%d edges, %d latencies", edges, r.Latency.Summary().Count)
	}
	if r.WindowAcked == 0 || r.WindowAcked >= r.Acked || r.WindowBatches == 0 || r.BytesPerSecond() <= 0 {
		t.Errorf("window: %d of %d acked, %d batches, %.0f B/s", r.WindowAcked, r.Acked, r.WindowBatches, r.BytesPerSecond())
	}
	if r.Sent != r.Acked {
		t.Errorf("%d sent, %d acked", r.Sent, r.Acked)
	}
}

func TestALoadCutShortIsNoResult(t *testing.T) {
	b := startNull(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resume := func() {}
	defer func() { resume() }()
	cfg := nullConfig(b)
	cfg.Scenario.Duration = 100 * time.Millisecond
	cfg.AtWindow = func(open bool) {
		if open {
			resume = b.Pause()
		} else {
			cancel()
		}
	}
	if r, err := load.Run(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestFaultsOfAConfigAreAllReported(t *testing.T) {
	_, err := load.Run(t.Context(), load.Config{})
	if err == nil {
		t.Fatal("accepted")
	}
	if lines := strings.Count(err.Error(), "\n"); lines < 6 {
		t.Errorf("only %d faults in: %v", lines, err)
	}
}
