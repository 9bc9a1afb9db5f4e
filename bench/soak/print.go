package soak

import (
	"fmt"
	"io"
	"time"
)

// Text prints the report.
func (r *Report) Text(w io.Writer) {
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
	fmt.Fprintf(w, "%d records acknowledged at %.1f MB/s, %d failed, %d consumed; ack p50 %v, p99 %v, max %v\n",
		r.Acked, r.BytesPerSecond/1e6, r.Failed, r.Consumed, round(r.P50), round(r.P99), round(r.Max))
	if r.Saturation != "" {
		fmt.Fprintf(w, "the latencies tell of the driver: %s\n", r.Saturation)
	}
	const rows = 10
	for i := 0; i < len(r.Samples); i += max(len(r.Samples)/rows, 1) {
		s := r.Samples[i]
		fmt.Fprintf(w, "after %-8v %6.1f MB resident, of it %6.1f MB heap, %5.1f MB mapped files; %d goroutines, %d files\n", s.At.Round(time.Second),
			float64(s.ResidentBytes)/1e6, float64(s.HeapBytes)/1e6, float64(s.FileBytes)/1e6, s.Goroutines, s.Files)
	}
	for _, t := range r.Trends {
		verdict := "flat"
		if t.Grows() {
			verdict = "GROWS"
		}
		fmt.Fprintf(w, "%-14s %14.0f early, %14.0f late, at most %14.0f: %s\n", t.What, t.Early, t.Late, t.Allowed, verdict)
	}
}
