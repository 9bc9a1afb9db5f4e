package archtest

import (
	"fmt"
	"sort"
	"strings"
)

// Row is one line of the layer table: packages that stand at one height.
type Row struct {
	Layer    string   // as the page names it, e.g. "L1P"
	Pure     bool     // logic only: see the package comment
	Packages []string // folders from the module root, without trailing slash; each covers what lies below it
}

// Apart is one line of the keep-apart table: two folders of which neither may
// import the other, though their layers would allow it.
type Apart struct{ A, B string }

// Layers is what the page says: rows from the top of the house to its floor.
type Layers struct {
	Rows  []Row
	Apart []Apart
}

// The headings by which the two tables are found in the page.
const (
	layerHeading = "| layer | pure | packages |"
	apartHeading = "| keep apart | from |"
)

// ParseLayers reads the layer table and the keep-apart table from the text of
// the architecture page. The first layer row is the topmost.
func ParseLayers(page string) (*Layers, error) {
	rows := tableRows(page, layerHeading)
	if len(rows) == 0 {
		return nil, fmt.Errorf("no table with the heading %q", layerHeading)
	}
	l := &Layers{}
	seen := map[string]string{}
	for _, cells := range rows {
		if len(cells) < 3 {
			return nil, fmt.Errorf("layer row %q has %d cells, want 3", cells, len(cells))
		}
		row := Row{Layer: cells[0], Pure: cells[1] == "yes"}
		if cells[1] != "yes" && cells[1] != "no" {
			return nil, fmt.Errorf("layer %s: pure is %q, want yes or no", row.Layer, cells[1])
		}
		for _, folder := range codeSpans(cells[2]) {
			if other, dup := seen[folder]; dup {
				return nil, fmt.Errorf("%s stands in both %s and %s", folder, other, row.Layer)
			}
			seen[folder] = row.Layer
			row.Packages = append(row.Packages, folder)
		}
		if len(row.Packages) == 0 {
			return nil, fmt.Errorf("layer %s names no package (write them as `folder/`)", row.Layer)
		}
		l.Rows = append(l.Rows, row)
	}
	for _, cells := range tableRows(page, apartHeading) {
		if len(cells) < 2 {
			return nil, fmt.Errorf("keep-apart row %q has %d cells, want 2", cells, len(cells))
		}
		a, b := codeSpans(cells[0]), codeSpans(cells[1])
		if len(a) != 1 || len(b) != 1 {
			return nil, fmt.Errorf("keep-apart row %q wants one folder a cell", cells)
		}
		l.Apart = append(l.Apart, Apart{A: a[0], B: b[0]})
	}
	return l, nil
}

// place finds the row of folder: that of the longest listed folder which is it
// or contains it. Depth counts from the top, so a larger depth lies lower.
func (l *Layers) place(folder string) (depth int, row *Row, ok bool) {
	best := -1
	for i := range l.Rows {
		for _, p := range l.Rows[i].Packages {
			if within(folder, p) && len(p) > best {
				best, depth, row = len(p), i, &l.Rows[i]
			}
		}
	}
	return depth, row, best >= 0
}

// mustStayApart reports whether the keep-apart table forbids an import of one
// of the two folders by the other.
func (l *Layers) mustStayApart(from, to string) bool {
	for _, p := range l.Apart {
		if within(from, p.A) && within(to, p.B) || within(from, p.B) && within(to, p.A) {
			return true
		}
	}
	return false
}

// folders lists every folder that the table names, sorted.
func (l *Layers) folders() []string {
	var all []string
	for _, r := range l.Rows {
		all = append(all, r.Packages...)
	}
	sort.Strings(all)
	return all
}

// within reports whether folder is parent or lies below it.
func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

// tableRows returns the cells of the markdown table under heading, without the
// heading and its rule.
func tableRows(page, heading string) [][]string {
	lines := strings.Split(page, "\n")
	var rows [][]string
	for i, line := range lines {
		if strings.TrimSpace(line) != heading {
			continue
		}
		for _, row := range lines[min(i+2, len(lines)):] {
			row = strings.TrimSpace(row)
			if !strings.HasPrefix(row, "|") {
				return rows
			}
			cells := strings.Split(strings.Trim(row, "|"), "|")
			for j := range cells {
				cells[j] = strings.TrimSpace(cells[j])
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// codeSpans returns the folders between backticks, without trailing slash.
func codeSpans(cell string) []string {
	var spans []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			spans = append(spans, strings.TrimSuffix(part, "/"))
		}
	}
	return spans
}
