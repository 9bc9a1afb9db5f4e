package digest

import (
	"fmt"
	"slices"
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
	Wrong     bool
	Scenarios []string // none: the whole run, or a sweep
	Arm       string   // empty: all
	Text      string
}

// String is the warning as a sentence.
func (w Warning) String() string {
	switch {
	case len(w.Scenarios) > 0 && w.Arm != "":
		return strings.Join(w.Scenarios, ", ") + ": " + w.Arm + ": " + w.Text
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
			for _, text := range wrongWith(&s.Arms[j]) {
				wrong = append(wrong, Warning{Wrong: true, Scenarios: []string{s.Name}, Arm: s.Arms[j].Arm, Text: text})
			}
		}
	}
	doubts = append(doubts, saturations(r)...)
	for i := range r.Sweeps {
		for _, step := range r.Sweeps[i].Points {
			// A machine that is full is what a sweep looks for; a late driver is not.
			if step.Behind {
				doubts = append(doubts, Warning{Arm: r.Sweeps[i].Arm,
					Text: fmt.Sprintf("in the sweep at %s records/s: %s", units.Number(step.Offered), step.Saturation)})
			}
		}
	}
	return append(wrong, doubts...)
}

// wrongWith tells what failed of one arm in one scenario.
func wrongWith(a *result.ArmResult) []string {
	if len(a.Rounds) == 0 {
		return []string{"no round was measured"}
	}
	var faults noted
	var failed int64
	for i := range a.Rounds {
		round := &a.Rounds[i]
		switch {
		case round.Fault != "":
			faults.note(i, round.Fault)
		case !round.ReadBack:
			faults.note(i, "what was acknowledged was not read back")
		}
		failed += max(round.Failed, 0)
	}
	var out []string
	if faults.n > 0 {
		out = append(out, faults.in(len(a.Rounds)))
	}
	if failed > 0 {
		out = append(out, units.Count(failed)+" records were refused or timed out")
	}
	return out
}

// saturations tells, an arm at a time, where figures may tell of the driver or of
// the machine: on a small machine that may be everywhere.
func saturations(r *result.Result) []Warning {
	var out []Warning
	at := map[string]int{} // by arm, in out
	count := map[string]int{}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		for j := range s.Arms {
			a := &s.Arms[j]
			for k := range a.Rounds {
				text := a.Rounds[k].Saturation
				if text == "" {
					continue
				}
				if count[a.Arm]++; count[a.Arm] == 1 {
					at[a.Arm] = len(out)
					out = append(out, Warning{Arm: a.Arm, Text: text})
				}
				if w := &out[at[a.Arm]]; !slices.Contains(w.Scenarios, s.Name) {
					w.Scenarios = append(w.Scenarios, s.Name)
				}
			}
		}
	}
	for i := range out {
		w := &out[i]
		if n := count[w.Arm]; n > 1 {
			w.Text = fmt.Sprintf("in %d rounds, the first: %s", n, w.Text)
		}
		w.Text = "the driver or the machine may be what is told of; " + w.Text
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
