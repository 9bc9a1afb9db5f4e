package digest

import (
	"slices"
	"time"

	"github.com/seawallmq/seawall/bench/result"
)

// Spread is a figure over rounds.
type Spread struct {
	N                int // how many rounds
	Median, Min, Max float64
}

// spread sums up values; of none, everything is 0.
func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	middle := len(v) / 2
	s := Spread{N: len(v), Min: v[0], Max: v[len(v)-1], Median: v[middle]}
	if len(v)%2 == 0 {
		s.Median = (v[middle-1] + v[middle]) / 2
	}
	return s
}

// Usage is what an arm asked of its object store, a second, averaged over the
// windows of all rounds.
type Usage struct {
	Known                 bool               // some requests were counted
	RequestsPerSecond     map[string]float64 // by operation: PUT, GET, LIST, DELETE
	StoredBytesPerSecond  float64
	FetchedBytesPerSecond float64
	AckedBytesPerSecond   float64
}

func usageOf(rounds []result.Round, duration time.Duration) Usage {
	u := Usage{RequestsPerSecond: map[string]float64{}}
	var seconds float64
	for i := range rounds {
		round := &rounds[i]
		window := round.Window
		if window <= 0 {
			window = duration
		}
		if window <= 0 {
			continue
		}
		seconds += window.Seconds()
		for operation, n := range round.Requests {
			u.Known = true
			u.RequestsPerSecond[operation] += n
		}
		u.StoredBytesPerSecond += round.Stored
		u.FetchedBytesPerSecond += round.Fetched
		u.AckedBytesPerSecond += round.AckedBytesPerSecond * window.Seconds()
	}
	if seconds == 0 {
		return Usage{}
	}
	for operation := range u.RequestsPerSecond {
		u.RequestsPerSecond[operation] /= seconds
	}
	u.StoredBytesPerSecond /= seconds
	u.FetchedBytesPerSecond /= seconds
	u.AckedBytesPerSecond /= seconds
	return u
}
