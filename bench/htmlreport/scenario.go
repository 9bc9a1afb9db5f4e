package htmlreport

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seawallmq/seawall/bench/chart"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/bench/units"
)

// scenarioView is the section of a scenario.
type scenarioView struct {
	ID, Short, Title, Load string
	TimeNote               string
	Distributions, Times   figures
}

func scenarioOf(r *result.Result, i int, d *digest.Scenario, s *styles) scenarioView {
	of := &r.Scenarios[i]
	v := scenarioView{
		ID: fmt.Sprintf("scenario-%d", i+1), Short: short(&d.Setting), Title: d.Title(), Load: digest.Load(&d.Setting),
		TimeNote: "One round of each arm, that of the median p99; the p99 of other rounds is faint. Marks below the axis are uploads, grey is warm-up, which does not count. All arms have the same axes.",
	}
	all := quantileRange(of)
	for k, title := range []string{"Ack latency", "End-to-end latency"} {
		c := distribution(of, k, s, all)
		c.Title = title + ", scenario " + of.Name
		v.Distributions.Figures = append(v.Distributions.Figures, figure{SVG: template.HTML(c.SVG())})
	}
	v.Times = times(of, s)
	return v
}

// short is a scenario in a contents list.
func short(s *scenario.Scenario) string {
	const most = 28
	title := []rune(s.Title)
	switch {
	case len(title) == 0:
		return "Scenario " + s.Name
	case len(title) > most:
		title = append(title[:most-1], '…')
	}
	return s.Name + ": " + string(title)
}

// quantiles are a distribution's curve: X is how many nines, −log10 of the share
// that took longer, Y nanoseconds.
func quantiles(h *result.Histogram) []chart.Point {
	buckets := h.Cumulative()
	var count float64
	for _, b := range buckets {
		count += float64(b.Count)
	}
	if count <= 0 {
		return summaryPoints(&h.Summary)
	}
	nines := min(math.Log10(count), ninesMax) // beyond that there is less than one value
	var out []chart.Point
	for _, b := range buckets {
		if b.Count == 0 {
			continue
		}
		if len(out) == 0 {
			out = append(out, chart.Point{X: 0, Y: float64(b.UpTo)})
		}
		x := nines
		if b.Share < 1 {
			x = -math.Log10(1 - b.Share)
		}
		if x >= nines {
			return append(out, chart.Point{X: nines, Y: float64(b.UpTo)})
		}
		out = append(out, chart.Point{X: x, Y: float64(b.UpTo)})
	}
	return out
}

// ninesMax is the end of the axis: 99.999 %.
const ninesMax = 5

// summaryPoints are those of a distribution of which only the summary is known.
func summaryPoints(s *result.Summary) []chart.Point {
	if s.Count <= 0 {
		return nil
	}
	var out []chart.Point
	for _, q := range []struct {
		nines float64
		value time.Duration
	}{{math.Log10(2), s.P50}, {1, s.P90}, {2, s.P99}, {3, s.P999}, {4, s.P9999}} {
		if q.value > 0 && math.Pow(10, q.nines) <= float64(s.Count) {
			out = append(out, chart.Point{X: q.nines, Y: float64(q.value)})
		}
	}
	return out
}

var percentTicks = []chart.Tick{
	{At: math.Log10(2), Label: "50"}, {At: 1, Label: "90"}, {At: 2, Label: "99"}, {At: 3, Label: "99.9"}, {At: 4, Label: "99.99"}, {At: 5, Label: "99.999"},
}

func distribution(of *result.Scenario, kind int, s *styles, yRange []float64) chart.Chart {
	p := chart.Panel{Height: 260, Y: latencyAxis("latency, logarithmic", yRange...)}
	nines := 2.0
	for i := range of.Arms {
		a := &of.Arms[i]
		points := quantiles(a.Kinds()[kind].Histogram)
		if len(points) == 0 {
			continue
		}
		nines = max(nines, points[len(points)-1].X)
		p.Lines = append(p.Lines, chart.Line{
			Name: a.Arm, Style: s.of[a.Arm], Simulated: s.simulated[a.Arm], Points: points, Markers: []float64{math.Log10(2), 1, 2, 3, 4},
		})
	}
	return chart.Chart{
		Note: uploadsNote(of, s), Width: figureWidth, Panels: []chart.Panel{p},
		X: chart.Axis{Title: "% of records took no longer", Hi: nines, Ticks: percentTicks, Format: func(x float64) string { return units.Percent(1 - math.Pow(10, -x)) }},
	}
}

// uploadsNote names the arms that only upload to a simulated store.
func uploadsNote(of *result.Scenario, s *styles) string {
	for i := range of.Arms {
		if name := of.Arms[i].Arm; s.labels[name] != "" && !s.simulated[name] {
			return "Solid lines: measured (WAL arms upload to a simulated store)"
		}
	}
	return ""
}

// quantileRange is what the axes of both distributions span.
func quantileRange(of *result.Scenario) []float64 {
	var out []float64
	for i := range of.Arms {
		for _, k := range of.Arms[i].Kinds() {
			for _, q := range quantiles(k.Histogram) {
				out = append(out, q.Y)
			}
		}
	}
	return out
}

