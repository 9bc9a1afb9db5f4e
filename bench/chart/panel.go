package chart

import (
	"math"
	"strings"
)

// frame is where a panel is drawn.
type frame struct {
	left, right, top, bottom float64
	x, y                     scale
}

func (f *frame) px(v float64) float64 { return f.left + f.x.at(v)*(f.right-f.left) }
func (f *frame) py(v float64) float64 { return f.bottom - f.y.at(v)*(f.bottom-f.top) }

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
