// Package hist counts durations, with quantiles exact to 0.1 %.
//
// Owns: the histogram and its summary. Does not own: what a duration means.
// Goroutines and locks: none.
package hist

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// latencyMax is the largest latency told apart; longer ones count as it.
	latencyMax = 10 * time.Minute
	// significantDigits of every value are kept: an error of 0.1 % at most.
	significantDigits = 3
)

// Histogram counts durations of a microsecond and more. It is not safe for
// concurrent use.
type Histogram struct{ hdr *hdrhistogram.Histogram }

// New makes an empty histogram.
func New() *Histogram {
	return &Histogram{hdrhistogram.New(int64(time.Microsecond), int64(latencyMax), significantDigits)}
}

// Record counts d.
func (h *Histogram) Record(d time.Duration) {
	// Cannot fail within the bounds.
	_ = h.hdr.RecordValue(int64(min(max(d, 0), latencyMax)))
}

// Add counts what other counted.
func (h *Histogram) Add(other *Histogram) { h.hdr.Merge(other.hdr) }

// Reset forgets everything.
func (h *Histogram) Reset() { h.hdr.Reset() }

// Mean is the average; 0 of nothing.
func (h *Histogram) Mean() time.Duration {
	if h.hdr.TotalCount() == 0 {
		return 0
	}
	return time.Duration(h.hdr.Mean())
}

// Bucket counts values of at most UpTo that are more than the bucket before.
type Bucket struct {
	UpTo  time.Duration
	Count int64
}

// Buckets are those that count anything, by rising bounds, each of which is at
// least by the given share more than the one before: finer ones are put
// together.
func (h *Histogram) Buckets(coarseness float64) []Bucket {
	var out []Bucket
	var first float64 // where the bucket that is filled began
	for _, bar := range h.hdr.Distribution() {
		if bar.Count == 0 {
			continue
		}
		if len(out) == 0 || float64(bar.To) > first*(1+coarseness) {
			out = append(out, Bucket{})
			first = float64(bar.To)
		}
		last := &out[len(out)-1]
		last.UpTo = time.Duration(bar.To)
		last.Count += bar.Count
	}
	return out
}

// Quantile is the duration that a share q of all did not exceed, 0 ≤ q ≤ 1.
func (h *Histogram) Quantile(q float64) time.Duration {
	return time.Duration(h.hdr.ValueAtQuantile(100 * q))
}

// Summary is a histogram in a few numbers, for reports.
type Summary struct {
	Count int64         `json:"count"`
	P50   time.Duration `json:"p50_ns"`
	P95   time.Duration `json:"p95_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Summary sums up; all is zero of nothing.
func (h *Histogram) Summary() Summary {
	if h.hdr.TotalCount() == 0 {
		return Summary{}
	}
	return Summary{
		Count: h.hdr.TotalCount(),
		P50:   h.Quantile(0.50), P95: h.Quantile(0.95), P99: h.Quantile(0.99), P999: h.Quantile(0.999),
		Max: time.Duration(h.hdr.Max()),
	}
}
