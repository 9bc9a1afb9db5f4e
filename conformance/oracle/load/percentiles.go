package load

import (
	"fmt"
	"slices"
	"time"
)

// Percentiles are the middle and the worst of durations, in whole milliseconds,
// as the runs print them.
func Percentiles(d []time.Duration) string {
	if len(d) == 0 {
		return "none"
	}
	d = slices.Sorted(slices.Values(d))
	at := func(percent int) int64 { return d[(len(d)-1)*percent/100].Milliseconds() }
	return fmt.Sprintf("p50 %d ms, p90 %d ms, worst %d ms", at(50), at(90), at(100))
}
