package upload

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 10 * time.Second
)

// backoff waits between attempts: doubling up to backoffMax, with up to half
// of it random, so that nodes do not come back to a store in step.
type backoff struct{ next time.Duration }

func (b *backoff) wait(ctx context.Context, c clock.Clock, random func() uint64) error {
	b.next = min(max(2*b.next, backoffMin), backoffMax)
	return clock.Sleep(ctx, c, b.next/2+time.Duration(random()%uint64(b.next/2+1)))
}
