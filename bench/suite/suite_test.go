package suite

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/nullbroker"
	"github.com/seawallmq/seawall/bench/report"
)

const partitions = 3

// TestMain lets the test binary be the null broker that arm.Null starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-null-broker" {
		b, err := nullbroker.Start(os.Args[2], partitions)
		if err != nil {
			panic(err)
		}
		b.Wait() // until killed
		return
	}
	os.Exit(m.Run())
}

func options(t *testing.T, arms ...arm.Arm) Options {
	return Options{
		Arms: arms, Scratch: t.TempDir(), Parts: []string{"produce"}, Log: t.Logf,
		Settings: report.Settings{
			Rounds: 2, WarmUp: 10 * time.Millisecond, Duration: 500 * time.Millisecond, RecordBytes: 1024, Partitions: partitions,
		},
	}
}

func TestBrokersTakeTurns(t *testing.T) {
	o := options(t, arm.Null(os.Args[0], partitions), arm.Klite("/nonexistent"))
	var order []string
	o.Log = func(format string, args ...any) {
		t.Logf(format, args...)
		if strings.HasPrefix(format, "-- ") {
			order = append(order, args[0].(string))
		}
	}
	r := &report.Report{}
	if err := Run(t.Context(), o, r); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, ","), "null broker,klite,klite,null broker"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	null, klite := r.Broker(arm.NameNull), r.Broker(arm.NameKlite)
	if len(null.Rounds) != 2 || len(klite.Rounds) != 0 || len(r.Faults) != 2 {
		t.Fatalf("%d and %d rounds, faults %q", len(null.Rounds), len(klite.Rounds), r.Faults)
	}
	for _, round := range null.Rounds {
		if round.FirstAck <= 0 || round.ResidentIdle <= 0 || round.ResidentAfter <= 0 || len(round.Rated) != 2 {
			t.Errorf("%+v", round)
		}
		for _, rated := range round.Rated {
			if rated.Latency.Count == 0 || rated.Failed > 0 || rated.RecordsPerBatch < 1 || rated.ReadBack {
				t.Errorf("%+v", rated)
			}
		}
		// How much was acknowledged in the window is package load's to hold: on
		// a busy machine the first answer may come after half a second.
		if u := round.Unthrottled; u == nil || u.Failed > 0 {
			t.Errorf("%+v", u)
		}
	}
	left, err := os.ReadDir(o.Scratch)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Two brokers live at once, and each has as many windows as the other, first
// and second in turns; what the windows came to is also told together.
func TestKindsTakeTurns(t *testing.T) {
	o := options(t, arm.Null(os.Args[0], partitions))
	o.Settings.Rounds, o.Settings.Duration = 1, 50*time.Millisecond
	var order []string
	o.Log = func(_ string, args ...any) { order = append(order, args[1].(string)) }
	null := func(string) arm.Arm { return o.Arms[0] }
	a, b := &kind{name: "a", choose: null}, &kind{name: "b", choose: null}
	s := &suite{Options: o, report: &report.Report{}}
	if err := s.compareKinds(t.Context(), a, b); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, ""), strings.Repeat("abba", fenceTurns); got != want {
		t.Errorf("windows of %s, want %s", got, want)
	}
	if a.server.Addr == b.server.Addr {
		t.Errorf("both are at %s", a.server.Addr)
	}
	for i, f := range s.report.Fence {
		for _, turns := range []report.Turns{f.Exclusive, f.Shared} {
			var records int64
			for _, each := range turns.Each {
				records += each.Count
			}
			if want := int64(fenceTurns * f.RatePerSecond * f.Window.Seconds()); len(turns.Each) != fenceTurns || records != want ||
				turns.Latency.Count != want || turns.Lag.Count != want || turns.Failed > 0 || turns.ReadBack {
				t.Errorf("rate %v: want %d records: %+v", f.RatePerSecond, want, turns)
			}
		}
		if f.RatePerSecond != fenceRates[i] {
			t.Errorf("rate %v at place %d", f.RatePerSecond, i)
		}
	}
	if len(s.report.Fence) != len(fenceRates) {
		t.Errorf("%d rates", len(s.report.Fence))
	}
}

func TestAnInterruptionEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, options(t, arm.Null(os.Args[0], partitions)), &report.Report{}); err == nil {
		t.Error("no error")
	}
}
