package htmlreport

import (
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/seawallmq/seawall/bench/chart"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// known are the arms that have the same style in every report.
var known = map[string]int{
	"wal": 0, "wal-block": 1, "wal-shared": 2, "s3-250ms": 3, "s3-50ms": 4, "express-25ms": 5, "kafka": 6, "kafka-fsync": 7,
}

// styles tell arms apart: an arm looks the same in all figures.
type styles struct {
	of        map[string]int
	simulated map[string]bool // acknowledgements come from a simulated store
	labels    map[string]string
}

func stylesOf(r *result.Result) *styles {
	s := &styles{of: map[string]int{}, simulated: map[string]bool{}, labels: map[string]string{}}
	taken := map[int]bool{}
	names := armNames(r)
	for _, name := range names {
		base, _, _ := strings.Cut(name, "=")
		if style, ok := known[base]; ok && !taken[style] {
			s.of[name], taken[style] = style, true
		}
	}
	for i, name := range names {
		origin := digest.OriginOf(r, name)
		s.simulated[name], s.labels[name] = origin == digest.Simulated, origin.Label()
		if _, ok := s.of[name]; ok {
			continue
		}
		s.of[name] = i % chart.Styles // shared, once there are more arms than styles
		for style := range chart.Styles {
			if !taken[style] {
				s.of[name], taken[style] = style, true
				break
			}
		}
	}
	return s
}

// armNames are all arms of a result, those of the recipe first.
func armNames(r *result.Result) []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, a := range r.Recipe.Arms {
		add(a.Name)
	}
	for i := range r.Scenarios {
		for j := range r.Scenarios[i].Arms {
			add(r.Scenarios[i].Arms[j].Arm)
		}
	}
	for i := range r.Sweeps {
		add(r.Sweeps[i].Arm)
	}
	return out
}

// cell is the first cell of an arm's row, with the words for a simulated store.
func (s *styles) cell(arm string) cell {
	return cell{Words: arm, Swatch: template.HTML(chart.Swatch(s.of[arm], s.simulated[arm])), Chip: s.labels[arm]}
}

// latencyAxis is a logarithmic axis of durations in nanoseconds over some values.
func latencyAxis(title string, values ...float64) chart.Axis {
	a := chart.Axis{Title: title, Log: true, Format: latencyLabel}
	lo, hi := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if hi > 0 {
		a.Lo, a.Hi = chart.LogEnds(lo, hi)
	}
	return a
}

func latencyLabel(ns float64) string { return units.RoundDuration(time.Duration(math.Round(ns))) }
