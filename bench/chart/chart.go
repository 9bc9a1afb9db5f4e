package chart

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

// SVG draws the chart.
func (c *Chart) SVG() string {
	var d drawing
	notes := c.notes()
	height := headingHigh(notes) + marginBottom
	for i := range c.Panels {
		height += panelHead + c.Panels[i].Height + panelGap
	}
	y := d.heading(c.Width, height, c.Title, notes)
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
