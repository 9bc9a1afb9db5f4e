package chart

import (
	"math"
	"strings"
)

// Styles is how many lines can be told apart: the style of a line is a number
// below it.
const Styles = 8

// Chart is panels over one horizontal axis.
type Chart struct {
	Title  string
	Note   string // under the title: what is special about it
	Width  float64
	X      Axis
	Panels []Panel
	// Names says how much room the names at the lines' ends get; 0: as the
	// longest needs, within bounds.
	Names float64
}

// Panel is one field of a chart.
type Panel struct {
	Height float64
	Y      Axis
	Lines  []Line
	Rug    []float64 // marked below it, by X
	Stalls []Span    // shaded: the broker was stopped
	WarmUp []Span    // shaded: does not count
	Rings  []Ring
}

// Line joins points, by rising X.
type Line struct {
	Name      string // at its end; empty: none
	Hint      string // shown when it is pointed at
	Style     int
	Simulated bool
	Faint     bool // drawn thin, behind
	Points    []Point
	// Markers are the X at which it is marked; nil: at each point.
	Markers []float64
}

// Point is a point of a line.
type Point struct{ X, Y float64 }

// Span is a stretch of X.
type Span struct{ From, To float64 }

// Ring is drawn around a point. Hint is shown when it is pointed at.
type Ring struct {
	X, Y  float64
	Style int // negative: small, and of no line
	Hint  string
}

// Margins of a chart.
const (
	marginTop    = 20 // the title
	noteHigh     = 15
	panelHead    = 22 // an axis' title
	marginLeft   = 56
	marginBottom = 38
	panelGap     = 10
	nameGap      = 13.5
	markerSize   = 3.4
)

// frame is where a panel is drawn.
type frame struct {
	left, right, top, bottom float64
	x, y                     scale
}

func (f *frame) px(v float64) float64 { return f.left + f.x.at(v)*(f.right-f.left) }
func (f *frame) py(v float64) float64 { return f.bottom - f.y.at(v)*(f.bottom-f.top) }

// SVG draws the chart.
func (c *Chart) SVG() string {
	var d drawing
	notes := c.notes()
	height := marginTop + float64(len(notes))*noteHigh + marginBottom
	for i := range c.Panels {
		height += panelHead + c.Panels[i].Height + panelGap
	}
	d.begin(c.Width, height, strings.Join(append([]string{c.Title}, notes...), ". "))
	d.text(0, 14, "title", "start", 13.5, fit(c.Title, 13.5, c.Width))
	y := float64(marginTop)
	for _, note := range notes {
		d.text(0, y+10, "note", "start", tickSize, note)
		y += noteHigh
	}
	x, okX := c.X.scale(c.allX())
	right := c.Width - c.nameRoom()
	for i := range c.Panels {
		p := &c.Panels[i]
		y += panelHead
		f := frame{left: marginLeft, right: right, top: y, bottom: y + p.Height, x: x}
		var okY bool
		f.y, okY = p.Y.scale(p.allY())
		d.text(0, y-9, "note", "start", tickSize, p.Y.Title)
		if okX && okY {
			c.panel(&d, p, &f, i == len(c.Panels)-1)
		} else {
			d.line(f.left, f.bottom, f.right, f.bottom, "axis")
			d.text((f.left+f.right)/2, (f.top+f.bottom)/2, "note", "middle", textSize, "no figures")
		}
		y += p.Height + panelGap
	}
	d.text((marginLeft+right)/2, height-6, "note", "middle", tickSize, c.X.Title)
	return d.end()
}

// notes are the lines under the title.
func (c *Chart) notes() []string {
	var out []string
	if c.Note != "" {
		out = append(out, c.Note)
	}
	for i := range c.Panels {
		for j := range c.Panels[i].Lines {
			if c.Panels[i].Lines[j].Simulated {
				return append(out, SimulatedNote)
			}
		}
	}
	return out
}

// SimulatedNote stands on every drawing with a line that is Simulated.
const SimulatedNote = "Dashed and hollow: simulated store, not measured"

// nameRoom is the margin for names at the right.
func (c *Chart) nameRoom() float64 {
	if c.Names > 0 {
		return c.Names
	}
	room := 12.0
	for i := range c.Panels {
		for j := range c.Panels[i].Lines {
			if name := c.Panels[i].Lines[j].Name; name != "" {
				room = max(room, textWidth(name, textSize)+22)
			}
		}
	}
	return min(room, c.Width*0.4)
}

func (c *Chart) allX() []float64 {
	var out []float64
	for i := range c.Panels {
		for j := range c.Panels[i].Lines {
			for _, p := range c.Panels[i].Lines[j].Points {
				out = append(out, p.X)
			}
		}
	}
	return out
}

func (p *Panel) allY() []float64 {
	var out []float64
	for j := range p.Lines {
		for _, q := range p.Lines[j].Points {
			out = append(out, q.Y)
		}
	}
	return out
}

