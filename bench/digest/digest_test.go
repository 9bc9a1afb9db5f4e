package digest

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/result/resulttest"
	"github.com/seawallmq/seawall/bench/scenario"
)

func terminal(t *testing.T, r *result.Result) string {
	t.Helper()
	var b strings.Builder
	if err := Terminal(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func summary(p99 time.Duration) result.Histogram {
	return result.Histogram{Summary: result.Summary{Count: 5000, P50: p99 / 2, P99: p99, P999: 2 * p99, Max: 3 * p99}}
}

// two is a WAL beside a simulated store, in one scenario.
func two() *result.Result {
	good := result.Round{ReadBack: true, Window: 10 * time.Second, AckedBytesPerSecond: 20 << 20, Requests: map[string]float64{"PUT": 40}}
	return &result.Result{
		Recipe: result.Recipe{
			Arms:      []result.ArmSpec{{Name: "wal", Store: "s3"}, {Name: "s3-250ms", Store: "s3", FromStore: true}},
			Scenarios: []scenario.Scenario{{Name: "A", RecordBytes: 1024, Rate: scenario.Rate{RecordsPerSecond: 20480}, Duration: 10 * time.Second}},
		},
		Stores: []result.Store{{Name: "s3", Simulated: true}},
		Scenarios: []result.Scenario{{Name: "A", Arms: []result.ArmResult{
			{Arm: "wal", Ack: summary(1900 * time.Microsecond), Rounds: []result.Round{good, good}},
			{Arm: "s3-250ms", Ack: summary(412 * time.Millisecond), Rounds: []result.Round{good, good}},
		}}},
	}
}

func TestHeadline(t *testing.T) {
	got := strings.Join(Of(two()).Headline, "\n")
	want := "Scenario A at 20.0 MiB/s: wal acks with a p99 of 1.90 ms; s3-250ms (simulated store) 412 ms, 217 times as long.\n" +
		"Whatever was acknowledged was read back once and in order, in all 4 rounds."
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestHeadlineOverScenariosAndSweeps(t *testing.T) {
	r := two()
	more := r.Scenarios[0]
	more.Name = "B"
	more.Arms = []result.ArmResult{more.Arms[0], {Arm: "s3-250ms", Ack: summary(190 * time.Millisecond), Rounds: more.Arms[1].Rounds}}
	r.Scenarios = append(r.Scenarios, more)
	r.Sweeps = []result.Sweep{{Arm: "wal", Knee: 40000}, {Arm: "s3-250ms", Knee: 30000}}
	got := strings.Join(Of(r).Headline, "\n")
	for _, want := range []string{
		"Over 2 scenarios the p99 of s3-250ms (simulated store) is 100 to 217 times that of wal.",
		"an arm keeps up: wal 40,000, s3-250ms (simulated store) 30,000.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestHeadlineOfASweepWithoutKnees(t *testing.T) {
	got := Of(&result.Result{Sweeps: []result.Sweep{{Arm: "wal"}}}).Headline
	if len(got) != 1 || got[0] != "No arm kept up, even at the lowest load of the sweep." {
		t.Errorf("%q", got)
	}
}

func TestWarningsAreLoud(t *testing.T) {
	r := two()
	wal := r.Scenarios[0].Arms[0].Rounds
	wal[0].Fault, wal[0].ReadBack = "record 7 is missing", false
	wal[1].Failed, wal[1].ReadBack = 3, false
	s3 := r.Scenarios[0].Arms[1].Rounds
	r.Scenarios[0].Arms[1].Rounds = []result.Round{s3[0], {ReadBack: true, Saturation: "it is late"}}
	r.Recipe.Arms = append(r.Recipe.Arms, result.ArmSpec{Name: "kafka"})
	r.Scenarios[0].Arms = append(r.Scenarios[0].Arms, result.ArmResult{Arm: "kafka"})
	r.Scenarios = append(r.Scenarios, result.Scenario{Name: "B", Arms: []result.ArmResult{
		{Arm: "s3-250ms", Rounds: []result.Round{{ReadBack: true, Saturation: "it is later"}}}}})
	r.Faults = []string{"kafka: no Java"}
	r.Machine = report.Machine{LoadBefore: 3}
	r.Sweeps = []result.Sweep{{Arm: "wal", Points: []result.SweepStep{{Offered: 500, Saturation: "a full machine"}, {Offered: 1000, Saturation: "no more CPU", Behind: true}}}}
	var got []string
	for _, w := range Of(r).Warnings {
		got = append(got, w.String())
	}
	want := []string{
		"kafka: no Java",
		"A: wal: record 7 is missing (first of rounds 1, 2, of 2)",
		"A: wal: 3 records were refused or timed out",
		"A: kafka: no round was measured",
		"the machine was busy before the run (load average 3.0): figures on a quiet one would differ",
		"A, B: s3-250ms: the driver or the machine may be what is told of; in 2 rounds, the first: it is late",
		"wal: in the sweep at 1,000 records/s: no more CPU",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	text := terminal(t, r)
	for _, want := range []string{"something was NOT read back", "WRONG  A: wal: record 7", "DOUBT  A, B: s3-250ms"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestTerminalFits(t *testing.T) {
	text := terminal(t, resulttest.Full())
	if os.Getenv("SHOW") != "" {
		t.Log(text)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
		if strings.HasPrefix(line, "s3-") && !strings.Contains(line, "simulated") {
			t.Errorf("a simulated store without the word: %s", line)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("colours where there is no terminal")
	}
}

func TestMarkdownSaysWhatIsSimulated(t *testing.T) {
	var b strings.Builder
	if err := Markdown(&b, resulttest.Full()); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| s3-") || strings.HasPrefix(line, "| express-") {
			rows++
			if !strings.Contains(line, "| simulated |") {
				t.Errorf("a simulated store without the word: %s", line)
			}
		}
		if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|\n") {
			t.Errorf("a broken row: %s", line)
		}
	}
	if rows < 12 {
		t.Errorf("%d rows of simulated stores", rows)
	}
}

func TestHostileNames(t *testing.T) {
	r := two()
	name := "wal|<b>\x1b[2J\n*x*"
	r.Recipe.Arms[0].Name, r.Scenarios[0].Arms[0].Arm = name, name
	if text := terminal(t, r); strings.Contains(text, "\x1b") {
		t.Errorf("an escape sequence came through: %q", text)
	}
	var b strings.Builder
	if err := Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<b>", "\x1b", "wal|", "*x*"} {
		if strings.Contains(strings.ReplaceAll(b.String(), `\*`, ""), bad) {
			t.Errorf("%q came through:\n%s", bad, b.String())
		}
	}
}

// Whatever is missing, there is a digest of the rest.
func TestPartialResults(t *testing.T) {
	for name, r := range map[string]*result.Result{
		"nothing":       {},
		"only a fault":  {Faults: []string{"no disk"}},
		"no arms":       {Scenarios: []result.Scenario{{Name: "A"}}},
		"no rounds":     {Recipe: result.Recipe{Arms: []result.ArmSpec{{Name: "wal"}}}, Scenarios: []result.Scenario{{Name: "A", Arms: []result.ArmResult{{Arm: "wal"}}}}},
		"an empty one":  {Scenarios: []result.Scenario{{Arms: []result.ArmResult{{Rounds: []result.Round{{}}}}}}},
		"empty sweeps":  {Sweeps: []result.Sweep{{}, {Arm: "wal", Points: []result.SweepStep{{}}}}},
		"only requests": {Scenarios: []result.Scenario{{Arms: []result.ArmResult{{Rounds: []result.Round{{Requests: map[string]float64{"PUT": 3}}}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			text := terminal(t, r)
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.TrimSpace(text) == "" {
				t.Errorf("got %q", text)
			}
			if err := Markdown(new(strings.Builder), r); err != nil {
				t.Error(err)
			}
		})
	}
	if got := Of(&result.Result{}).Headline; len(got) != 1 || got[0] != "This run left no figures." {
		t.Errorf("headline %q", got)
	}
}

func TestUsageCountsWindows(t *testing.T) {
	rounds := []result.Round{
		{Window: 10 * time.Second, AckedBytesPerSecond: 100, Requests: map[string]float64{"PUT": 40, "GET": 5}, Stored: 1000},
		{AckedBytesPerSecond: 400, Requests: map[string]float64{"PUT": 20}}, // counts as long as it should have been
	}
	u := usageOf(rounds, 5*time.Second)
	if u.RequestsPerSecond["PUT"] != 4 || u.RequestsPerSecond["GET"] != 5.0/15 || u.AckedBytesPerSecond != 200 || u.StoredBytesPerSecond != 1000.0/15 || !u.Known {
		t.Errorf("%+v", u)
	}
	if u := usageOf(rounds[1:], 0); u.Known || u.AckedBytesPerSecond != 0 {
		t.Errorf("no window: %+v", u)
	}
}
