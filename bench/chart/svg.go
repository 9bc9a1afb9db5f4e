package chart

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes are those of the elements of drawings, for the page's style.
const Classes = "axis grid tick title note name line faint hollow solid leader rug stall knee band cross dashed"

// Sizes of text, in units of the viewBox.
const (
	textSize   = 12
	tickSize   = 11
	letterWide = 0.58 // of a character, on average, in its size
)

// drawing gathers elements.
type drawing struct{ strings.Builder }

// begin opens the drawing. label is what it shows, for readers who do not see it.
func (d *drawing) begin(width, height float64, label string) {
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" role="img" aria-label="%s">`, n(width), n(height), escape(label))
	d.WriteByte('\n')
}

// headingHigh is how much of a drawing its title and the notes under it take.
func headingHigh(notes []string) float64 { return marginTop + float64(len(notes))*noteHigh }

// heading opens the drawing with a title and notes, and returns where they end.
func (d *drawing) heading(width, height float64, title string, notes []string) float64 {
	const titleSize = 13.5
	d.begin(width, height, strings.Join(append([]string{title}, notes...), ". "))
	d.text(0, 14, "title", "start", titleSize, fit(title, titleSize, width))
	for i, note := range notes {
		d.text(0, marginTop+float64(i)*noteHigh+10, "note", "start", tickSize, note)
	}
	return headingHigh(notes)
}

func (d *drawing) end() string {
	d.WriteString("</svg>\n")
	return d.String()
}

// text writes s at x, y. anchor is start, middle or end.
func (d *drawing) text(x, y float64, class, anchor string, size float64, s string) {
	fmt.Fprintf(d, `<text class="%s" x="%s" y="%s" font-size="%s" text-anchor="%s">%s</text>`, class, n(x), n(y), n(size), anchor, escape(s))
	d.WriteByte('\n')
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(d, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, n(x1), n(y1), n(x2), n(y2))
	d.WriteByte('\n')
}

// path draws a path; title appears when it is pointed at.
func (d *drawing) path(class, path, title string) {
	if title == "" {
		fmt.Fprintf(d, `<path class="%s" d="%s"/>`, class, path)
	} else {
		fmt.Fprintf(d, `<path class="%s" d="%s"><title>%s</title></path>`, class, path, escape(title))
	}
	d.WriteByte('\n')
}

// n writes a coordinate: a tenth is less than anybody sees.
func n(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// escape is text as XML takes it: without control characters, which it cannot
// carry at all.
func escape(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
}

// textWidth is about how wide s is.
func textWidth(s string, size float64) float64 {
	return float64(utf8.RuneCountInString(s)) * size * letterWide
}

// fit shortens s to a width.
func fit(s string, size, width float64) string {
	most := max(int(width/(size*letterWide)), 1)
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// style is the class of a line's colour.
func style(s int) string {
	return "s" + n(float64(((s%Styles)+Styles)%Styles))
}

// marker is the outline of a line's marker around x, y.
func marker(style int, x, y, r float64) string {
	poly := func(points ...float64) string {
		var b strings.Builder
		for i := 0; i+1 < len(points); i += 2 {
			verb := "L"
			if i == 0 {
				verb = "M"
			}
			b.WriteString(verb + n(x+points[i]*r) + " " + n(y+points[i+1]*r))
		}
		return b.String() + "Z"
	}
	switch style % Styles {
	case 1: // a square
		return poly(-.9, -.9, .9, -.9, .9, .9, -.9, .9)
	case 2: // a triangle
		return poly(0, -1.2, 1.1, .8, -1.1, .8)
	case 3: // a diamond
		return poly(0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0)
	case 4: // a triangle on its head
		return poly(0, 1.2, 1.1, -.8, -1.1, -.8)
	case 5: // a plus
		return poly(-.4, -1.2, .4, -1.2, .4, -.4, 1.2, -.4, 1.2, .4, .4, .4, .4, 1.2, -.4, 1.2, -.4, .4, -1.2, .4, -1.2, -.4, -.4, -.4)
	case 6: // an hourglass
		return poly(-1, -1.1, 1, -1.1, 0, 0, 1, 1.1, -1, 1.1, 0, 0)
	case 7: // a hexagon, lying
		return poly(-1.3, 0, -.6, -1, .6, -1, 1.3, 0, .6, 1, -.6, 1)
	}
	// A circle.
	return fmt.Sprintf("M%s %sa%s %s 0 1 0 %s 0a%s %s 0 1 0 %s 0Z", n(x-r), n(y), n(r), n(r), n(2*r), n(r), n(r), n(-2*r))
}

// Swatch is a short piece of a line with its marker, to stand before its name.
func Swatch(lineStyle int, simulated bool) string {
	var d drawing
	d.WriteString(`<svg viewBox="0 0 34 12" aria-hidden="true">`)
	line, fill := "line "+style(lineStyle), "solid "
	if simulated {
		line, fill = line+" dashed", "hollow "
	}
	d.path(line, "M1 6H33", "")
	d.path(fill+style(lineStyle), marker(lineStyle, 17, 6, markerSize+.4), "")
	return d.end()
}
