package digest

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/bench/result"
)

// terminalColumns is what [Terminal] fits into.
const terminalColumns = 100

// Terminal prints what a run found, in at most 100 columns: with colours on a
// terminal that has not been asked to do without (NO_COLOR), plain elsewhere.
func Terminal(w io.Writer, r *result.Result) error {
	p := printer{color: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
	p.digest(r)
	_, err := io.WriteString(w, p.out.String())
	return err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// The styles of a terminal.
const (
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

type printer struct {
	out   strings.Builder
	color bool
}

// line prints a line that already fits.
func (p *printer) line(style, s string) {
	if p.color && style != "" {
		s = style + s + reset
	}
	p.out.WriteString(s + "\n")
}

// paragraph wraps text, after a first mark and below it.
func (p *printer) paragraph(style, mark, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(mark))
	lead := mark
	for _, l := range wrap(plain(text), terminalColumns-len(indent)) {
		p.line(style, lead+l)
		lead = indent
	}
}

func (p *printer) digest(r *result.Result) {
	d := Of(r)
	p.out.WriteString("\n")
	for _, sentence := range d.Headline {
		p.paragraph(bold, "", sentence)
	}
	if len(d.Warnings) > 0 {
		p.out.WriteString("\n")
	}
	for _, w := range d.Warnings {
		if w.Wrong {
			p.paragraph(red, "WRONG  ", w.String())
		} else {
			p.paragraph(yellow, "DOUBT  ", w.String())
		}
	}
	for i := range d.Scenarios {
		p.table(d.Scenarios[i].short())
	}
	if len(r.Sweeps) > 0 {
		p.table(sweepTable(r))
	}
	p.out.WriteString("\n")
	for _, note := range Remarks(r) {
		p.paragraph("", "* ", note)
	}
}

// table prints columns, the first to the left, the others to the right, with the
// first cut to what the others leave of the line.
func (p *printer) table(t table) {
	const gap, firstMin = 2, 8
	widths := make([]int, len(t.head))
	total := gap * (len(t.head) - 1)
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(plain(cell)))
		}
	}
	for _, width := range widths {
		total += width
	}
	if over := total - terminalColumns; over > 0 {
		widths[0] = max(widths[0]-over, firstMin)
	}
	p.out.WriteString("\n")
	p.paragraph(bold, "", t.title)
	p.row(t.head, widths, gap, bold)
	for _, row := range t.rows {
		style := ""
		if row[len(row)-1] == "NO" {
			style = red
		}
		p.row(row, widths, gap, style)
	}
	for _, note := range t.notes {
		p.paragraph("", "* ", note)
	}
}

func (p *printer) row(cells []string, widths []int, gap int, style string) {
	var line strings.Builder
	for i, cell := range cells {
		cell = cut(plain(cell), widths[i])
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			line.WriteString(cell + pad)
		} else {
			line.WriteString(strings.Repeat(" ", gap) + pad + cell)
		}
	}
	p.line(style, strings.TrimRight(line.String(), " "))
}

// wrap breaks text into lines of at most so many characters, between words where
// it can.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		for utf8.RuneCountInString(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			runes := []rune(word)
			lines, word = append(lines, string(runes[:width])), string(runes[width:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
