package htmlreport

import (
	"html/template"

	"github.com/seawallmq/seawall/bench/chart"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// sweepLoad is what was sent at rising rates.
func sweepLoad(r *result.Result) string {
	if len(r.Recipe.Scenarios) == 0 {
		return ""
	}
	s := &r.Recipe.Scenarios[0]
	return "As scenario " + s.Name + ", at rising rates: " + digest.Shape(s)
}

// sweepFigures draw the latency of every arm by the load that was offered.
func sweepFigures(r *result.Result, s *styles) figures {
	var out figures
	if len(r.Sweeps) == 0 {
		return out
	}
	for _, q := range []struct {
		name string
		get  func(*result.SweepStep) float64
	}{
		{"p99", func(step *result.SweepStep) float64 { return float64(step.Ack.P99) }},
		{"p50", func(step *result.SweepStep) float64 { return float64(step.Ack.P50) }},
	} {
		c := sweepChart(r, s, q.get)
		c.Title = "Ack latency, " + q.name + ", by offered load"
		out.Figures = append(out.Figures, figure{SVG: template.HTML(c.SVG())})
	}
	return out
}

func sweepChart(r *result.Result, s *styles, get func(*result.SweepStep) float64) chart.Chart {
	p := chart.Panel{Height: 260}
	var latencies []float64
	for i := range r.Sweeps {
		sweep := &r.Sweeps[i]
		l := chart.Line{Name: sweep.Arm, Style: s.of[sweep.Arm], Simulated: s.simulated[sweep.Arm]}
		for j := range sweep.Points {
			step := &sweep.Points[j]
			at := chart.Point{X: step.Offered, Y: get(step)}
			l.Points = append(l.Points, at)
			latencies = append(latencies, at.Y)
			if step.Offered == sweep.Knee {
				p.Rings = append(p.Rings, chart.Ring{X: at.X, Y: at.Y, Style: l.Style, Hint: "the knee of " + sweep.Arm + ": " + units.Number(sweep.Knee) + " records/s"})
			}
		}
		p.Lines = append(p.Lines, l)
	}
	p.Y = latencyAxis("latency, logarithmic", latencies...)
	return chart.Chart{
		Note: "Ringed: the knee, the highest load at which an arm kept up", Width: figureWidth,
		X: chart.Axis{Title: "offered load, records/s, logarithmic", Log: true, Format: units.Thousands}, Panels: []chart.Panel{p},
	}
}

// sweepTable is a row a load, by arm.
func sweepTable(r *result.Result, s *styles) table {
	t := table{Head: heads("<arm", "offered records/s", "acked records/s", "ack p50", "p99", "p99.9", "<keeps up")}
	for i := range r.Sweeps {
		sweep := &r.Sweeps[i]
		for _, step := range sweep.Points {
			out := row{Cells: []cell{s.cell(sweep.Arm)}}
			out.Cells = append(out.Cells, cells(units.Number(step.Offered), units.Number(step.Acked),
				units.Duration(step.Ack.P50), units.Duration(step.Ack.P99), units.Duration(step.Ack.P999))...)
			keeps := cell{Words: "yes", Class: "text"}
			switch {
			case step.Behind:
				keeps.Words, keeps.Class = "the driver was late", "text late"
			case step.Offered > sweep.Knee:
				keeps.Words = "no"
			case step.Saturation != "":
				keeps.Words = "yes, the machine full"
			}
			keeps.Hint = step.Saturation
			t.Rows = append(t.Rows, row{Cells: append(out.Cells, keeps)})
		}
	}
	return t
}

// kneeTable is a row an arm: the highest load at which it kept up, and how it did
// there.
func kneeTable(r *result.Result, s *styles) table {
	t := table{Head: heads("<arm", "knee, records/s", "ack p50 there", "p99", "p99.9", "<above it")}
	for i := range r.Sweeps {
		sweep := &r.Sweeps[i]
		var at result.SweepStep
		for _, step := range sweep.Points {
			if step.Offered == sweep.Knee {
				at = step
			}
		}
		out := []cell{s.cell(sweep.Arm)}
		out = append(out, cells(units.Number(sweep.Knee), units.Duration(at.Ack.P50), units.Duration(at.Ack.P99), units.Duration(at.Ack.P999))...)
		t.Rows = append(t.Rows, row{Cells: append(out, cell{Words: units.OrDash(sweep.KneeWhy), Class: "text wrap"})})
	}
	return t
}
