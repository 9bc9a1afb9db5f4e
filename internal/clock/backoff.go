package clock

import (
	"context"
	"time"
)

// Backoff spaces out attempts at what may fail: the pause after the first is
// Min long, each further one twice as long, and none longer than Max.
type Backoff struct {
	Min, Max time.Duration
	// Random takes up to half off each pause, so that nodes which failed
	// together do not come back in step. It may be nil.
	Random func() uint64

	pause time.Duration // the last one, before jitter
}

// Next is how long the pause after another failed attempt is to be.
func (b *Backoff) Next() time.Duration {
	b.pause = min(max(2*b.pause, b.Min), b.Max)
	if b.Random == nil {
		return b.pause
	}
	return b.pause - time.Duration(b.Random()%uint64(b.pause/2+1))
}

// Wait waits for Next, or until ctx is done, whose error it then returns.
func (b *Backoff) Wait(ctx context.Context, c Clock) error {
	return Sleep(ctx, c, b.Next())
}

// Reset makes the next pause the first again: an attempt succeeded.
func (b *Backoff) Reset() { b.pause = 0 }
