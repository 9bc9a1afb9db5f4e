package compare

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/nullbroker"
	"github.com/seawallmq/seawall/bench/scenario"
)

// nullOptions are for a broker that runs already, answers everything and keeps
// nothing: so nothing can be read back.
func nullOptions(t *testing.T) Options {
	b, err := nullbroker.Start("127.0.0.1:0", 6)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	s := scenario.Default()
	s.Name, s.WarmUp, s.Duration = "x", 0, 300*time.Millisecond
	return Options{
		Arms: []string{remotePrefix + b.Addr()}, Scenarios: []scenario.Scenario{s}, Rounds: 1,
		Scratch: t.TempDir(), SkipDevice: true, Log: t.Logf,
	}
}

func TestWhatFailsIsNotedAndTheRestGoesOn(t *testing.T) {
	o := nullOptions(t)
	o.Arms = append(o.Arms, "klite", "wal")
	o.Seawall = "/nonexistent"
	told := 0
	o.Second = func(string, load.Progress) { told++ }
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	// The null broker has no ends of topics to read back to.
	if faults := strings.Join(r.Faults, "\n"); !strings.Contains(faults, "klite: no klite binary") || !strings.Contains(faults, "x wal: ") || !strings.Contains(faults, "/nonexistent") {
		t.Errorf("faults %q", r.Faults)
	}
	if len(r.Recipe.Arms) != 2 || len(r.Scenarios) != 1 || len(r.Scenarios[0].Arms) != 2 || len(r.Scenarios[0].Arms[1].Rounds) != 0 || told == 0 {
		t.Errorf("%d seconds told, %+v", told, r)
	}
	left, err := os.ReadDir(o.Scratch)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAnInterruptionLeavesWhatWasMeasured(t *testing.T) {
	o := nullOptions(t)
	ctx, cancel := context.WithCancel(t.Context())
	o.Scenarios[0].Duration = time.Minute
	o.Second = func(string, load.Progress) { cancel() }
	r, err := Run(ctx, o)
	if !errors.Is(err, ErrInterrupted) || r == nil || r.Ended.IsZero() || len(r.Recipe.Arms) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
