package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Loads are loads on topics of one broker, at work together.
type Loads []*Load

// Close stops all.
func (ls Loads) Close() {
	for _, l := range ls {
		l.Close()
	}
}

// Resume lets the producers of all send again.
func (ls Loads) Resume() {
	for _, l := range ls {
		l.Resume()
	}
}

// Counts is how many records were sent and acknowledged so far.
func (ls Loads) Counts() (sent, acked int64) {
	for _, l := range ls {
		s, a := l.Counts()
		sent, acked = sent+s, acked+a
	}
	return sent, acked
}

// WaitAck waits for an ack of each after a moment and returns when the last of
// them came.
func (ls Loads) WaitAck(ctx context.Context, after time.Time) (last time.Time, err error) {
	for _, l := range ls {
		at, err := l.WaitAck(ctx, after)
		if err != nil {
			return last, fmt.Errorf("topic %s: %w", l.cfg.Topic, err)
		}
		if at.After(last) {
			last = at
		}
	}
	return last, nil
}

// Verify verifies one after the other, all paused before; the reading is of all.
func (ls Loads) Verify(ctx context.Context) (total Reading, err error) {
	for _, l := range ls {
		if err := l.Pause(ctx); err != nil {
			return total, fmt.Errorf("topic %s: %w", l.cfg.Topic, errors.Join(err, context.Cause(ctx), l.Problem()))
		}
	}
	for _, l := range ls {
		r, err := l.Verify(ctx)
		total.Records += r.Records
		total.Bytes += r.Bytes
		total.Duration += r.Duration
		if err != nil {
			return total, fmt.Errorf("topic %s: %w", l.cfg.Topic, err)
		}
	}
	return total, nil
}
