package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/hist"
)

// round is one in which the loads had these p50.
func round(low, high time.Duration, bytesPerSecond, cpuPerGB float64) Round {
	return Round{
		FirstAck: 10 * time.Millisecond, ResidentIdle: 40e6, ResidentAfter: 400e6,
		Rated: []Rated{
			{RatePerSecond: RateLow, Latency: latency(low), ReadBack: true},
			{RatePerSecond: RateHigh, Latency: latency(high), MallocsPerBatch: 8, ReadBack: true},
		},
		Unthrottled: &Unthrottled{BytesPerSecond: bytesPerSecond, CPUPerGB: cpuPerGB, ReadBack: true},
	}
}

// latency is one in which every quantile is scaled from its p50.
func latency(d time.Duration) hist.Summary {
	return hist.Summary{Count: 1, P50: d, P95: 2 * d, P99: 3 * d, P999: 4 * d, Max: 5 * d}
}

func example() *Report {
	const us = time.Microsecond
	return &Report{
		Settings: Settings{Rounds: 3}, Commit: "c0ffee",
		Brokers: []Broker{
			{Name: arm.NameSeawall, Rounds: []Round{
				round(250*us, 300*us, 550e6, 1.5), round(900*us, 310*us, 500e6, 1.4), round(240*us, 290*us, 600e6, 1.6)}},
			{Name: arm.NameKafka, Rounds: []Round{round(230*us, 370*us, 380e6, 4)}},
			{Name: arm.NameKlite, Rounds: []Round{round(370*us, 1300*us, 500e6, 2)}},
		},
		Device: &Device{
			Durability: "RWF_DSYNC",
			Latencies: []Latency{
				{Bytes: 4096, BackToBack: hist.Summary{Count: 1, P50: 70 * us, P99: 110 * us}},
				{Bytes: 1536, Flush: true, BackToBack: hist.Summary{Count: 1, P50: 80 * us, P99: 120 * us}},
			},
			Bandwidths: []Bandwidth{{Bytes: 1 << 20, Depth: 4, Device: 4e9, Log: 3e9, Fio: 4e9}, {Bytes: 1 << 20, Depth: 4, Read: true, Device: 5e9}},
		},
		Fence: []Fenced{{
			RatePerSecond: RateLow, Window: 2 * time.Second,
			Exclusive: Turns{Latency: latency(400 * us), Each: []hist.Summary{latency(400 * us), latency(500 * us)}},
			Shared:    Turns{Latency: latency(500 * us), Each: []hist.Summary{latency(600 * us), latency(500 * us)}, Saturation: "the driver slept"},
		}},
		Start:    &Start{WALBytes: 10 << 30, Ready: []time.Duration{50 * time.Millisecond}, FirstAck: []time.Duration{60 * time.Millisecond}},
		Recovery: &Recovery{Bytes: 1 << 30, EmptyReady: []time.Duration{50 * time.Millisecond}, Ready: []time.Duration{350 * time.Millisecond}, FirstAck: []time.Duration{360 * time.Millisecond}},
		Cold:     []Cold{{Store: "file", Bytes: 1 << 30, Consumer: []float64{4e8}, Gets: []float64{8e8}}},
		Idle:     &Idle{EmptyBytes: 45e6, Partitions: 10_000, PartitionsBytes: 400e6},
	}
}

