package load

import (
	"time"

	"github.com/seawallmq/seawall/bench/scenario"
)

// timing says when the records of all producers are due, which take turns.
type timing struct {
	rate      scenario.Rate
	producers int
	// first is the number of the first record that is due; those before it made
	// the connections.
	first uint64
	start time.Time
	// The window that counts.
	open, shut time.Time
}

func newTiming(s *scenario.Scenario, first uint64, start time.Time) *timing {
	open := start.Add(s.WarmUp)
	return &timing{rate: s.Rate, producers: s.Producers, first: first, start: start, open: open, shut: open.Add(s.Duration)}
}

// due is when a record of a producer is to be sent; seq is not below first.
func (t *timing) due(producer uint32, seq uint64) time.Time {
	n := float64(seq-t.first)*float64(t.producers) + float64(producer)
	return t.start.Add(t.rate.Due(n, t.shut.Sub(t.start)))
}

// counts says whether something that was due at a time is part of the window.
func (t *timing) counts(due time.Time) bool { return !due.Before(t.open) && due.Before(t.shut) }
