package result

import (
	"encoding/csv"
	"io"
	"strconv"
)

// CSV writes every histogram of a result: a line a bucket, with what share of
// all values is at most its bound. The last column says whether the arm's object
// store was a simulated one.
func CSV(w io.Writer, r *Result) error {
	out := csv.NewWriter(w)
	// Errors stay with the writer until Flush.
	_ = out.Write([]string{"scenario", "arm", "kind", "up_to_ns", "count", "cumulative_share", "simulated_store"})
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		for j := range s.Arms {
			a := &s.Arms[j]
			store := r.StoreOf(a.Arm)
			simulated := strconv.FormatBool(store != nil && store.Simulated)
			for _, k := range a.Kinds() {
				for _, c := range k.Histogram.Cumulative() {
					_ = out.Write([]string{s.Name, a.Arm, k.Name, strconv.FormatInt(int64(c.UpTo), 10),
						strconv.FormatInt(c.Count, 10), strconv.FormatFloat(c.Share, 'f', -1, 64), simulated})
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

// Cumulated is a bucket, and what share of all values is at most its bound.
type Cumulated struct {
	Bucket
	Share float64 // 0 < Share ≤ 1, unless nothing was counted
}

// Cumulative adds the buckets up.
func (h *Histogram) Cumulative() []Cumulated {
	var all, below float64 // floats, as counts that were read may overflow
	for _, b := range h.Buckets {
		all += float64(b.Count)
	}
	out := make([]Cumulated, 0, len(h.Buckets))
	for _, b := range h.Buckets {
		below += float64(b.Count)
		share := 0.0
		if all > 0 {
			share = below / all
		}
		out = append(out, Cumulated{b, share})
	}
	return out
}
