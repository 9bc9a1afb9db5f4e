package htmlreport

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

//go:embed style.css
var style string

//go:embed page.tmpl
var source string

var templates = template.Must(template.New("").Parse(source))

// view is what the template shows.
type view struct {
	Title  string
	Style  template.CSS
	When   string
	Again  string // the command that repeats the run
	Seed   uint64
	Rounds int

	Machine, Version, Command, Began, Ended string

	Headline      []string
	Wrong, Doubts []string

	Overview  figures
	Results   table
	Remarks   []string
	Scenarios []scenarioView

	Sweep             figures
	SweepLoad         string
	Knees, SweepTable table

	Cost      costView
	Bill      table
	BillNotes []string

	Arms, Settings    table
	Device, Bandwidth table
	DeviceNote        string
	Stores            []storeView
}

// figures are drawings side by side.
type figures struct {
	Small   bool // many of them
	Figures []figure
}

type figure struct {
	SVG     template.HTML // made by bench/chart, which escapes what it is given
	Caption string
}

// table is rows under a head.
type table struct {
	Head []head
	Rows []row
}

type head struct {
	Words string
	Text  bool // aligned to the left
}

// row is cells, or a title over those that follow.
type row struct {
	Group string
	Lost  bool // something acknowledged was not read back
	Cells []cell
}

type cell struct {
	Words  string
	Class  string
	Hint   string // shown when it is pointed at
	URL    string
	Chip   string // in a frame of its own, under the words
	Swatch template.HTML
}

// heads are columns; those that begin with < are aligned to the left.
func heads(words ...string) []head {
	var out []head
	for _, w := range words {
		left, text := strings.CutPrefix(w, "<")
		out = append(out, head{left, text})
	}
	return out
}

// measured is the table without the columns in which nothing is.
func (t table) measured() table {
	for i := len(t.Head) - 1; i >= 0; i-- {
		if slices.ContainsFunc(t.Rows, func(r row) bool { return i < len(r.Cells) && r.Cells[i].Words != units.Dash }) {
			continue
		}
		t.Head = slices.Delete(slices.Clone(t.Head), i, i+1)
		for j := range t.Rows {
			if i < len(t.Rows[j].Cells) {
				t.Rows[j].Cells = slices.Delete(t.Rows[j].Cells, i, i+1)
			}
		}
	}
	return t
}

// cells are plain ones.
func cells(words ...string) []cell {
	var out []cell
	for _, w := range words {
		out = append(out, cell{Words: w})
	}
	return out
}

// HTML draws a result as a page, with costs by the given prices.
func HTML(w io.Writer, r *result.Result, p *cost.Prices) error {
	d := digest.Of(r)
	s := stylesOf(r)
	v := view{
		Title: "Seawall bench " + stamp(r.Began), Style: template.CSS(style), When: stamp(r.Began),
		Again: "seawall bench replay " + JSONFile, Seed: r.Recipe.Seed, Rounds: r.Recipe.Rounds,
		Machine: digest.Machine(r), Version: units.OrDash(r.Version), Command: command(r),
		Began: stamp(r.Began), Ended: stamp(r.Ended),
		Headline: d.Headline, Remarks: digest.Remarks(r),
		Overview: overview(d, s), Results: resultsTable(d, s).measured(),
		Sweep: sweepFigures(r, s), SweepLoad: sweepLoad(r), Knees: kneeTable(r, s), SweepTable: sweepTable(r, s),
		Cost: costOf(workloadOf(r), p),
		Arms: armsTable(r, s), Settings: settingsTable(r), Device: deviceTable(r.Device), Bandwidth: bandwidthTable(r.Device), DeviceNote: deviceNote(r.Device),
	}
	for _, warning := range d.Warnings {
		if warning.Wrong {
			v.Wrong = append(v.Wrong, warning.String())
		} else {
			v.Doubts = append(v.Doubts, warning.String())
		}
	}
	for i := range r.Scenarios {
		v.Scenarios = append(v.Scenarios, scenarioOf(r, i, &d.Scenarios[i], s))
	}
	v.Bill, v.BillNotes = billOf(d, s, p)
	for i := range r.Stores {
		v.Stores = append(v.Stores, storeOf(&r.Stores[i]))
	}
	return templates.ExecuteTemplate(w, "page", v)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func command(r *result.Result) string {
	var words []string
	for _, w := range append([]string{"seawall"}, r.Recipe.Command...) {
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$&|;<>*?()#~`") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// indented is a value as JSON for people.
func indented(v any) string {
	if v == nil {
		return ""
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
