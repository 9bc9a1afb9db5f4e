package digest

import (
	"fmt"
	"strings"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// headline says in a few sentences what the run found.
func headline(r *result.Result, d *Digest) []string {
	var out []string
	for _, sentence := range append(comparison(d), overScenarios(d), knees(r), readBack(r)) {
		if sentence != "" {
			out = append(out, sentence)
		}
	}
	if len(out) == 0 {
		out = append(out, "This run left no figures.")
	}
	return out
}

// comparison sets the arms side by side in the first scenario that has two with
// figures, the one that acknowledges from object storage first; or else tells of
// the one that has any.
func comparison(d *Digest) []string {
	var alone *Scenario
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		base := s.Baseline()
		if base == nil {
			continue
		}
		if others := s.others(base); len(others) > 0 {
			out := []string{fmt.Sprintf("%s: %s acks with a p99 of %s; %s.", s.name(), named(base), units.Duration(base.Ack.P99), others[0])}
			if len(others) > 1 {
				out = append(out, "Beside them "+strings.Join(others[1:], "; ")+".")
			}
			return out
		}
		if alone == nil {
			alone = s
		}
	}
	if alone == nil {
		return nil
	}
	base := alone.Baseline()
	return []string{fmt.Sprintf("%s: %s acks with a p50 of %s and a p99 of %s.", alone.name(), named(base), units.Duration(base.Ack.P50), units.Duration(base.Ack.P99))}
}

// others tells the p99 of the rows beside the baseline, those that acknowledge
// from object storage first; of other kinds of WAL only where there is nothing
// else to tell.
func (s *Scenario) others(base *Row) []string {
	var direct, foreign, wals []string
	for i := range s.Rows {
		row := &s.Rows[i]
		if row == base || row.Times <= 0 {
			continue
		}
		text := fmt.Sprintf("%s %s, %s times as long", named(row), units.Duration(row.Ack.P99), units.Times(row.Times))
		switch {
		case row.Spec.FromStore:
			direct = append(direct, text)
		case row.Spec.Store == "":
			foreign = append(foreign, text)
		default:
			wals = append(wals, text)
		}
	}
	if out := append(direct, foreign...); len(out) > 0 {
		return out
	}
	return wals
}

// named is an arm, with the word for a simulated store where its
// acknowledgements come from one.
func named(row *Row) string {
	if row.Origin == Simulated {
		return row.Spec.Name + " (" + row.Origin.Label() + ")"
	}
	return row.Spec.Name
}

// name is a scenario as a sentence begins with it.
func (s *Scenario) name() string {
	name := "Scenario " + s.Setting.Name
	if rate := s.Setting.BytesPerSecond(); rate > 0 {
		name += " at " + units.MiBPerSecond(rate) + " MiB/s"
	}
	return name
}

// overScenarios tells between which ratios the first arm that acknowledges from
// object storage stays, where there are several scenarios.
func overScenarios(d *Digest) string {
	var low, high float64
	var n int
	var direct, shown, base string
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		of := s.Baseline()
		if of == nil || of.Spec.FromStore {
			continue
		}
		for j := range s.Rows {
			row := &s.Rows[j]
			if !row.Spec.FromStore || row.Times <= 0 || (direct != "" && row.Spec.Name != direct) || (base != "" && of.Spec.Name != base) {
				continue
			}
			if n == 0 {
				direct, shown, base, low, high = row.Spec.Name, named(row), of.Spec.Name, row.Times, row.Times
			}
			low, high = min(low, row.Times), max(high, row.Times)
			n++
		}
	}
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("Over %d scenarios the p99 of %s is %s to %s times that of %s.", n, shown, units.Times(low), units.Times(high), base)
}

// knees tells up to which load each arm of a sweep kept up.
func knees(r *result.Result) string {
	var of []string
	for i := range r.Sweeps {
		if s := &r.Sweeps[i]; s.Knee > 0 {
			name := s.Arm
			if o := OriginOf(r, s.Arm); o == Simulated {
				name += " (" + o.Label() + ")"
			}
			of = append(of, name+" "+units.Number(s.Knee))
		}
	}
	switch {
	case len(r.Sweeps) == 0:
		return ""
	case len(of) == 0:
		return "No arm kept up, even at the lowest load of the sweep."
	}
	return "Up to so many records a second an arm keeps up: " + strings.Join(of, ", ") + "."
}

// readBack tells whether what was acknowledged was there.
func readBack(r *result.Result) string {
	var all, intact int
	for i := range r.Scenarios {
		for j := range r.Scenarios[i].Arms {
			for _, round := range r.Scenarios[i].Arms[j].Rounds {
				all++
				if round.ReadBack && round.Fault == "" {
					intact++
				}
			}
		}
	}
	switch {
	case all == 0:
		return ""
	case all == intact && all == 1:
		return "Whatever was acknowledged was read back once and in order."
	case all == intact:
		return fmt.Sprintf("Whatever was acknowledged was read back once and in order, in all %d rounds.", all)
	}
	return fmt.Sprintf("In %d of %d rounds something was NOT read back as it was acknowledged: see the warnings.", all-intact, all)
}
