package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// wellFormed fails on a drawing that is no XML or has a coordinate that is no
// number.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Fatalf("no number in %s", svg)
	}
}

func labels(ticks []Tick) string {
	var out []string
	for _, t := range ticks {
		out = append(out, t.Label)
	}
	return strings.Join(out, " ")
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		axis   Axis
		values []float64
		want   string
	}{
		{Axis{}, []float64{0, 9}, "0 5 10"},
		{Axis{}, []float64{3, 3}, "0 1 2 3"},
		{Axis{}, []float64{-3, 30}, "-10 0 10 20 30"},
		{Axis{Lo: -3, Hi: 29}, nil, "0 10 20"},
		{Axis{Log: true}, []float64{5, 70}, "5 10 20 50 100"},
		{Axis{Log: true}, []float64{3, 70}, "3 10 30 100"},
		{Axis{Log: true}, []float64{1, 1000}, "1 10 100 1000"},
		{Axis{Log: true}, []float64{0.01, 500}, "0.01 0.1 1 10 100"},
		{Axis{Log: true}, []float64{7, 7}, "5 10"},
		{Axis{Log: true}, []float64{10}, "10 20 50 100"},
		{Axis{Ticks: []Tick{{1, "one"}, {50, "far"}}, Lo: 0, Hi: 10}, nil, "one"},
	} {
		s, ok := test.axis.scale(test.values)
		if got := labels(test.axis.ticks(s)); !ok || got != test.want {
			t.Errorf("%v: %q on %+v, want %q", test.values, got, s, test.want)
		}
	}
}

func TestWhatHasNoScale(t *testing.T) {
	for _, test := range []struct {
		axis   Axis
		values []float64
	}{
		{Axis{}, nil},
		{Axis{}, []float64{math.NaN(), math.Inf(1)}},
		{Axis{Log: true}, []float64{0, -1}},
		{Axis{Lo: 5, Hi: 5}, []float64{1}},
		{Axis{Log: true, Lo: -1, Hi: 5}, []float64{1}},
	} {
		if s, ok := test.axis.scale(test.values); ok {
			t.Errorf("%+v of %v: %+v", test.axis, test.values, s)
		}
	}
}

// Names never stand closer than the gap, and stay near the ends of their lines.
func TestNamesDoNotOverlap(t *testing.T) {
	for _, ends := range [][]float64{{50}, {50, 50, 50}, {10, 90}, {99, 100, 100, 98, 3}, {0, 0, 0, 0, 0, 0, 0, 0}, {100, 100, 100, 100, 100, 100, 100, 100}} {
		var names []label
		for i, y := range ends {
			names = append(names, label{endY: y, line: &Line{Name: fmt.Sprint(i)}})
		}
		spread(names, 12, 0, 100)
		for i := 1; i < len(names); i++ {
			if names[i].y-names[i-1].y < 12-1e-9 {
				t.Errorf("%v: names at %v and %v", ends, names[i-1].y, names[i].y)
			}
			if names[i].endY < names[i-1].endY {
				t.Errorf("%v: leaders cross", ends)
			}
		}
		if first, last := names[0].y, names[len(names)-1].y; first < -1e-9 || last > 100+1e-9 {
			t.Errorf("%v: names from %v to %v", ends, first, last)
		}
	}
}

func example() *Chart {
	return &Chart{
		Title: "Latency <&>", Width: 400, X: Axis{Title: "x"},
		Panels: []Panel{{
			Height: 100, Y: Axis{Log: true, Title: "y"},
			Lines: []Line{
				{Name: "a", Points: []Point{{0, 1}, {1, 0}, {2, 30}, {3, math.NaN()}}},
				{Name: "b", Style: 1, Simulated: true, Points: []Point{{0, 5}, {3, 7}}},
				{Name: "nothing", Style: 2},
			},
			Rug: []float64{0, 0.0001, 2}, Stalls: []Span{{1, 1}}, WarmUp: []Span{{0, 1}}, Rings: []Ring{{X: 2, Y: 30}, {X: 1, Y: 0}, {X: 1, Y: 2, Style: -1}},
		}, {Height: 50}},
	}
}

func TestChart(t *testing.T) {
	svg := example().SVG()
	wellFormed(t, svg)
	for _, want := range []string{"Latency &lt;&amp;&gt;", SimulatedNote, `class="line s1 dashed"`, `class="hollow s1"`, `class="solid s0"`,
		"the broker was stopped", "warm-up", "b (simulated store)", "no figures", `class="knee s0"`, `class="cross"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in %s", want, svg)
		}
	}
	if got := strings.Count(svg, `class="solid s0"`); got != 2 {
		t.Errorf("%d markers on a line of two points that can be drawn", got)
	}
	if svg != example().SVG() {
		t.Error("drawn otherwise the second time")
	}
}

// A line is broken where it has no value, and is thinned to what one sees.
func TestLinesAreBrokenAndThinned(t *testing.T) {
	l := Line{Markers: []float64{}}
	for i := range 10_000 {
		l.Points = append(l.Points, Point{float64(i), 1})
	}
	l.Points[5000].Y = math.NaN()
	c := Chart{Width: 400, Panels: []Panel{{Height: 100, Lines: []Line{l}}}}
	svg := c.SVG()
	_, path, _ := strings.Cut(svg, `class="line s0" d="`)
	path, _, _ = strings.Cut(path, `"`)
	if m, l := strings.Count(path, "M"), strings.Count(path, "L"); m != 2 || l > 500 {
		t.Errorf("%d pieces with %d points", m, l)
	}
}

func TestRanges(t *testing.T) {
	r := Ranges{Title: "t", Width: 400, X: Axis{Log: true}, Rows: []Range{
		{Name: "a", Values: []float64{1, 2, 3}, Text: "2 ms"}, {Name: "b", Style: 9, Simulated: true, Under: "simulated store", Values: []float64{100}}, {Name: "c"}, {Name: "d", Values: []float64{0, math.Inf(1)}}}}
	svg := r.SVG()
	wellFormed(t, svg)
	for _, want := range []string{SimulatedNote, "2 ms", `class="hollow s1"`, "simulated store"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q", want)
		}
	}
	if got := strings.Count(svg, "no figures"); got != 2 {
		t.Errorf("%d rows without figures", got)
	}
	wellFormed(t, (&Ranges{}).SVG())
	wellFormed(t, (&Chart{}).SVG())
	wellFormed(t, Swatch(-3, true))
}

func TestMarkersDiffer(t *testing.T) {
	seen := map[string]int{}
	for s := range Styles {
		m := marker(s, 0, 0, 3)
		if other, ok := seen[m]; ok {
			t.Errorf("styles %d and %d have one marker", other, s)
		}
		seen[m] = s
	}
}

func FuzzChart(f *testing.F) {
	f.Add("a", 1.0, 2.0, true)
	f.Add("\x00\xff<", math.MaxFloat64, -math.MaxFloat64, false)
	f.Add("", math.SmallestNonzeroFloat64, math.MaxFloat64, true)
	f.Fuzz(func(t *testing.T, name string, x, y float64, log bool) {
		c := Chart{Title: name, Width: 400, X: Axis{Log: log}, Panels: []Panel{{Height: 100, Y: Axis{Log: log},
			Lines: []Line{{Name: name, Points: []Point{{x, y}, {y, x}}}}, Rug: []float64{x}, Stalls: []Span{{x, y}}}}}
		wellFormed(t, c.SVG())
	})
}
