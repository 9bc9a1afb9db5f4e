package digest

import (
	"fmt"
	"io"
	"strings"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/units"
)

// Markdown prints the same for a page, with more columns.
func Markdown(w io.Writer, r *result.Result) error {
	d := Of(r)
	var out strings.Builder
	fmt.Fprintf(&out, "%s, version %s: %s\n", r.Began.UTC().Format("2006-01-02 15:04 UTC"), escaped(units.OrDash(r.Version)), escaped(Machine(r)))
	for _, sentence := range d.Headline {
		fmt.Fprintf(&out, "\n**%s**\n", escaped(sentence))
	}
	for i, warning := range d.Warnings {
		if i == 0 {
			out.WriteString("\n")
		}
		kind := "Doubt"
		if warning.Wrong {
			kind = "**Wrong**"
		}
		fmt.Fprintf(&out, "- %s: %s\n", kind, escaped(warning.String()))
	}
	for i := range d.Scenarios {
		t := d.Scenarios[i].long()
		t.markdown(&out)
	}
	if len(r.Sweeps) > 0 {
		t := sweepTable(r)
		t.markdown(&out)
	}
	out.WriteString("\n")
	for _, note := range Remarks(r) {
		fmt.Fprintf(&out, "- %s\n", escaped(note))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t *table) markdown(w io.Writer) {
	cells := func(row []string) string {
		var b strings.Builder
		for _, cell := range row {
			b.WriteString("| " + escaped(cell) + " ")
		}
		return b.String() + "|\n"
	}
	fmt.Fprintf(w, "\n### %s\n\n%s|---|%s\n", escaped(t.title), cells(t.head), strings.Repeat("---:|", len(t.head)-1))
	for _, row := range t.rows {
		io.WriteString(w, cells(row))
	}
	for i, note := range t.notes {
		if i == 0 {
			io.WriteString(w, "\n")
		}
		fmt.Fprintf(w, "- %s\n", escaped(note))
	}
}

// escaped is text that Markdown takes as text.
func escaped(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "`", "'", "[", `\[`).Replace(plain(s))
}
