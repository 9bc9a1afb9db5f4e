package digest

import (
	"fmt"
	"strings"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// loadQuietMax is the load average up to which a machine counts as quiet.
const loadQuietMax = 0.5

// Warning is something to know before any figure.
type Warning struct {
	// Wrong says that something failed or was lost; otherwise a figure may tell
	// of the harness or the machine instead of the arm.
	Wrong    bool
	Scenario string // empty: the whole run, or a sweep
	Arm      string // empty: all
	Text     string
}

// String is the warning as a sentence.
func (w Warning) String() string {
	switch {
	case w.Scenario != "" && w.Arm != "":
		return w.Scenario + ", " + w.Arm + ": " + w.Text
	case w.Arm != "":
		return w.Arm + ": " + w.Text
	}
	return w.Text
}

// warnings collects everything that casts a doubt, what is wrong first.
func warnings(r *result.Result) []Warning {
	var wrong, doubts []Warning
	for _, fault := range r.Faults {
		wrong = append(wrong, Warning{Wrong: true, Text: fault})
	}
	if load := r.Machine.LoadBefore; load > loadQuietMax {
		doubts = append(doubts, Warning{Text: fmt.Sprintf("the machine was busy before the run (load average %.1f): figures on a quiet one would differ", load)})
	}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		for j := range s.Arms {
			for _, w := range ofArm(&s.Arms[j]) {
				w.Scenario, w.Arm = s.Name, s.Arms[j].Arm
				if w.Wrong {
					wrong = append(wrong, w)
				} else {
					doubts = append(doubts, w)
				}
			}
		}
	}
	for i := range r.Sweeps {
		for _, step := range r.Sweeps[i].Points {
			if step.Saturation != "" {
				doubts = append(doubts, Warning{Arm: r.Sweeps[i].Arm,
					Text: fmt.Sprintf("in the sweep at %s records/s: %s", units.Number(step.Offered), step.Saturation)})
			}
		}
	}
	return append(wrong, doubts...)
}

// ofArm collects what is to be known of one arm in one scenario.
func ofArm(a *result.ArmResult) []Warning {
	if len(a.Rounds) == 0 {
		return []Warning{{Wrong: true, Text: "no round was measured"}}
	}
	var faults, saturations noted
	var failed int64
	for i := range a.Rounds {
		round := &a.Rounds[i]
		switch {
		case round.Fault != "":
			faults.note(i, round.Fault)
		case !round.ReadBack:
			faults.note(i, "what was acknowledged was not read back")
		}
		if round.Saturation != "" {
			saturations.note(i, round.Saturation)
		}
		failed += max(round.Failed, 0)
	}
	var out []Warning
	if faults.n > 0 {
		out = append(out, Warning{Wrong: true, Text: faults.in(len(a.Rounds))})
	}
	if failed > 0 {
		out = append(out, Warning{Wrong: true, Text: units.Count(failed) + " records were refused or timed out"})
	}
	if saturations.n > 0 {
		out = append(out, Warning{Text: "the driver or the machine saturates, not the arm: " + saturations.in(len(a.Rounds))})
	}
	return out
}

// noted is a remark on some rounds, told once in the words of the first.
type noted struct {
	n     int
	first string
	which []string
}

func (s *noted) note(round int, text string) {
	if s.n == 0 {
		s.first = text
	}
	s.n++
	s.which = append(s.which, fmt.Sprint(round+1))
}

// in says the remark of so many rounds.
func (s *noted) in(rounds int) string {
	switch {
	case rounds == 1:
		return s.first
	case s.n == 1:
		return fmt.Sprintf("%s (round %s of %d)", s.first, s.which[0], rounds)
	}
	return fmt.Sprintf("%s (first of rounds %s, of %d)", s.first, strings.Join(s.which, ", "), rounds)
}
