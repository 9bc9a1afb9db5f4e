package htmlreport

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// armsTable is what the arms were.
func armsTable(r *result.Result, s *styles) table {
	t := table{Head: heads("<arm", "<an ack means", "<object store", "<version", "<properties that differ from the defaults")}
	for _, name := range armNames(r) {
		spec := r.Spec(name)
		text := func(words string) cell { return cell{Words: units.OrDash(words), Class: "text"} }
		t.Rows = append(t.Rows, row{Cells: []cell{s.cell(name), text(spec.Ack), text(spec.Store), text(spec.Version),
			{Words: units.OrDash(strings.Join(spec.Properties, "  ")), Class: "text wrap"}}})
	}
	return t
}

// settingsTable is what was sent.
func settingsTable(r *result.Result) table {
	t := table{Head: heads("<scenario", "<shows", "<load")}
	for i := range r.Recipe.Scenarios {
		s := &r.Recipe.Scenarios[i]
		t.Rows = append(t.Rows, row{Cells: []cell{{Words: units.OrDash(s.Name)}, {Words: units.OrDash(s.Title), Class: "text"}, {Words: digest.Load(s), Class: "text wrap"}}})
	}
	return t
}

// deviceTable is the disk under the WALs by itself.
func deviceTable(d *report.Device) table {
	if d == nil {
		return table{}
	}
	t := table{Head: heads("<by the WAL's write path", "p50", "p99", "p99.9", "max", "fio p50", "fio p99")}
	quantiles := func(s hist.Summary) []string {
		return []string{units.Duration(s.P50), units.Duration(s.P99)}
	}
	for _, l := range d.Latencies {
		words := append([]string{"a durable write of " + units.Size(float64(l.Bytes))}, quantiles(l.BackToBack)...)
		words = append(words, units.Duration(l.BackToBack.P999), units.Duration(l.BackToBack.Max))
		t.Rows = append(t.Rows, row{Cells: cells(append(words, quantiles(l.Fio)...)...)})
	}
	return t
}

// bandwidthTable is what the disk carries, by itself and through the WAL.
func bandwidthTable(d *report.Device) table {
	if d == nil {
		return table{}
	}
	t := table{Head: heads("<MiB/s", "by the WAL's write path", "records through the WAL", "fio")}
	for _, b := range d.Bandwidths {
		what := "writes"
		if b.Read {
			what = "reads"
		}
		t.Rows = append(t.Rows, row{Cells: cells(fmt.Sprintf("%s of %s, %d at a time", what, units.Size(float64(b.Bytes)), b.Depth),
			units.MiBPerSecond(b.Device), units.MiBPerSecond(b.Log), units.MiBPerSecond(b.Fio))})
	}
	return t
}

func deviceNote(d *report.Device) string {
	if d == nil {
		return ""
	}
	note := fmt.Sprintf("Durable by %s, blocks of %d bytes", units.OrDash(d.Durability), d.BlockBytes)
	if d.Fio != "" {
		note += "; beside it " + d.Fio
	}
	return note + "."
}

// storeView is an object store of the recipe.
type storeView struct {
	Name, URL string
	Simulated bool
	Sources   table
	Profile   string // JSON
}

func storeOf(s *result.Store) storeView {
	v := storeView{Name: s.Name, URL: s.URL, Simulated: s.Simulated, Profile: indented(s.Profile)}
	v.Sources.Head = heads("<of", "<figures", "<where they are from")
	// As it will be read, whatever type it has now.
	var profile any
	if json.Unmarshal([]byte(v.Profile), &profile) == nil {
		sources(&v.Sources, "", profile)
	}
	return v
}

// sources finds everything in a profile that names its source, and lists it with
// the figures beside the name.
func sources(t *table, path string, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			sources(t, path, e)
		}
	case map[string]any:
		if from, ok := v["source"].(string); ok {
			t.Rows = append(t.Rows, sourceRow(path, from, v))
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			sources(t, strings.TrimPrefix(path+"."+key, "."), v[key])
		}
	}
}

func sourceRow(path, from string, v map[string]any) row {
	var figures []string
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if n, ok := v[key].(float64); ok {
			figures = append(figures, fmt.Sprintf("%s %s", strings.ReplaceAll(key, "_", " "), plainNumber(n)))
		}
	}
	if estimate, _ := v["estimate"].(bool); estimate {
		from += " (an estimate)"
	}
	source := cell{Words: from, Class: "text wrap"}
	for _, candidate := range []any{v["url"], v["source"]} {
		if link, ok := candidate.(string); ok && isURL(link) {
			source.URL = link
			break
		}
	}
	return row{Cells: []cell{{Words: units.OrDash(path)}, {Words: strings.Join(figures, ", "), Class: "text"}, source}}
}

func plainNumber(n float64) string {
	if n >= 1000 && n == float64(int64(n)) {
		return units.Count(int64(n))
	}
	return fmt.Sprintf("%g", n)
}

func isURL(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }
