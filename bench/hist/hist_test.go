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

func TestHistogramOfNothing(t *testing.T) {
	h := New()
	h.Record(time.Second)
	h.Reset()
	if s := h.Summary(); s != (Summary{}) || h.Mean() != 0 || h.Buckets(0) != nil {
		t.Errorf("%+v", s)
	}
}

// Coarser buckets count the same values, and their bounds rise by the share.
func TestBuckets(t *testing.T) {
	h := New()
	for i := range 100_000 {
		h.Record(time.Duration(i) * 7 * time.Microsecond)
	}
	fine, coarse := h.Buckets(0), h.Buckets(0.01)
	if len(coarse) > 1000 || len(coarse) >= len(fine) {
		t.Errorf("%d buckets of %d", len(coarse), len(fine))
	}
	var all int64
	for i, b := range coarse {
		all += b.Count
		if i > 0 && b.UpTo <= coarse[i-1].UpTo {
			t.Fatalf("bucket %d is up to %v, the one before up to %v", i, b.UpTo, coarse[i-1].UpTo)
		}
	}
	if all != 100_000 || coarse[len(coarse)-1].UpTo != fine[len(fine)-1].UpTo {
		t.Errorf("%d values up to %v", all, coarse[len(coarse)-1].UpTo)
	}
}
