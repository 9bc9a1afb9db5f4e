package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Kept is a figure of an earlier run that a page keeps.
type Kept struct {
	What  string // as in [Target]
	Value float64
}

// ReadKept reads what a page has in its table of numbers to reach, of the part
// that [RenewPage] renews.
func ReadKept(path string) ([]Kept, error) {
	page, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	kept := parseKept(string(page))
	if len(kept) == 0 {
		return nil, fmt.Errorf("%s: %w", path, errors.New("it keeps no figures"))
	}
	return kept, nil
}

func parseKept(page string) (kept []Kept) {
	_, part, _ := strings.Cut(page, "<!-- "+Mark+": begin -->")
	part, _, _ = strings.Cut(part, "<!-- "+Mark+": end -->")
	_, part, _ = strings.Cut(part, "### "+targetTitle+"\n")
	part, _, _ = strings.Cut(part, "\n### ")
	for line := range strings.Lines(part) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimSpace(cells[2]), " ")
		value, err := strconv.ParseFloat(strings.ReplaceAll(number, ",", ""), 64)
		if err != nil || value <= 0 {
			continue // a head, or what was not measured
		}
		kept = append(kept, Kept{What: strings.TrimSpace(cells[1]), Value: value})
	}
	return kept
}

// Against prints the figures beside kept ones, as ratios: those alone that both
// have. Absolute figures are another machine's or another day's; a ratio far from
// one asks why.
func (r *Report) Against(w io.Writer, kept []Kept) {
	t := table{title: "Against the figures that are kept"}
	t.row("what", "now", "kept", "now / kept", "better is")
	for _, target := range r.Targets {
		for _, k := range kept {
			if k.What != target.What || target.Missing != "" {
				continue
			}
			better := "less"
			if target.AtLeast {
				better = "more"
			}
			t.row(target.What, figure(target.Value)+" "+target.Unit, figure(k.Value)+" "+target.Unit, ratio(target.Value, k.Value), better)
		}
	}
	if len(t.rows) > 1 {
		t.text(w)
	}
}