func TestJudge(t *testing.T) {
	r := example()
	r.Judge()
	verdicts := map[string]string{
		"ack p50 at 2,000/s: the device's own + 0.2 ms":        "reached", // 0.25 of 0.28, by the median round
		"ack p99 at 2,000/s: 3 × the device's own":             "not reached",
		"ack p50 at 10,000/s: Kafka's without fsync":           "reached",
		"ack p99 at 10,000/s: Kafka's without fsync":           "reached",
		"ack p99 at 10,000/s: a third of klite's":              "reached",
		"ack p99 at 10,000/s: a tenth of Kafka's with fsync":   "not measured: no figure of " + arm.NameKafkaSync,
		"throughput, 2 producers: 1.3 × Kafka's without fsync": "reached",
		"throughput, 2 producers: 1.8 × klite's":               "not reached",
		"CPU a GB: half of Kafka's":                            "reached",
		"allocations a produced batch, at 10,000/s":            "reached",
		"write path of the WAL, 1 MiB × 4: 0.9 × fio's":        "reached",
		"records through the WAL, 1 MiB × 4: 0.9 × fio's":      "not reached",
		"start to first produce, empty WAL of 10 GiB":          "reached",
		"recovery of 1 GiB: 0.7 × the device's read bandwidth": "reached", // 1,074 MB in 300 ms, of 5,000 MB/s
		"cold read from a file store: 0.8 × plain ranged GETs": "not reached",
		"resident memory, idle":                                "reached",
		"resident memory, 10,000 idle partitions":              "not reached",
	}
	for _, target := range r.Targets {
		want, ok := verdicts[target.What]
		if !ok {
			t.Errorf("unexpected: %q", target.What)
		}
		if target.Verdict() != want {
			t.Errorf("%s: %v against %v is %q, want %q", target.What, target.Value, target.Bound, target.Verdict(), want)
		}
		delete(verdicts, target.What)
	}
	for what := range verdicts {
		t.Errorf("not judged: %s", what)
	}
}

func TestNothingMeasuredIsNothingReached(t *testing.T) {
	r := &Report{Brokers: []Broker{{Name: arm.NameSeawall}}}
	r.Judge()
	if len(r.Targets) == 0 {
		t.Error("no targets")
	}
	for _, target := range r.Targets {
		if target.Reached() {
			t.Errorf("%s: reached without a figure", target.What)
		}
	}
}

func TestFormats(t *testing.T) {
	r := example()
	r.Faults = []string{"klite, round 2: it ended"}
	r.Brokers[0].Rounds[1].Rated[0].Saturation = "the driver was late"
	r.Judge()
	var text, markdown, encoded strings.Builder
	r.Text(&text)
	r.Markdown(&markdown)
	if err := r.JSON(&encoded); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"commit c0ffee", "0.25 / 0.50 / 0.75 / 1.00", "550 (500–600)", "failed: klite, round 2: it ended",
		"Seawall, round 2, 2,000/s: the driver was late.",
		"0.50 / 1.00 / 1.50 / 2.00", "1.25", "1.25 (1.00–1.50)", "shared, 2,000/s: the driver slept.", "write of 1,536 B, depth 1, ms", "10,000 idle partitions",
	} {
		if !strings.Contains(text.String(), want) || !strings.Contains(markdown.String(), want) {
			t.Errorf("%q is missing in\n%s\n%s", want, text.String(), markdown.String())
		}
	}
	columns := 0
	for line := range strings.Lines(markdown.String()) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
		} else if n := strings.Count(line, "|"); columns == 0 {
			columns = n
		} else if n != columns {
			t.Errorf("%d bars and not %d: %s", n, columns, line)
		}
	}
	var back Report
	if err := json.Unmarshal([]byte(encoded.String()), &back); err != nil || len(back.Brokers) != 3 || len(back.Targets) != len(r.Targets) {
		t.Errorf("JSON does not come back: %v", err)
	}
}

func TestSpread(t *testing.T) {
	for want, values := range map[string][]float64{
		"–": nil, "2.00": {2}, "2.00 (1.00–9.00)": {9, 1, 2}, "1.50 (1.00–2.00)": {1, 2}, "1,235": {1234.5, 1234.6},
		"0.012": {0.0123},
	} {
		if got := spread(values).cell(); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}

func TestRenew(t *testing.T) {
	page, err := renew("above\n<!-- b c: begin -->\nold\n<!-- b c: end -->\nbelow\n", "b c", "new\n")
	if err != nil || page != "above\n<!-- b c: begin -->\n\nnew\n\n<!-- b c: end -->\nbelow\n" {
		t.Errorf("%q, %v", page, err)
	}
	if _, err := renew("<!-- bench: begin --> <!-- bench: end -->", "b c", "new"); err == nil {
		t.Error("took a page without markers")
	}
}
