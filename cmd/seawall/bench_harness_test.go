package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/result"
)

func TestBenchTellsAllFaults(t *testing.T) {
	for args, wants := range map[string][]string{
		"run --scenario quik --arms wall --rounds 0 --acks 1 --rate fast": {"did you mean quick?", "did you mean wal?", "rounds: 0", "--rate: rate=fast"},
		"compare A quik --duration never":                                 {"did you mean quick?", "--duration: duration=never"},
		"compare A A":                                                     {"scenario A is named twice"},
		"sweep --rates 5,1":                                               {"rates of a sweep are to rise"},
		"compare":                                                         {"requires at least 1 arg"},
		"replay x.json y.json":                                            {"accepts 1 arg"},
	} {
		out := t.TempDir()
		code, _, stderr := execute(t, append(strings.Fields("bench "+args), "--out", filepath.Join(out, "x"))...)
		if code != exitUsage {
			t.Errorf("%s: exit %d", args, code)
		}
		for _, want := range wants {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: no %q in %s", args, want, stderr)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) > 0 {
			t.Errorf("%s left %v", args, left)
		}
	}
}

// A replay has the flags of the first run, but for those that it is given.
func TestRecall(t *testing.T) {
	var h harness
	c := &cobra.Command{}
	h.register(c)
	if err := c.ParseFlags([]string{"--settle", "9s"}); err != nil {
		t.Fatal(err)
	}
	recipe := &result.Recipe{
		Command: strings.Fields("bench sweep mine.properties --uncapped --settle 1s --p99-max=3s --linger 5ms --rates 1,2 --out old --store s3://mine"),
		Seed:    7, Rounds: 2, Arms: []result.ArmSpec{{Name: "wal"}, {Name: "s3-50ms"}},
	}
	p99Max, err := h.recall(c.Flags(), recipe)
	if err != nil || p99Max != 3*time.Second || !h.Uncapped || h.settle != 9*time.Second || h.StoreURL != "s3://mine" || h.out != "" ||
		h.seed != 7 || h.rounds != 2 || !slices.Equal(h.arms, []string{"wal", "s3-50ms"}) {
		t.Errorf("%+v, %v, %v", h, p99Max, err)
	}
}

func TestProgressInLines(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b)
	for second := -1; second < 10; second++ {
		var l load.Progress
		l.At, l.Left, l.Point.Acked, l.P50 = time.Duration(second)*time.Second, time.Duration(9-second)*time.Second, 1234, time.Millisecond
		l.Failed = int64(max(second, 0))
		p.second("A wal", l)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "A wal: warming up, 10s left") ||
		!strings.Contains(lines[1], "measuring, 5s left, 1,234/s acked, p50 1.00 ms") || !strings.Contains(lines[2], "9 FAILED") {
		t.Errorf("%q", lines)
	}
}
