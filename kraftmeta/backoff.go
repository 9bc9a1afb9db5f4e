package kraftmeta

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// backoff spaces out attempts: the first comes soon, since a new controller
// stands ready within a second.
type backoff struct {
	clock clock.Clock
	next  time.Duration
}

const (
	retryFirst  = 5 * time.Millisecond
	retryAtMost = 500 * time.Millisecond
)

func newBackoff(c clock.Clock) *backoff { return &backoff{clock: c, next: retryFirst} }

// wait waits before the next attempt and returns ctx's error if it ended.
func (b *backoff) wait(ctx context.Context) error {
	d := b.next
	b.next = min(2*b.next, retryAtMost)
	return clock.Sleep(ctx, b.clock, d)
}

func (b *backoff) reset() { b.next = retryFirst }
