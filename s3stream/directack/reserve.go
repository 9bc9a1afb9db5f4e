package directack

import (
	"context"
	"sync"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
)

const (
	// reserveLot is how many object ids are prepared at once, reserveLow at how few
	// the next lot is asked for: no batch is to wait for one.
	reserveLot = 16
	reserveLow = 4
)

// reserve has object ids that are prepared ahead of their use.
type reserve struct {
	l *Log

	mu     sync.Mutex
	ids    []ids.ObjectID
	taken  ids.ObjectID  // the one given out last, until it is on its way
	asking chan struct{} // closed when the lot asked for is here; nil if none is
}

func newReserve(l *Log) *reserve { return &reserve{l: l} }

// take gives out an id; the error is ctx's.
func (r *reserve) take(ctx context.Context) (ids.ObjectID, error) {
	for {
		r.mu.Lock()
		if len(r.ids) <= reserveLow && r.asking == nil {
			r.asking = make(chan struct{})
			r.l.work.Go(r.refill)
		}
		if n := len(r.ids); n > 0 {
			id := r.ids[0]
			r.ids, r.taken = r.ids[1:], id
			r.mu.Unlock()
			return id, nil
		}
		asking := r.asking
		r.mu.Unlock()
		select {
		case <-asking:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// refill asks for a lot until it is there, or the log ends.
func (r *reserve) refill() {
	cfg := &r.l.cfg
	retry := clock.Backoff{Min: backoffMin, Max: backoffMax, Random: cfg.Random}
	for {
		lot, err := cfg.Meta.PrepareObjects(r.l.ctx, reserveLot)
		if err == nil {
			r.add(lot)
			return
		}
		if r.l.ctx.Err() == nil {
			cfg.Log.Warn("no object ids for direct appends, will retry", "error", err)
		}
		if retry.Wait(r.l.ctx, cfg.Clock) != nil {
			r.add(nil)
			return
		}
	}
}

func (r *reserve) add(lot []ids.ObjectID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, lot...)
	close(r.asking)
	r.asking = nil
}

// has says whether an id is to be used yet, or was given out last.
func (r *reserve) has(id ids.ObjectID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.ids {
		if x == id {
			return true
		}
	}
	return r.taken == id
}
