// Package leap is a clock for tests of what waits: its timers are due at once,
// and take its time with them. What waits one after another takes exactly as
// long as it asked for, and no time at all.
//
// What waits at once takes as long as if it waited one after another: such tests
// want clock.Manual. So do time-outs, which would be over before they began.
//
// Goroutines: one a timer, gone when its callback returns. Locks: the clock's
// own, a leaf.
package leap

import (
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// Clock is the clock. The zero Clock stands at the zero time.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

var _ clock.Clock = (*Clock)(nil)

// New makes a clock that stands at start.
func New(start time.Time) *Clock { return &Clock{now: start} }

// Now implements clock.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc implements clock.Clock: d passes, and f is called.
func (c *Clock) AfterFunc(d time.Duration, f func()) clock.Timer {
	c.mu.Lock()
	c.now = c.now.Add(max(d, 0))
	c.mu.Unlock()
	go f()
	return fired{}
}

// Time is how long op takes by the clock.
func (c *Clock) Time(op func()) time.Duration {
	began := c.Now()
	op()
	return c.Now().Sub(began)
}

// fired is a timer that nobody stops in time.
type fired struct{}

func (fired) Stop() bool { return false }
