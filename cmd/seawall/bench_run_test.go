package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/bench/htmlreport"
)

// asSeawall in the environment makes the test binary the seawall that the harness
// starts brokers and stores from.
const asSeawall = "SEAWALL_TEST_IS_SEAWALL"

func TestMain(m *testing.M) {
	if os.Getenv(asSeawall) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The whole way: a broker and a simulated store as processes of their own, a load
// with consumers, everything read back, and nothing left but the report.
func TestBenchRun(t *testing.T) {
	t.Setenv(asSeawall, "1")
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := execute(t, strings.Fields("bench run --rate 500/s --duration 500ms --warm-up 100ms --no-device --settle 0s --out "+out)...)
	if code != exitDone {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	if strings.Contains(stdout, "O_DIRECT") {
		t.Skip("no direct I/O in the folder for temporary files")
	}
	left, err := os.ReadDir(out)
	if err != nil || len(left) != 3 {
		t.Errorf("%v in the folder of the report: %v", left, err)
	}
	r, err := readResult(filepath.Join(out, htmlreport.JSONFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Faults) > 0 || len(r.Scenarios) != 1 || len(r.Scenarios[0].Arms) != 1 || len(r.Scenarios[0].Arms[0].Rounds) != 1 {
		t.Fatalf("%q, %+v", r.Faults, r.Scenarios)
	}
	arm := &r.Scenarios[0].Arms[0]
	round := &arm.Rounds[0]
	if !round.ReadBack || round.Fault != "" || round.Failed > 0 || round.Consumed != round.Acked || round.BrokerResidentBytes == 0 || len(round.Series) == 0 {
		t.Errorf("%+v", round)
	}
	if arm.Ack.Count != 250 || arm.EndToEnd.Count != 250 || len(arm.Ack.Buckets) == 0 {
		t.Errorf("%+v", arm)
	}
	if store := r.StoreOf(arm.Arm); store == nil || !store.Simulated || store.Profile == nil {
		t.Errorf("store %+v", store)
	}
	if s := &r.Recipe.Scenarios[0]; s.Title != "quick with rate=500/s" || s.Rate.RecordsPerSecond != 500 {
		t.Errorf("recipe %+v", s)
	}
	if !strings.Contains(stdout, filepath.Join(out, htmlreport.HTMLFile)) || !strings.Contains(stdout, "turn 1 of 1: quick wal") {
		t.Errorf("it says\n%s", stdout)
	}
}
