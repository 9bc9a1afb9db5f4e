package fault

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// Op is an operation about to happen.
type Op struct {
	Name string // put, get, head, delete, list, create, part, complete, abort
	Key  string // or prefix
	N    int    // how many operations came before this one, on this Store
}

// Fault is what happens to one operation; the zero Fault is none.
type Fault struct {
	// Delay comes first, by the Store's clock, or until ctx is done.
	Delay time.Duration
	// Err is returned instead of doing anything. Kinds are objstore's errors:
	// ErrUnavailable is a 500, ErrThrottled a 503.
	Err error
	// Hang does nothing until ctx is done.
	Hang bool
	// LoseAnswer does it and then returns ErrUnavailable.
	LoseAnswer bool
	// Truncate lets a get break off half-way.
	Truncate bool
	// Stale lets a list miss the object that was written last, if it is in it.
	Stale bool
}

// Script decides what happens to an operation. It is called for one at a time.
type Script func(Op) Fault

// Rates are probabilities, from 0 to 1, for each operation to which a fault
// applies. At most one happens.
type Rates struct {
	Unavailable, Throttled, Hang, LoseAnswer, Truncate, Stale float64
}

// Seeded is a Script that rolls dice.
func Seeded(rng *rand.Rand, r Rates) Script {
	return func(op Op) Fault {
		roll := rng.Float64()
		for _, c := range []struct {
			rate    float64
			applies bool
			fault   Fault
		}{
			{r.Unavailable, true, Fault{Err: objstore.ErrUnavailable}},
			{r.Throttled, true, Fault{Err: objstore.ErrThrottled}},
			{r.Hang, true, Fault{Hang: true}},
			{r.LoseAnswer, true, Fault{LoseAnswer: true}},
			{r.Truncate, op.Name == "get", Fault{Truncate: true}},
			{r.Stale, op.Name == "list", Fault{Stale: true}},
		} {
			if !c.applies {
				continue
			}
			if roll < c.rate {
				return c.fault
			}
			roll -= c.rate
		}
		return Fault{}
	}
}

// Store is a store with faults.
type Store struct {
	s     objstore.Store
	clock clock.Clock

	mu     sync.Mutex
	script Script // nil: none
	down   bool
	n      int
	last   string // key of the object written last
}

var _ objstore.Store = (*Store)(nil)

// New wraps s. script may be nil.
func New(s objstore.Store, c clock.Clock, script Script) *Store {
	return &Store{s: s, clock: c, script: script}
}

// Down makes every operation fail with ErrUnavailable, or ends that.
func (s *Store) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// SetScript replaces the script; nil ends all faults but Down.
func (s *Store) SetScript(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// Operations is how many operations there were.
func (s *Store) Operations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *Store) decide(op, key string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.n
	s.n++
	switch {
	case s.down:
		return Fault{Err: fmt.Errorf("%w: it is down", objstore.ErrUnavailable)}
	case s.script == nil:
		return Fault{}
	}
	return s.script(Op{Name: op, Key: key, N: n})
}

// run does an operation under whatever is decided for it.
func (s *Store) run(ctx context.Context, op, key string, do func(f Fault) error) error {
	f := s.decide(op, key)
	if err := clock.Sleep(ctx, s.clock, f.Delay); err != nil {
		return objstore.Wrap(op, key, err)
	}
	switch {
	case f.Err != nil:
		return objstore.Wrap(op, key, f.Err)
	case f.Hang:
		<-ctx.Done()
		return objstore.Wrap(op, key, ctx.Err())
	}
	err := do(f)
	if f.LoseAnswer {
		return objstore.Wrap(op, key, fmt.Errorf("%w: the answer was lost", objstore.ErrUnavailable))
	}
	return err
}

func (s *Store) written(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = key
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) error {
	return s.run(ctx, "put", key, func(Fault) error {
		err := s.s.Put(ctx, key, body, opts)
		if err == nil {
			s.written(key)
		}
		return err
	})
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, off int64, dst []byte) (n int, err error) {
	err = s.run(ctx, "get", key, func(f Fault) (err error) {
		if f.Truncate && len(dst) > 0 {
			n, err = s.s.GetRange(ctx, key, off, dst[:len(dst)/2])
			if err == nil {
				err = objstore.Wrap("get", key, fmt.Errorf("%w: %w", objstore.ErrUnavailable, io.ErrUnexpectedEOF))
			}
			return err
		}
		n, err = s.s.GetRange(ctx, key, off, dst)
		if f.LoseAnswer {
			n = 0
		}
		return err
	})
	return n, err
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (info objstore.Info, err error) {
	err = s.run(ctx, "head", key, func(Fault) (err error) {
		info, err = s.s.Head(ctx, key)
		return err
	})
	return info, err
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	return s.run(ctx, "delete", keys[0], func(Fault) error { return s.s.Delete(ctx, keys...) })
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, prefix, startAfter string, max int) (entries []objstore.Entry, err error) {
	err = s.run(ctx, "list", prefix, func(f Fault) (err error) {
		if !f.Stale {
			entries, err = s.s.List(ctx, prefix, startAfter, max)
			return err
		}
		s.mu.Lock()
		last := s.last
		s.mu.Unlock()
		// One more, so that missing one does not look like the end.
		entries, err = s.s.List(ctx, prefix, startAfter, max+1)
		entries = slices.DeleteFunc(entries, func(e objstore.Entry) bool { return e.Key == last })
		entries = entries[:min(len(entries), max)]
		return err
	})
	return entries, err
}

// CreateMultipart implements objstore.Store.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts objstore.PutOptions) (objstore.Upload, error) {
	u := &upload{s: s, key: key}
	err := s.run(ctx, "create", key, func(Fault) (err error) {
		u.u, err = s.s.CreateMultipart(ctx, key, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// AbortUploads implements objstore.Store.
func (s *Store) AbortUploads(ctx context.Context, prefix string, before time.Time) (n int, err error) {
	err = s.run(ctx, "abort", prefix, func(Fault) (err error) {
		n, err = s.s.AbortUploads(ctx, prefix, before)
		return err
	})
	return n, err
}

type upload struct {
	s   *Store
	u   objstore.Upload
	key string
}

func (u *upload) UploadPart(ctx context.Context, number int, body objstore.Body) error {
	return u.s.run(ctx, "part", u.key, func(Fault) error { return u.u.UploadPart(ctx, number, body) })
}

func (u *upload) Complete(ctx context.Context) error {
	return u.s.run(ctx, "complete", u.key, func(Fault) error {
		err := u.u.Complete(ctx)
		if err == nil {
			u.s.written(u.key)
		}
		return err
	})
}

func (u *upload) Abort(ctx context.Context) error {
	return u.s.run(ctx, "abort", u.key, func(Fault) error { return u.u.Abort(ctx) })
}
