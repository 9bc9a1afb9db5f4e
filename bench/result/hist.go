package result

import (
	"time"

	"github.com/seawallmq/seawall/bench/hist"
)

// bucketCoarseness keeps a histogram to some hundred buckets: finer than anybody
// sees in a curve. Summaries are exact to 0.1 %.
const bucketCoarseness = 0.01

// HistogramOf is what h counted.
func HistogramOf(h *hist.Histogram) Histogram {
	out := Histogram{Summary: SummaryOf(h)}
	for _, b := range h.Buckets(bucketCoarseness) {
		out.Buckets = append(out.Buckets, Bucket(b))
	}
	return out
}

// SummaryOf sums h up.
func SummaryOf(h *hist.Histogram) Summary {
	s := h.Summary()
	return Summary{
		Count: s.Count, Mean: h.Mean(), P50: s.P50, P90: h.Quantile(0.9), P95: s.P95, P99: s.P99,
		P999: s.P999, P9999: h.Quantile(0.9999), Max: s.Max,
	}
}

// PointOf sums h up as a second that began at a time.
func PointOf(at time.Duration, acked, bytes int64, h *hist.Histogram) Point {
	s := h.Summary()
	return Point{At: at, Acked: acked, Bytes: bytes, P50: s.P50, P99: s.P99, Max: s.Max}
}
