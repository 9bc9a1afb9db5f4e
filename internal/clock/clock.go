// Package clock is time as a constructor argument, so that a simulation can
// own it.
//
// Owns: the Clock interface, the wall clock and a manual clock for tests; how
// pauses between attempts grow. Does not own: any deadline or policy. Goroutines: the wall clock's callbacks
// run on the runtime's timer goroutines; Manual runs them in the goroutine
// that advances it. Locks: Manual's own, never held over a callback.
package clock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Clock tells time and calls back after some. Time is used for time-outs,
// pacing and timestamps, never to order or to fence.
type Clock interface {
	// Now is the current time; in production it carries a monotonic reading.
	Now() time.Time
	// AfterFunc calls f once, in a goroutine of the clock's choice, when d has
	// passed. f must not block.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending call of AfterFunc.
type Timer interface {
	// Stop prevents the call and says whether it did so in time.
	Stop() bool
}

// Wall is the machine's clock.
func Wall() Clock { return wall{} }

type wall struct{}

func (wall) Now() time.Time                            { return time.Now() }
func (wall) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// Sleep waits for d or until ctx is done, whose error it then returns.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	done := make(chan struct{})
	t := c.AfterFunc(d, func() { close(done) })
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return nil
	}
}

// Manual is a clock that moves only when told to.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer // by deadline, earliest first; ties in order of making
}

type manualTimer struct {
	c  *Manual
	at time.Time
	f  func()
}

// NewManual makes a manual clock that stands at start.
func NewManual(start time.Time) *Manual { return &Manual{now: start} }

// Now is the time the clock stands at.
func (c *Manual) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f from the Advance that passes now+d.
func (c *Manual) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &manualTimer{c: c, at: c.now.Add(max(d, 0)), f: f}
	i, _ := slices.BinarySearchFunc(c.timers, t, func(a, b *manualTimer) int {
		if a.at.After(b.at) {
			return 1
		}
		return -1
	})
	c.timers = slices.Insert(c.timers, i, t)
	return t
}

// Stop prevents the timer's call and says whether it did so in time.
func (t *manualTimer) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	i := slices.Index(t.c.timers, t)
	if i < 0 {
		return false
	}
	t.c.timers = slices.Delete(t.c.timers, i, i+1)
	return true
}

// Advance moves the clock by d and runs, in order of their deadlines, the
// callbacks that fall due, also those that callbacks add.
func (c *Manual) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for len(c.timers) > 0 && !c.timers[0].at.After(end) {
		t := c.timers[0]
		c.timers = slices.Delete(c.timers, 0, 1)
		c.now = t.at
		c.mu.Unlock()
		t.f()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

// Next is the earliest pending deadline, if there is one.
func (c *Manual) Next() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 {
		return time.Time{}, false
	}
	return c.timers[0].at, true
}
