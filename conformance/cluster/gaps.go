package main

import (
	"context"
	"sync"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// gaps watches the acks of a load, or its tail reader.
type gaps struct {
	mu      sync.Mutex
	last    time.Time // of the latest ack or read
	longest time.Duration
	// waiting is closed by the first ack of a record sent after since.
	waiting chan time.Time
	since   time.Time
}

// note is the OnAck of a load.
func (g *gaps) note(a load.Ack) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count(a.At)
	if g.waiting != nil && a.Sent.After(g.since) {
		g.waiting <- a.At
		g.waiting = nil
	}
}

// noteRead is the OnRead of a load.
func (g *gaps) noteRead(at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count(at)
}

// count is called with mu held.
func (g *gaps) count(at time.Time) {
	if !g.last.IsZero() {
		g.longest = max(g.longest, at.Sub(g.last))
	}
	g.last = at
}

// begin starts a new watch for the longest time without one.
func (g *gaps) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.longest = 0
}

// end is the longest time without one since begin, up to now.
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
