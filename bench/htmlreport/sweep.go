package htmlreport

import (
	"html/template"

	"github.com/seawallmq/seawall/bench/chart"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

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
