package report

import (
	"slices"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
)

// Spread is a figure over the rounds of a run.
type Spread struct {
	N                int
	Median, Min, Max float64
}

// spread sums up values; none give a Spread with N of zero.
func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	s := Spread{N: len(v), Min: v[0], Max: v[len(v)-1], Median: v[len(v)/2]}
	if len(v)%2 == 0 {
		s.Median = (v[len(v)/2-1] + v[len(v)/2]) / 2
	}
	return s
}

// known is s unless it is nothing but zeros, which stand for what was not
// measured.
func known(s Spread) Spread {
	if s.Max == 0 {
		return Spread{}
	}
	return s
}

// milliseconds spreads durations, in milliseconds.
func milliseconds(durations []time.Duration) Spread {
	var v []float64
	for _, d := range durations {
		v = append(v, ms(d))
	}
	return spread(v)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// over spreads what f says of each round; f's false leaves a round out.
func (b *Broker) over(f func(*Round) (float64, bool)) Spread {
	if b == nil {
		return Spread{}
	}
	var values []float64
	for i := range b.Rounds {
		if v, ok := f(&b.Rounds[i]); ok {
			values = append(values, v)
		}
	}
	return spread(values)
}

// rated spreads what f says of the load at a rate.
func (b *Broker) rated(ratePerSecond float64, f func(*Rated) float64) Spread {
	return b.over(func(r *Round) (float64, bool) {
		for i := range r.Rated {
			if r.Rated[i].RatePerSecond == ratePerSecond {
				return f(&r.Rated[i]), true
			}
		}
		return 0, false
	})
}

// latency spreads one quantile at a rate, in milliseconds.
func (b *Broker) latency(ratePerSecond float64, quantile func(hist.Summary) time.Duration) Spread {
	return b.rated(ratePerSecond, func(r *Rated) float64 { return ms(quantile(r.Latency)) })
}

// unthrottled spreads what f says of the load without a rate.
func (b *Broker) unthrottled(f func(*Unthrottled) float64) Spread {
	return b.over(func(r *Round) (float64, bool) {
		if r.Unthrottled == nil {
			return 0, false
		}
		return f(r.Unthrottled), true
	})
}

func p50(s hist.Summary) time.Duration  { return s.P50 }
func p95(s hist.Summary) time.Duration  { return s.P95 }
func p99(s hist.Summary) time.Duration  { return s.P99 }
func p999(s hist.Summary) time.Duration { return s.P999 }
