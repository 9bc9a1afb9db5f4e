package htmlreport

import (
	"fmt"
	"html/template"
	"slices"

	"github.com/seawallmq/seawall/bench/chart"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/units"
)

// figureWidth is that of a figure of which two stand side by side, smallWidth of
// one of three; a phone shows one, at about its own size.
const (
	figureWidth = 436
	smallWidth  = 350
)

// overview draws the latency of every arm, a figure a scenario.
func overview(d *digest.Digest, s *styles) figures {
	var out figures
	var all []float64
	for i := range d.Scenarios {
		for j := range d.Scenarios[i].Rows {
			row := &d.Scenarios[i].Rows[j]
			all = append(all, float64(row.Ack.P50), float64(row.Ack.P99), float64(row.Ack.P999))
		}
	}
	for i := range d.Scenarios {
		of := &d.Scenarios[i]
		c := chart.Ranges{
			Title: "Ack latency, scenario " + of.Setting.Name, Note: "p50, p99 (large, in figures), p99.9",
			Width: figureWidth, X: latencyAxis("latency, logarithmic", all...),
		}
		for j := range of.Rows {
			row := &of.Rows[j]
			r := chart.Range{Name: row.Spec.Name, Under: row.Origin.Label(), Style: s.of[row.Spec.Name], Simulated: s.simulated[row.Spec.Name]}
			if row.Ack.Count > 0 {
				r.Values = []float64{float64(row.Ack.P50), float64(row.Ack.P99)}
				if row.Ack.Count >= digest.P999Min {
					r.Values = append(r.Values, float64(row.Ack.P999))
				}
				r.Text = units.Duration(row.Ack.P99)
			}
			c.Rows = append(c.Rows, r)
		}
		out.Figures = append(out.Figures, figure{SVG: template.HTML(c.SVG())})
	}
	return out
}

// resultsTable is a row an arm, by scenario.
func resultsTable(d *digest.Digest, s *styles) table {
	t := table{Head: heads("<arm", "<read back", "ack p50", "p99", "p99.9", "max", "× p99", "end to end p50", "p99", "driver's lag p99", "acked MiB/s",
		"catch-up MiB/s", "CPU s/GB", "resident MiB", "PUT/s")}
	for i := range d.Scenarios {
		of := &d.Scenarios[i]
		t.Rows = append(t.Rows, row{Group: of.Title()})
		for j := range of.Rows {
			t.Rows = append(t.Rows, resultRow(d, of, &of.Rows[j], s))
		}
	}
	return t
}

func resultRow(d *digest.Digest, of *digest.Scenario, r *digest.Row, s *styles) row {
	out := row{Lost: r.Rounds > 0 && !r.Intact}
	out.Cells = append(out.Cells, s.cell(r.Spec.Name), verdict(d, of, r))
	out.Cells = append(out.Cells, cells(units.Duration(r.Ack.P50), units.Duration(r.Ack.P99), r.P999(), units.Duration(r.Ack.Max), units.Times(r.Times),
		units.Duration(r.EndToEnd.P50), units.Duration(r.EndToEnd.P99))...)
	out.Cells = append(out.Cells, spreadCell(r.LagP99, digest.Latency),
		spreadCell(r.AckedBytesPerSecond, units.MiBPerSecond), spreadCell(r.CatchUpBytesPerSecond, units.MiBPerSecond),
		spreadCell(r.BrokerCPUPerGB, units.Number), spreadCell(r.BrokerResidentBytes, units.MiBPerSecond))
	out.Cells = append(out.Cells, cell{Words: r.PerSecond("PUT")})
	return out
}

// verdict says whether what was acknowledged was read back, and whether the
// other figures can be trusted.
func verdict(d *digest.Digest, of *digest.Scenario, r *digest.Row) cell {
	switch {
	case r.Rounds == 0:
		return cell{Words: "no figures", Class: "text brief no"}
	case !r.Intact:
		return cell{Words: "NOT as acknowledged", Class: "text brief no"}
	case doubtful(d, of.Setting.Name, r.Spec.Name):
		return cell{Words: "yes, but in doubt", Class: "text brief late"}
	}
	return cell{Words: "yes", Class: "text"}
}

// doubtful says whether figures may tell of the driver instead of the arm.
func doubtful(d *digest.Digest, scenario, arm string) bool {
	for _, w := range d.Warnings {
		if !w.Wrong && w.Arm == arm && slices.Contains(w.Scenarios, scenario) {
			return true
		}
	}
	return false
}

// spreadCell shows a median, and the range of the rounds when it is pointed at.
func spreadCell(s digest.Spread, show func(float64) string) cell {
	c := cell{Words: show(s.Median)}
	if s.N > 1 {
		c.Hint = fmt.Sprintf("%s to %s in %d rounds", show(s.Min), show(s.Max), s.N)
	}
	return c
}
