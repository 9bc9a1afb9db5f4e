package htmlreport

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"time"

	"github.com/seawallmq/seawall/bench/chart"
	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// costView is the part of a page about costs.
type costView struct {
	Prices, Workload       string
	Curves                 figures
	Table, Crossings, List table
	Assumptions            []string
}

// workloadOf is the workload that a report prices: that of most clusters of three
// zones, with as many consumer groups as the first scenario.
func workloadOf(r *result.Result) cost.Workload {
	w := cost.Workload{Retention: 7 * 24 * time.Hour, Groups: 1, Reread: 0.1, Zones: 3, Brokers: 3}
	if s := r.Recipe.Scenarios; len(s) > 0 && s[0].Groups > 0 {
		w.Groups = s[0].Groups
	}
	return w
}

// WriteCostHTML draws what arms cost into a file.
func WriteCostHTML(path string, w cost.Workload, p *cost.Prices) error {
	v := struct {
		Title string
		Style template.CSS
		Cost  costView
	}{"Seawall bench: cost", template.CSS(style), costOf(w, p)}
	if err := writeFile(path, func(out io.Writer) error { return templates.ExecuteTemplate(out, "costpage", v) }); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func costOf(w cost.Workload, p *cost.Prices) costView {
	crosses := cost.Crossings(cost.Arms(), w, p, cost.RateMin, cost.RateMax)
	return costView{
		Prices: fmt.Sprintf("%s, of %s", p.Name, p.Date),
		Workload: fmt.Sprintf("%d brokers in %d zones, records kept %s, consumer groups: %d, %s of everything read once more.",
			w.Brokers, w.Zones, cost.Days(w.Retention), w.Groups, units.Percent(w.Reread)),
		Curves: costCurves(w, p, crosses), Table: costTable(w, p), Crossings: crossingTable(crosses),
		Assumptions: cost.Assumptions(w), List: priceTable(p),
	}
}

// costCurves draw a month by rate: all of it, against a WAL, without what every
// arm pays for its brokers, and by what was produced.
func costCurves(w cost.Workload, p *cost.Prices, crosses []cost.Cross) figures {
	var out figures
	wal := cost.Arms()[0]
	for _, curve := range []struct {
		title, y string
		rings    bool
		label    func(float64) string
		get      func(cost.Arm, cost.Workload) float64
	}{
		{"A month", "$ a month, logarithmic", true, dollarLabel, func(a cost.Arm, w cost.Workload) float64 { return a.Bill(w, p).USD() }},
		{"A month, against a " + wal.Name, "times as much, logarithmic", false, timesLabel, func(a cost.Arm, w cost.Workload) float64 {
			return a.Bill(w, p).USD() / wal.Bill(w, p).USD()
		}},
		{"A month without the brokers' instances", "$ a month, logarithmic", false, dollarLabel, func(a cost.Arm, w cost.Workload) float64 {
			b := a.Bill(w, p)
			return b.USD() - b.Of(cost.Instance)
		}},
		{"By what is produced", "$ a GiB produced, logarithmic", false, dollarLabel, func(a cost.Arm, w cost.Workload) float64 { return a.PerGiB(w, p) }},
	} {
		panel := chart.Panel{Height: 270, Y: chart.Axis{Title: curve.y, Log: true, Format: curve.label}}
		note := "A model by list prices, nothing measured"
		if curve.rings {
			note += "; circles: two cost the same"
			for _, c := range crosses {
				panel.Rings = append(panel.Rings, chart.Ring{X: c.BytesPerSecond / cost.MiB, Y: c.USD, Style: -1,
					Hint: fmt.Sprintf("at %s MiB/s %s and %s cost the same", units.MiBPerSecond(c.BytesPerSecond), c.Below, c.Above)})
			}
		}
		for i, a := range cost.Arms() {
			panel.Lines = append(panel.Lines, costLine(a, i, w, curve.get))
		}
		c := chart.Chart{Title: curve.title, Note: note, Width: figureWidth, Panels: []chart.Panel{panel},
			X: chart.Axis{Title: "produced, MiB/s, logarithmic", Log: true, Lo: cost.RateMin / cost.MiB, Hi: cost.RateMax / cost.MiB, Format: units.Round}}
		out.Figures = append(out.Figures, figure{SVG: template.HTML(c.SVG())})
	}
	return out
}

func costLine(a cost.Arm, i int, w cost.Workload, get func(cost.Arm, cost.Workload) float64) chart.Line {
	const points, marks = 97, 4
	l := chart.Line{Name: a.Name, Style: i}
	for _, rate := range cost.Rates(cost.RateMin, cost.RateMax, points) {
		w.BytesPerSecond = rate
		l.Points = append(l.Points, chart.Point{X: rate / cost.MiB, Y: get(a, w)})
	}
	// Lines that run together show by markers at places of their own.
	for k := range marks {
		l.Markers = append(l.Markers, l.Points[min((points-1)*k/marks+i*(points-1)/(marks*chart.Styles), points-1)].X)
	}
	return l
}

func timesLabel(v float64) string { return units.Round(v) + " ×" }

func dollarLabel(v float64) string {
	switch {
	case v >= 1000:
		return "$" + units.Thousands(v)
	case v >= 1:
		return fmt.Sprintf("$%g", math.Round(v))
	}
	return "$" + units.Round(v)
}

func costTable(w cost.Workload, p *cost.Prices) table {
	priced := cost.TableOf(w, p)
	t := table{Head: heads("<arm")}
	for _, rate := range priced.Rates {
		t.Head = append(t.Head, head{Words: units.Round(rate/cost.MiB) + " MiB/s"})
	}
	for _, part := range []struct {
		title string
		show  func(cost.TableCell) float64
	}{
		{"$ a month", func(c cost.TableCell) float64 { return c.USD }},
		{"$ a GiB produced", func(c cost.TableCell) float64 { return c.PerGiB }},
	} {
		t.Rows = append(t.Rows, row{Group: part.title + " (bold: the least)"})
		for i, r := range priced.Rows {
			out := []cell{{Words: r.Arm, Swatch: template.HTML(chart.Swatch(i, false))}}
			for _, c := range r.Cells {
				of := cell{Words: units.Dollars(part.show(c))}
				if c.Least {
					of.Class = "least"
				}
				out = append(out, of)
			}
			t.Rows = append(t.Rows, row{Cells: out})
		}
	}
	return t
}

func crossingTable(crosses []cost.Cross) table {
	t := table{Head: heads("<MiB/s", "<cheaper below", "<cheaper above", "$ a month there")}
	for _, c := range crosses {
		t.Rows = append(t.Rows, row{Cells: []cell{
			{Words: units.MiBPerSecond(c.BytesPerSecond)}, {Words: c.Below, Class: "text"}, {Words: c.Above, Class: "text"}, {Words: units.Dollars(c.USD)}}})
	}
	return t
}

func priceTable(p *cost.Prices) table {
	t := table{Head: heads("<item", "$", "per", "<unit", "<source")}
	for _, item := range cost.Items() {
		of := p.Of[item]
		source := cell{Words: of.Source, Class: "text wrap"}
		if isURL(of.Source) {
			source.URL = of.Source
		}
		if of.Estimate {
			source.Words += " (an estimate)"
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Words: string(item)}, {Words: units.Round(of.USD)}, {Words: units.Round(of.Per)}, {Words: of.Unit, Class: "text"}, source}})
	}
	return t
}
