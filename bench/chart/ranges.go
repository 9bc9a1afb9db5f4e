package chart

// Ranges are rows of values over one axis, each row a line from its first to its
// last value with a marker at each.
type Ranges struct {
	Title string
	Note  string // under the title: what the values of a row are
	Width float64
	X     Axis
	Rows  []Range
}

// Range is one row.
type Range struct {
	Name      string
	Under     string // small, under the name
	Style     int
	Simulated bool
	Values    []float64 // rising
	Text      string    // after the last value
}

const (
	rangeHigh = 31 // of a row
	rangeName = 152
	rangeText = 68 // room after the last value
)

// SVG draws the rows.
func (r *Ranges) SVG() string {
	var d drawing
	notes := r.notes()
	top := headingHigh(notes) + 8
	bottom := top + float64(len(r.Rows))*rangeHigh
	d.heading(r.Width, bottom+marginBottom, r.Title, notes)
	var values []float64
	for i := range r.Rows {
		values = append(values, r.Rows[i].Values...)
	}
	f := frame{left: rangeName, right: r.Width - rangeText, top: top, bottom: bottom}
	var ok bool
	f.x, ok = r.X.scale(values)
	if ok {
		for _, t := range r.X.ticks(f.x) {
			d.line(f.px(t.At), f.top, f.px(t.At), f.bottom, "grid")
			d.text(f.px(t.At), f.bottom+15, "tick", "middle", tickSize, t.Label)
		}
	}
	d.line(f.left, f.bottom, f.right, f.bottom, "axis")
	for i := range r.Rows {
		r.Rows[i].draw(&d, r, &f, top+(float64(i)+0.5)*rangeHigh, ok)
	}
	d.text((f.left+f.right)/2, bottom+31, "note", "middle", tickSize, r.X.Title)
	return d.end()
}

func (r *Ranges) notes() []string {
	var out []string
	if r.Note != "" {
		out = append(out, r.Note)
	}
	for i := range r.Rows {
		if r.Rows[i].Simulated {
			return append(out, SimulatedNote)
		}
	}
	return out
}

func (row *Range) draw(d *drawing, r *Ranges, f *frame, y float64, ok bool) {
	nameY := y + 4
	if row.Under != "" {
		nameY = y - 1
		d.text(0, y+10, "note", "start", 9.5, fit(row.Under, 9.5, 1.1*rangeName))
	}
	d.text(0, nameY, "name "+style(row.Style), "start", textSize, fit(row.Name, textSize, rangeName-8))
	var drawn []float64
	for _, v := range row.Values {
		if ok && r.X.drawable(v) {
			drawn = append(drawn, v)
		}
	}
	if len(drawn) == 0 {
		d.text(f.left+6, y+4, "note", "start", tickSize, "no figures")
		return
	}
	class, fill := "line "+style(row.Style), "solid "
	if row.Simulated {
		class, fill = class+" dashed", "hollow "
	}
	end := f.px(drawn[len(drawn)-1])
	d.path(class, "M"+n(f.px(drawn[0]))+" "+n(y)+"H"+n(end), row.Name)
	for i, v := range drawn {
		size := markerSize
		if i == 1 { // the one that the text tells
			size = markerSize * 1.5
		}
		d.path(fill+style(row.Style), marker(row.Style, f.px(v), y, size), row.Name+": "+r.X.label(v))
	}
	d.text(end+9, y+4, "name "+style(row.Style), "start", textSize, row.Text)
}
