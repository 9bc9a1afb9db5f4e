package chart

import (
	"math"
	"strconv"
)

// Axis is one direction of a drawing.
type Axis struct {
	Title string // with the unit
	Log   bool
	// Lo and Hi are the ends; both 0: as the data need.
	Lo, Hi float64
	// Ticks are drawn where given; else as fits, labelled by Format.
	Ticks  []Tick
	Format func(float64) string // nil: plain numbers
}

// Tick is a labelled place on an axis.
type Tick struct {
	At    float64
	Label string
}

// scale maps values to 0…1.
type scale struct {
	log    bool
	lo, hi float64
}

// drawable says whether a value has a place on the axis.
func (a *Axis) drawable(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.Log || v > 0)
}

// scale is the axis fitted to values. ok is false if there is nothing to fit to.
func (a *Axis) scale(values []float64) (s scale, ok bool) {
	s = scale{a.Log, a.Lo, a.Hi}
	if a.Lo != 0 || a.Hi != 0 {
		return s, a.Hi > a.Lo && a.drawable(a.Lo) && a.drawable(a.Hi)
	}
	s.lo, s.hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if a.drawable(v) {
			s.lo, s.hi = min(s.lo, v), max(s.hi, v)
		}
	}
	if s.lo > s.hi {
		return s, false
	}
	if a.Log {
		s.lo, s.hi = LogEnds(s.lo, s.hi)
	} else {
		s.lo, s.hi = linearEnds(s.lo, s.hi)
	}
	return s, s.hi > s.lo && !math.IsInf(s.hi, 0)
}

// LogEnds are ends of a logarithmic axis for values from lo to hi, both positive:
// one of 1, 2 and 5 times a power of ten at either side.
func LogEnds(lo, hi float64) (float64, float64) {
	steps := []float64{1, 2, 5, 10}
	down, up := math.Pow(10, math.Floor(math.Log10(lo))), math.Pow(10, math.Floor(math.Log10(hi)))
	low, high := down, up*10
	for _, s := range steps {
		if down*s <= lo {
			low = down * s
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if up*steps[i] >= hi {
			high = up * steps[i]
		}
	}
	if low >= high {
		high = low * 10
	}
	return low, high
}

// linearEnds are ends of a linear axis that begins at 0 if it can.
func linearEnds(lo, hi float64) (float64, float64) {
	lo = min(lo, 0)
	if hi <= lo {
		hi = lo + 1
	}
	step := niceStep(hi-lo, 4)
	return math.Floor(lo/step) * step, math.Ceil(hi/step) * step
}

// LinearEnd is the end of an axis that begins at 0, for values of up to v.
func LinearEnd(v float64) float64 {
	step := niceStep(v, 3)
	return math.Ceil(v/step) * step
}

// niceStep is 1, 2 or 5 times a power of ten that divides span into about n.
func niceStep(span float64, n int) float64 {
	raw := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, s := range []float64{1, 2, 5} {
		if power*s >= raw {
			return power * s
		}
	}
	return power * 10
}

// at is where a value stands, 0 at lo and 1 at hi, and no further.
func (s scale) at(v float64) float64 {
	lo, hi := s.lo, s.hi
	if s.log {
		v, lo, hi = math.Log10(v), math.Log10(lo), math.Log10(hi)
	}
	return min(max((v-lo)/(hi-lo), 0), 1)
}

// ticks are those of the axis that lie on the scale.
func (a *Axis) ticks(s scale) []Tick {
	given := a.Ticks
	if given == nil {
		for _, v := range s.places() {
			given = append(given, Tick{v, a.label(v)})
		}
	}
	var out []Tick
	for _, t := range given {
		const slack = 1e-9 // of rounding
		if t.At >= s.lo-slack*math.Abs(s.lo) && t.At <= s.hi*(1+slack) {
			out = append(out, t)
		}
	}
	return out
}

func (a *Axis) label(v float64) string {
	if a.Format != nil {
		return a.Format(v)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// places are where ticks look well.
func (s scale) places() []float64 {
	var out []float64
	if !s.log {
		step := niceStep(s.hi-s.lo, 4)
		for i := math.Ceil(s.lo / step); i*step <= s.hi*(1+1e-9) && len(out) < 20; i++ {
			out = append(out, i*step+0) // -0 is written as such
		}
		return out
	}
	decades := math.Log10(s.hi / s.lo)
	between := []float64{1}
	switch {
	case decades <= 1.5:
		between = []float64{1, 2, 5}
	case decades <= 2.5:
		between = []float64{1, 3}
	}
	for e := math.Floor(math.Log10(s.lo)); e <= math.Log10(s.hi) && len(out) < 40; e++ {
		for _, b := range between {
			if v := b * math.Pow(10, e); v >= s.lo*(1-1e-9) && v <= s.hi*(1+1e-9) {
				out = append(out, v)
			}
		}
	}
	return out
}