// panel draws one panel; the last has the labels of the horizontal axis.
func (c *Chart) panel(d *drawing, p *Panel, f *frame, last bool) {
	for _, t := range p.Y.ticks(f.y) {
		at := f.py(t.At)
		d.line(f.left, at, f.right, at, "grid")
		d.text(f.left-6, at+4, "tick", "end", tickSize, t.Label)
	}
	xTicks := c.X.ticks(f.x)
	for _, t := range xTicks {
		d.line(f.px(t.At), f.top, f.px(t.At), f.bottom, "grid")
	}
	for _, s := range p.WarmUp {
		s.draw(d, f, "band", "warm-up, not counted")
	}
	for _, s := range p.Stalls {
		s.draw(d, f, "stall", "the broker was stopped")
	}
	d.line(f.left, f.bottom, f.right, f.bottom, "axis")
	if last {
		c.xLabels(d, f, xTicks)
	}
	rug(d, p.Rug, f)
	for _, faint := range []bool{true, false} {
		for i := range p.Lines {
			if p.Lines[i].Faint == faint {
				p.Lines[i].draw(d, p, c, f)
			}
		}
	}
	for _, r := range p.Rings {
		if !c.X.drawable(r.X) || !p.Y.drawable(r.Y) {
			continue
		}
		if r.Style < 0 {
			d.path("cross", marker(0, f.px(r.X), f.py(r.Y), 2.6), r.Hint)
		} else {
			d.path("knee "+style(r.Style), marker(0, f.px(r.X), f.py(r.Y), 2.3*markerSize), r.Hint)
		}
	}
	names(d, p, c, f)
}

func (s Span) draw(d *drawing, f *frame, class, hint string) {
	from, to := f.px(s.From), f.px(s.To)
	d.path(class, "M"+n(from)+" "+n(f.top)+"H"+n(max(to, from+1.5))+"V"+n(f.bottom)+"H"+n(from)+"Z", hint)
}

// xLabels writes the labels of ticks that have room, the outer ones first.
func (c *Chart) xLabels(d *drawing, f *frame, ticks []Tick) {
	taken := f.left - 40
	for i, t := range ticks {
		half := textWidth(t.Label, tickSize) / 2
		at := f.px(t.At)
		if at-half < taken+6 && i > 0 {
			continue
		}
		d.line(at, f.bottom, at, f.bottom+4, "axis")
		d.text(at, f.bottom+16, "tick", "middle", tickSize, t.Label)
		taken = at + half
	}
}

// rug marks places below a panel, those too close to tell apart once.
func rug(d *drawing, at []float64, f *frame) {
	var path strings.Builder
	last := math.Inf(-1)
	for _, v := range at {
		if x := f.px(v); x >= last+1.5 {
			path.WriteString("M" + n(x) + " " + n(f.bottom+1) + "V" + n(f.bottom+7))
			last = x
		}
	}
	if path.Len() > 0 {
		d.path("rug", path.String(), "uploads")
	}
}

func style(s int) string {
	return "s" + n(float64(((s%Styles)+Styles)%Styles))
}

// draw draws a line and its markers. Points closer than one can see are passed
// over.
func (l *Line) draw(d *drawing, p *Panel, c *Chart, f *frame) {
	const seen = 0.8
	var path strings.Builder
	verb, lastX, lastY := "M", math.Inf(-1), 0.0
	for i, q := range l.Points {
		if !c.X.drawable(q.X) || !p.Y.drawable(q.Y) {
			verb = "M"
			continue
		}
		x, y := f.px(q.X), f.py(q.Y)
		if verb == "L" && i < len(l.Points)-1 && math.Abs(x-lastX) < seen && math.Abs(y-lastY) < seen {
			continue
		}
		path.WriteString(verb + n(x) + " " + n(y))
		verb, lastX, lastY = "L", x, y
	}
	if path.Len() == 0 {
		return
	}
	class := "line " + style(l.Style)
	if l.Simulated {
		class += " dashed"
	}
	if l.Faint {
		class += " faint"
	}
	d.path(class, path.String(), l.hint())
	if !l.Faint {
		l.mark(d, p, c, f)
	}
}

func (l *Line) hint() string {
	hint := l.Hint
	if hint == "" {
		hint = l.Name
	}
	if l.Simulated && hint != "" {
		hint += " (simulated store)"
	}
	return hint
}

// mark draws the markers of a line.
func (l *Line) mark(d *drawing, p *Panel, c *Chart, f *frame) {
	class := "solid " + style(l.Style)
	if l.Simulated {
		class = "hollow " + style(l.Style)
	}
	at := func(q Point) {
		if c.X.drawable(q.X) && p.Y.drawable(q.Y) {
			d.path(class, marker(l.Style, f.px(q.X), f.py(q.Y), markerSize), l.hint()+": "+p.Y.label(q.Y)+" at "+c.X.label(q.X))
		}
	}
	if l.Markers == nil {
		for _, q := range l.Points {
			at(q)
		}
		return
	}
	for _, x := range l.Markers {
		for i := range l.Points {
			// The first point at or beyond the place: quantiles are steps.
			if l.Points[i].X >= x {
				at(l.Points[i])
				break
			}
		}
	}
}

// names writes the names of lines beside their ends.
func names(d *drawing, p *Panel, c *Chart, f *frame) {
	var labels []label
	for i := range p.Lines {
		l := &p.Lines[i]
		for j := len(l.Points) - 1; j >= 0 && l.Name != ""; j-- {
			if q := l.Points[j]; c.X.drawable(q.X) && p.Y.drawable(q.Y) {
				labels = append(labels, label{line: l, style: l.Style, endX: f.px(q.X), endY: f.py(q.Y)})
				break
			}
		}
	}
	spread(labels, nameGap, f.top+4, f.bottom-2)
	for _, l := range labels {
		x := f.right + 18
		d.path("leader "+style(l.style), "M"+n(l.endX+4)+" "+n(l.endY)+"L"+n(max(f.right+4, l.endX+4))+" "+n(l.endY)+"L"+n(x-3)+" "+n(l.y), "")
		d.text(x, l.y+4, "name "+style(l.style), "start", textSize, fit(l.line.Name, textSize, c.Width-x))
	}
}
