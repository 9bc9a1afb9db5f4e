package hist

import (
	"math"
	"testing"
	"time"
)

func TestHistogramKeepsQuantiles(t *testing.T) {
	h, other := New(), New()
	for i := 1; i <= 10_000; i++ {
		into := h
		if i%3 == 0 {
			into = other
		}
		into.Record(time.Duration(i) * 10 * time.Microsecond)
	}
	h.Add(other)
	s := h.Summary()
	if s.Count != 10_000 {
		t.Fatalf("%d values", s.Count)
	}
	for _, q := range []struct {
		got  time.Duration
		want float64 // ms
	}{{s.P50, 50}, {s.P95, 95}, {s.P99, 99}, {s.P999, 99.9}, {s.Max, 100}} {
		if got := q.got.Seconds() * 1000; math.Abs(got-q.want) > q.want*0.002 {
			t.Errorf("%v ms, want %v within 0.2 %%", got, q.want)
		}
	}
}

func TestHistogramTakesAnyDuration(t *testing.T) {
	h := New()
	for _, d := range []time.Duration{-1, 0, 1, time.Microsecond, latencyMax, 100 * latencyMax} {
		h.Record(d)
	}
	if s := h.Summary(); s.Count != 6 || s.Max < latencyMax {
		t.Errorf("%+v", s)
	}
}