// times draws every arm's round over time, all with the same axes.
func times(of *result.Scenario, s *styles) figures {
	out := figures{Small: true}
	span := timeSpan(of)
	for i := range of.Arms {
		a := &of.Arms[i]
		round := medianRound(a.Rounds)
		if round < 0 {
			continue
		}
		c := overTime(a, round, s, span)
		c.Title = a.Arm
		c.Note = strings.Join(slices.DeleteFunc([]string{fmt.Sprintf("Round %d of %d", round+1, len(a.Rounds)), s.labels[a.Arm]}, func(s string) bool { return s == "" }), "; ")
		out.Figures = append(out.Figures, figure{SVG: template.HTML(c.SVG())})
	}
	return out
}

// medianRound is the round whose p99 is in the middle, -1 of none with a series.
func medianRound(rounds []result.Round) int {
	var with []int
	for i := range rounds {
		if len(rounds[i].Series) > 0 {
			with = append(with, i)
		}
	}
	if len(with) == 0 {
		return -1
	}
	slices.SortStableFunc(with, func(a, b int) int { return int(min(max(rounds[a].Ack.P99-rounds[b].Ack.P99, -1), 1)) })
	return with[len(with)/2]
}

// axes are what all figures over time of a scenario share.
type axes struct {
	from, to float64 // seconds
	latency  chart.Axis
	rateMax  float64 // MiB/s
}

func timeSpan(of *result.Scenario) axes {
	a := axes{}
	var latencies []float64
	for i := range of.Arms {
		for j := range of.Arms[i].Rounds {
			series := of.Arms[i].Rounds[j].Series
			for k := range series {
				p := &series[k]
				a.from, a.to = min(a.from, p.At.Seconds()), max(a.to, p.At.Seconds())
				a.rateMax = max(a.rateMax, mibPerSecond(series, k))
				latencies = append(latencies, float64(p.P50), float64(p.P99), float64(p.Max))
			}
		}
	}
	a.latency = latencyAxis("ack latency, logarithmic", latencies...)
	return a
}

// mibPerSecond is the rate of a point: its bytes over its step.
func mibPerSecond(series []result.Point, k int) float64 {
	step := time.Second
	if k > 0 {
		step = series[k].At - series[k-1].At
	} else if len(series) > 1 {
		step = series[1].At - series[0].At
	}
	if step <= 0 {
		return 0
	}
	return float64(series[k].Bytes) / units.MiB / step.Seconds()
}

func overTime(a *result.ArmResult, round int, s *styles, span axes) chart.Chart {
	latency := chart.Panel{Height: 150, Y: span.latency}
	line := func(name string, series []result.Point, faint bool, get func(result.Point) time.Duration) {
		l := chart.Line{Name: name, Style: s.of[a.Arm], Simulated: s.simulated[a.Arm], Faint: faint, Markers: []float64{}}
		for _, p := range series {
			l.Points = append(l.Points, chart.Point{X: p.At.Seconds(), Y: float64(get(p))})
		}
		latency.Lines = append(latency.Lines, l)
	}
	p99 := func(p result.Point) time.Duration { return p.P99 }
	for i := range a.Rounds {
		if i != round {
			line("", a.Rounds[i].Series, true, p99)
		}
	}
	shown := &a.Rounds[round]
	line("max", shown.Series, false, func(p result.Point) time.Duration { return p.Max })
	line("p99", shown.Series, false, p99)
	line("p50", shown.Series, false, func(p result.Point) time.Duration { return p.P50 })
	rate := chart.Panel{Height: 56, Y: chart.Axis{Title: "acked, MiB/s", Format: units.Round0}}
	if span.rateMax > 0 {
		rate.Y.Hi = chart.LinearEnd(span.rateMax)
		rate.Y.Ticks = []chart.Tick{{At: 0, Label: "0"}, {At: rate.Y.Hi, Label: units.Round(rate.Y.Hi)}}
	}
	acked := chart.Line{Style: s.of[a.Arm], Simulated: s.simulated[a.Arm], Markers: []float64{}}
	for k, p := range shown.Series {
		acked.Points = append(acked.Points, chart.Point{X: p.At.Seconds(), Y: mibPerSecond(shown.Series, k)})
	}
	rate.Lines = []chart.Line{acked}
	latency.Rug = events(shown.Events, result.Upload)
	for _, at := range events(shown.Events, result.Stall) {
		latency.Stalls = append(latency.Stalls, chart.Span{From: at, To: at})
	}
	if span.from < 0 {
		warm := []chart.Span{{From: span.from, To: 0}}
		latency.WarmUp, rate.WarmUp = warm, warm
	}
	return chart.Chart{Width: smallWidth, Names: 42, X: chart.Axis{Title: "seconds since the window opened", Lo: span.from, Hi: span.to}, Panels: []chart.Panel{latency, rate}}
}

func events(all []result.Event, kind result.EventKind) []float64 {
	var out []float64
	for _, e := range all {
		if e.Kind == kind {
			out = append(out, e.At.Seconds())
		}
	}
	slices.Sort(out)
	return out
}
