package cost

import (
	"cmp"
	"math"
	"slices"
)

// Crossing is the rate in [from, to], bytes a second, at which a stops being the
// cheaper of two arms, or begins to be. ok is false if it is not the other way
// round at the other end.
func Crossing(a, b Arm, w Workload, p *Prices, from, to float64) (bytesPerSecond float64, ok bool) {
	first := compare(a, b, w, p, from)
	if first == 0 || compare(a, b, w, p, to) != -first {
		return 0, false
	}
	const halvings = 60 // of the rate's logarithm: more than a float's precision
	for range halvings {
		middle := math.Sqrt(from * to)
		if compare(a, b, w, p, middle) == first {
			from = middle
		} else {
			to = middle
		}
	}
	return to, true
}

// compare is -1 if a is cheaper at a rate, 1 if b is, and 0 if they cost the same
// but for rounding.
func compare(a, b Arm, w Workload, p *Prices, bytesPerSecond float64) int {
	w.BytesPerSecond = bytesPerSecond
	x, y := a.Bill(w, p).USD(), b.Bill(w, p).USD()
	if math.Abs(x-y) <= 1e-9*max(x, y) {
		return 0
	}
	return cmp.Compare(x, y)
}

// Cross is where two arms cost the same.
type Cross struct {
	Below, Above   string // the arms that are cheaper below the rate and above it
	BytesPerSecond float64
	USD            float64 // what either costs a month there
}

// Crossings are all rates between two, in bytes a second, at which two of the
// arms cost the same, the lowest first. Two arms that cross there and back
// between steps of an eighth are not told.
func Crossings(arms []Arm, w Workload, p *Prices, from, to float64) []Cross {
	var out []Cross
	for i, a := range arms {
		for _, b := range arms[i+1:] {
			for _, step := range steps(from, to) {
				at, ok := Crossing(a, b, w, p, step[0], step[1])
				if !ok {
					continue
				}
				c := Cross{Below: a.Name, Above: b.Name, BytesPerSecond: at}
				if compare(a, b, w, p, step[0]) > 0 {
					c.Below, c.Above = c.Above, c.Below
				}
				w.BytesPerSecond = at
				c.USD = b.Bill(w, p).USD()
				out = append(out, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Cross) int { return cmp.Compare(a.BytesPerSecond, b.BytesPerSecond) })
	return out
}

// Rates go from one to another in equal steps of their logarithm, both ends
// among them.
func Rates(from, to float64, n int) []float64 {
	out := make([]float64, 0, n)
	for i := range n {
		out = append(out, from*math.Pow(to/from, float64(i)/float64(n-1)))
	}
	return out
}

// steps are stretches of rates in which two arms are looked at.
func steps(from, to float64) [][2]float64 {
	const stretch = 1.125
	n := 2 + int(math.Log(to/from)/math.Log(stretch))
	rates := Rates(from, to, n)
	out := make([][2]float64, 0, n-1)
	for i := range n - 1 {
		out = append(out, [2]float64{rates[i], rates[i+1]})
	}
	return out
}
