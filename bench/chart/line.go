package chart

import (
	"math"
	"strings"
)

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
