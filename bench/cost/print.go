package cost

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seawallmq/seawall/bench/units"
)

// The rates that are looked at, from a trickle to hundreds of MiB a second.
const (
	RateMin = 0.01 * MiB
	RateMax = 500 * MiB
)

// tableRates are those of tables, in bytes a second.
var tableRates = []float64{RateMin, 0.1 * MiB, MiB, 10 * MiB, 100 * MiB, RateMax}

// Table is what arms cost, by rate.
type Table struct {
	Rates []float64 // bytes a second
	Rows  []TableRow
}

// TableRow is one arm, with a cell for each rate.
type TableRow struct {
	Arm   string
	Cells []TableCell
}

// TableCell is what an arm costs at a rate.
type TableCell struct {
	USD    float64 // a month
	PerGiB float64
	Least  bool // no other arm costs less
}

// TableOf prices the arms at a few rates, or at w's own if it has one.
func TableOf(w Workload, p *Prices) Table {
	t := Table{Rates: tableRates}
	if w.BytesPerSecond > 0 {
		t.Rates = []float64{w.BytesPerSecond}
	}
	for _, a := range Arms() {
		row := TableRow{Arm: a.Name}
		for _, rate := range t.Rates {
			w.BytesPerSecond = rate
			row.Cells = append(row.Cells, TableCell{USD: a.Bill(w, p).USD(), PerGiB: a.PerGiB(w, p)})
		}
		t.Rows = append(t.Rows, row)
	}
	for i := range t.Rates {
		least := t.Rows[0].Cells[i].USD
		for _, row := range t.Rows {
			least = min(least, row.Cells[i].USD)
		}
		for _, row := range t.Rows {
			row.Cells[i].Least = row.Cells[i].USD == least
		}
	}
	return t
}

// Print writes what the arms cost for a terminal: by rate, or with each item if
// the workload has a rate.
func Print(out io.Writer, w Workload, p *Prices) {
	fmt.Fprintf(out, "A model, nothing measured: %s, list prices of %s.\n", p.Name, p.Date)
	fmt.Fprintf(out, "%d brokers in %d zones; records kept %s; consumer groups: %d; %s of everything read again.\n",
		w.Brokers, w.Zones, Days(w.Retention), w.Groups, units.Percent(w.Reread))
	if w.BytesPerSecond > 0 {
		printItems(out, w, p)
	} else {
		printRates(out, TableOf(w, p))
	}
	fmt.Fprintf(out, "\nWhere two cost the same, from %s to %s MiB/s:\n", units.Round(RateMin/MiB), units.Round(RateMax/MiB))
	for _, c := range Crossings(Arms(), w, p, RateMin, RateMax) {
		fmt.Fprintf(out, "  %8s MiB/s  %s; above it %s  (%s a month)\n", units.MiBPerSecond(c.BytesPerSecond), c.Below, c.Above, units.Dollars(c.USD))
	}
	fmt.Fprintln(out, "\nAssumptions:")
	for _, a := range Assumptions(w) {
		fmt.Fprintln(out, "  - "+a)
	}
}

func printRates(out io.Writer, t Table) {
	for _, show := range []struct {
		title string
		cell  func(TableCell) float64
	}{
		{"$ a month", func(c TableCell) float64 { return c.USD }},
		{"$ a GiB produced", func(c TableCell) float64 { return c.PerGiB }},
	} {
		fmt.Fprintf(out, "\n%-24s", show.title)
		for _, rate := range t.Rates {
			fmt.Fprintf(out, "%12s", units.Round(rate/MiB)+" MiB/s")
		}
		fmt.Fprintf(out, "\n%s\n", strings.Repeat("-", 24+12*len(t.Rates)))
		for _, row := range t.Rows {
			fmt.Fprintf(out, "%-24s", row.Arm)
			for _, c := range row.Cells {
				text := units.Dollars(show.cell(c))
				if c.Least {
					text += "*"
				}
				fmt.Fprintf(out, "%12s", text)
			}
			fmt.Fprintln(out)
		}
	}
	fmt.Fprintln(out, "* the least")
}

// printItems writes the whole bill of each arm.
func printItems(out io.Writer, w Workload, p *Prices) {
	for _, a := range Arms() {
		b := a.Bill(w, p)
		fmt.Fprintf(out, "\n%s at %s MiB/s: %s a month, %s a GiB produced\n", a.Name, units.Round(w.BytesPerSecond/MiB), units.Dollars(b.USD()), units.Dollars(a.PerGiB(w, p)))
		for _, l := range b.Lines {
			price := p.Of[l.Item]
			estimate := ""
			if l.Estimate {
				estimate = "  (an estimate)"
			}
			fmt.Fprintf(out, "  %-18s %10s  = %16s × $%s / %s %s%s\n", l.Item, units.Dollars(l.USD), units.Number(l.Quantity), units.Round(price.USD), units.Round(price.Per), price.Unit, estimate)
		}
	}
}

// Days writes a retention in days where they are whole.
func Days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%d d", d/day)
	}
	return d.String()
}
