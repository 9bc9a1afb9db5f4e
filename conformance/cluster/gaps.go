package main

import (
	"context"
	"sync"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// gaps watches the acks of a load.
type gaps struct {
	mu      sync.Mutex
	last    time.Time // of the latest ack
	longest time.Duration
	// waiting is closed by the first ack of a record sent after since.
	waiting chan time.Time
	since   time.Time
}

// note is the OnAck of a load.
func (g *gaps) note(a load.Ack) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.last.IsZero() {
		g.longest = max(g.longest, a.At.Sub(g.last))
	}
	g.last = a.At
	if g.waiting != nil && a.Sent.After(g.since) {
		g.waiting <- a.At
		g.waiting = nil
	}
}

// begin starts a new watch for the longest time without an ack.
func (g *gaps) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.longest = 0
}

// end is the longest time without an ack since begin, up to now.
func (g *gaps) end() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(g.longest, time.Since(g.last))
}

// await is the moment of the first ack of a record sent after since.
func (g *gaps) await(ctx context.Context, since time.Time) (time.Time, error) {
	first := make(chan time.Time, 1)
	g.mu.Lock()
	g.waiting, g.since = first, since
	g.mu.Unlock()
	select {
	case at := <-first:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
}
