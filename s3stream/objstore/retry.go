package objstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// RetryOptions bound what Retry does for one operation. Zero values take the
// defaults.
type RetryOptions struct {
	Attempts       int           // at most; default 10
	Total          time.Duration // after which no attempt begins or goes on; default 2 minutes
	AttemptTimeout time.Duration // for each attempt, so that a hung store is noticed; default 30 s
	BackoffMin     time.Duration // bound of the first wait, doubled for each further one; default 50 ms
	BackoffMax     time.Duration // bound of any wait; default 5 s
}

func (o RetryOptions) withDefaults() RetryOptions {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	if o.Attempts <= 0 {
		o.Attempts = 10
	}
	set(&o.Total, 2*time.Minute)
	set(&o.AttemptTimeout, 30*time.Second)
	set(&o.BackoffMin, 50*time.Millisecond)
	set(&o.BackoffMax, 5*time.Second)
	return o
}

// Retry is a Store that repeats what failed for a reason that may pass, each
// operation within bounds of its own: no quota is shared, so that an outage
// leaves nothing behind that would fail later requests.
//
// Between attempts it waits a random part of a bound that doubles (full
// jitter). It gives up with the last attempt's error.
//
// A write whose answer was lost is recognised as done: where an attempt may
// have succeeded unseen, and a later one meets an object (or misses the
// upload), or none succeeds, the object's length and checksum decide. This
// takes an object of the same content under the key for one's own, which is
// right where keys are unique, as objfmt's are.
type Retry struct {
	s     Store
	clock clock.Clock
	rand  func(n int64) int64
	o     RetryOptions

	pacer    Pacer
	priority Priority
}

var _ Store = (*Retry)(nil)

// errAttemptTimeout is the cause of an attempt's end by its own time-out.
var errAttemptTimeout = errors.New("attempt timed out")

// NewRetry wraps s. rand gives a random number in [0, n) and is safe for
// concurrent use, as math/rand/v2.Int64N is.
func NewRetry(s Store, c clock.Clock, rand func(n int64) int64, o RetryOptions) *Retry {
	return &Retry{s: s, clock: c, rand: rand, o: o.withDefaults(), pacer: Pacers{}}
}

// Paced is r for one kind of work: every byte sent or asked for, by each
// attempt anew, waits for its turn at p. That wait is charged to no bound of
// RetryOptions.
func (r *Retry) Paced(pacer Pacer, p Priority) *Retry {
	paced := *r
	paced.pacer, paced.priority = pacer, p
	return &paced
}

// Within is r with another AttemptTimeout.
func (r *Retry) Within(attempt time.Duration) *Retry {
	other := *r
	other.o.AttemptTimeout = attempt
	return &other
}

// do calls try until it succeeds, fails for good, or a bound is reached.
func (r *Retry) do(ctx context.Context, op, key string, try func(context.Context) error) error {
	return r.move(ctx, op, key, func() int64 { return 0 }, try)
}

// move is do for what moves bytes: as many as the next attempt will.
func (r *Retry) move(ctx context.Context, op, key string, bytes func() int64, try func(context.Context) error) error {
	var spent time.Duration // attempts and pauses, without the waits for a turn
	for n := 1; ; n++ {
		if err := r.pacer.Wait(ctx, r.priority, bytes()); err != nil {
			return Wrap(op, key, err)
		}
		start := r.clock.Now().Add(-spent)
		err := r.attempt(ctx, op, key, r.o.Total-spent, try)
		if err == nil || !Retriable(err) || ctx.Err() != nil {
			return err
		}
		wait := r.backoff(n)
		if spent = r.clock.Now().Sub(start); n == r.o.Attempts || spent+wait >= r.o.Total {
			return gaveUp(op, key, n, spent, err)
		}
		if err := clock.Sleep(ctx, r.clock, wait); err != nil {
			return Wrap(op, key, err)
		}
		spent += wait
	}
}

// gaveUp adds to the last attempt's reason how much was tried.
func gaveUp(op, key string, attempts int, spent time.Duration, err error) error {
	var last *Error
	if errors.As(err, &last) {
		err = last.Err // it would name operation and key once more
	}
	return &Error{Op: op, Key: key, Err: fmt.Errorf("gave up after %d attempts in %v: %w", attempts, spent.Round(time.Millisecond), err)}
}

