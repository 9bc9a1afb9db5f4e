package main

import (
	"fmt"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// bySecond are the latencies of acks, in µs, a second each.
type bySecond []*hdrhistogram.Histogram

// latencies are what a phase of a load came to, in µs. p50 and p99 are those of
// the median second, so that a moment in which something else took the
// machine, in one phase and not in the other, does not decide.
type latencies struct {
	acks     int64
	p50, p99 int64
	max      int64
}

func (s bySecond) latencies() latencies {
	var l latencies
	var p50, p99 []int64
	for _, h := range s {
		l.acks += h.TotalCount()
		l.max = max(l.max, h.Max())
		p50 = append(p50, h.ValueAtQuantile(50))
		p99 = append(p99, h.ValueAtQuantile(99))
	}
	l.p50, l.p99 = median(p50), median(p99)
	return l
}

func median(values []int64) int64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// String is the latencies in milliseconds.
func (l latencies) String() string {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return fmt.Sprintf("%d acks, p50 %.2f ms and p99 %.2f ms of the median second, max %.2f ms", l.acks, ms(l.p50), ms(l.p99), ms(l.max))
}

// figures are the latencies of one histogram as a whole.
func figures(h *hdrhistogram.Histogram) string {
	ms := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	return fmt.Sprintf("%d acks, p50 %.2f ms, p99 %.2f ms, max %.2f ms", h.TotalCount(), ms(50), ms(99), ms(100))
}
