package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBenchCost(t *testing.T) {
	html := filepath.Join(t.TempDir(), "cost.html")
	code, stdout, stderr := execute(t, "bench", "cost", "--html", html)
	if code != exitDone {
		t.Fatal(stderr)
	}
	for _, want := range []string{"$ a month", "WAL on gp3", "Kafka, nearest replica", "Where two cost the same", "Assumptions:", "nothing measured"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in %s", want, stdout)
		}
	}
	if b, err := os.ReadFile(html); err != nil || !strings.Contains(string(b), "</html>") {
		t.Errorf("%v", err)
	}
	_, stdout, _ = execute(t, "bench", "cost", "--rate", "300KiB", "--retention", "1d", "--reread", "0")
	if want := "direct S3, 250 ms at 0.293 MiB/s: $535.71 a month"; !strings.Contains(stdout, want) {
		t.Errorf("no %q in %s", want, stdout) // as recomputed by hand in bench/cost
	}
}

func TestBenchCostRefuses(t *testing.T) {
	prices := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(prices, []byte(`{"date": "2026-01-01"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--rate fast":           "--rate:",
		"--retention week":      "neither like 36h nor like 7d",
		"--retention -7d":       "neither like 36h nor like 7d",
		"--retention -1h":       "must not be negative",
		"--zones 3 --brokers 2": "at least one a zone",
		"--reread NaN":          "must not be negative",
		"--prices " + prices:    "s3.put is missing",
	} {
		if code, _, stderr := execute(t, strings.Fields("bench cost "+args)...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %q", args, code, stderr)
		}
	}
}