// attempt calls try once, for at most the attempt's time-out or what is left.
func (r *Retry) attempt(ctx context.Context, op, key string, left time.Duration, try func(context.Context) error) error {
	limit := min(r.o.AttemptTimeout, left)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := r.clock.AfterFunc(limit, func() { cancel(errAttemptTimeout) })
	defer timer.Stop()
	err := try(ctx)
	if err != nil && context.Cause(ctx) == errAttemptTimeout {
		return &Error{Op: op, Key: key, Err: fmt.Errorf("%w: no answer within %v", ErrUnavailable, limit)}
	}
	return err
}

// backoff is how long to wait after attempt n.
func (r *Retry) backoff(n int) time.Duration {
	bound := r.o.BackoffMax
	if shift := n - 1; shift < 30 {
		bound = min(bound, r.o.BackoffMin<<shift)
	}
	return time.Duration(r.rand(int64(bound) + 1))
}

// refused says whether an error means for certain that a write did not happen.
func refused(err error) bool {
	for _, kind := range []error{ErrConflict, ErrPreconditionFailed, ErrNotFound, ErrDenied, ErrInvalid} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// write repeats a write. Once an attempt may have succeeded unseen, an error
// that telltale names means that it probably did: then, and when all attempts
// are spent, settle looks.
func (r *Retry) write(ctx context.Context, op, key string, bytes int64, try func(context.Context) error,
	telltale func(error) bool, settle func(context.Context) (bool, error)) error {
	unknown := false
	err := r.move(ctx, op, key, func() int64 { return bytes }, func(ctx context.Context) error {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if unknown && telltale(err) {
			done, headErr := settle(ctx)
			switch {
			case headErr != nil:
				return headErr
			case done:
				return nil
			}
		}
		unknown = unknown || !refused(err)
		return err
	})
	if err != nil && unknown && Retriable(err) && ctx.Err() == nil {
		done := false
		headErr := r.attempt(ctx, "head", key, r.o.AttemptTimeout, func(ctx context.Context) (err error) {
			done, err = settle(ctx)
			return err
		})
		if headErr == nil && done {
			return nil
		}
	}
	return err
}

// holds says whether the object under key has the length and, where the store
// keeps one, the checksum. No object is no error.
func (r *Retry) holds(ctx context.Context, key string, size int64, sum uint32) (bool, error) {
	info, err := r.s.Head(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && info.Size == size && (!info.HasCRC || info.CRC32C == sum), err
}

// Put implements Store.
func (r *Retry) Put(ctx context.Context, key string, body Body, opts PutOptions) error {
	return r.write(ctx, "put", key, body.Size,
		func(ctx context.Context) error { return r.s.Put(ctx, key, body, opts) },
		func(err error) bool { return errors.Is(err, ErrPreconditionFailed) },
		func(ctx context.Context) (bool, error) { return r.holds(ctx, key, body.Size, body.CRC32C) })
}

// GetRange implements Store. A further attempt goes on where the last one
// broke off.
func (r *Retry) GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	got := 0
	err := r.move(ctx, "get", key, func() int64 { return int64(len(dst) - got) }, func(ctx context.Context) error {
		n, err := r.s.GetRange(ctx, key, off+int64(got), dst[got:])
		got += n
		return err
	})
	return got, err
}

// Head implements Store.
func (r *Retry) Head(ctx context.Context, key string) (info Info, err error) {
	err = r.do(ctx, "head", key, func(ctx context.Context) (err error) {
		info, err = r.s.Head(ctx, key)
		return err
	})
	return info, err
}

// Delete implements Store.
func (r *Retry) Delete(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	return r.do(ctx, "delete", keys[0], func(ctx context.Context) error { return r.s.Delete(ctx, keys...) })
}

// List implements Store.
func (r *Retry) List(ctx context.Context, prefix, startAfter string, max int) (entries []Entry, err error) {
	err = r.do(ctx, "list", prefix, func(ctx context.Context) (err error) {
		entries, err = r.s.List(ctx, prefix, startAfter, max)
		return err
	})
	return entries, err
}

// AbortUploads implements Store.
func (r *Retry) AbortUploads(ctx context.Context, prefix string, before time.Time) (total int, err error) {
	err = r.do(ctx, "abort", prefix, func(ctx context.Context) error {
		n, err := r.s.AbortUploads(ctx, prefix, before)
		total += n
		return err
	})
	return total, err
}
