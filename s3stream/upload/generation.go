package upload

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// Attempt makes one attempt at bringing the oldest sealed generation into
// object storage and into the metadata, and says whether nothing is left to be
// brought. After an error the next attempt goes on where this one failed: I9
// lets the store be away for as long as the WAL has space. One goroutine at a
// time calls it: Run's, or a simulation's in place of Run.
func (u *Uploader) Attempt(ctx context.Context) (idle bool, err error) {
	u.mu.Lock()
	if len(u.queue) == 0 {
		u.mu.Unlock()
		return true, nil
	}
	g := u.queue[0]
	u.mu.Unlock()
	if u.current == nil {
		if u.cfg.Gate != nil {
			if err := u.cfg.Gate(ctx); err != nil {
				return false, err
			}
		}
		u.current = newRun(u, g, g.Extents())
	}
	refused, err := u.current.attempt(ctx)
	if err == nil {
		left := u.account(u.current.objects, refused)
		u.current.land()
		u.current = nil
		if len(left) == 0 {
			return u.committed(g), nil
		}
		u.current = newRun(u, g, left)
		err = fmt.Errorf("%d slices are not due yet, the first is stream %d at %d", len(left), left[0].Stream, left[0].Start)
	}
	u.mu.Lock()
	u.stats.Failures++
	u.mu.Unlock()
	return false, err
}

// committed takes the oldest generation, which is committed, out of the queue.
func (u *Uploader) committed(g Generation) (idle bool) {
	g.Committed()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.queue = u.queue[1:]
	u.stats.Generations++
	u.success = u.cfg.Clock.Now()
	u.wakeWaiters()
	return len(u.queue) == 0
}

// run is one generation, or what is left of it, on its way.
type run struct {
	u       *Uploader
	g       Generation
	plan    []PlannedObject
	objects []meta.Object // as plan; with id 0 until written
}

func newRun(u *Uploader, g Generation, extents []Extent) *run {
	plan := Plan(extents, u.cfg.Limits)
	return &run{u: u, g: g, plan: plan, objects: make([]meta.Object, len(plan))}
}

// attempt writes the objects that are not written yet and commits all of them.
// Whatever is written again is written under a new id, and so a new key: what a
// failed attempt left behind is collected, and no key ever stands for two
// contents (I4).
func (r *run) attempt(ctx context.Context) ([]meta.Refusal, error) {
	var missing []int
	for i := range r.objects {
		if r.objects[i].ID == 0 {
			missing = append(missing, i)
		}
	}
	prepared, err := r.u.prepare(ctx, len(missing))
	if err != nil {
		return nil, err
	}
	// No context of the group's own: what the failure of one object leaves
	// well under way need not be written again.
	var group errgroup.Group
	group.SetLimit(r.u.cfg.PutsMax)
	for k, i := range missing {
		group.Go(func() error {
			o, err := r.u.writeObject(ctx, r.g, prepared[k], r.plan[i])
			if err != nil {
				r.u.forget(prepared[k])
				return err
			}
			r.objects[i] = o
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	refused, err := r.u.cfg.Meta.CommitUpload(ctx, meta.Upload{WAL: r.u.cfg.WAL, Trim: r.g.TrimTo(), Objects: r.objects})
	if errors.Is(err, meta.ErrNotPrepared) {
		r.land() // collected under our hands: write all of them again
		clear(r.objects)
	}
	if err != nil {
		return nil, fmt.Errorf("commit %d objects: %w", len(r.objects), err)
	}
	return refused, nil
}

// land says that the run's objects are no longer about to be committed.
func (r *run) land() {
	for _, o := range r.objects {
		r.u.forget(o.ID)
	}
}

func (u *Uploader) prepare(ctx context.Context, n int) ([]ids.ObjectID, error) {
	if n == 0 {
		return nil, nil
	}
	prepared, err := u.cfg.Meta.PrepareObjects(ctx, n)
	if err == nil && len(prepared) != n {
		err = errors.New("wrong number of ids")
	}
	if err != nil {
		return nil, fmt.Errorf("prepare %d objects: %w", n, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range prepared {
		u.inFlight[id] = struct{}{}
	}
	return prepared, nil
}

// forget says that an object will not be committed any more.
func (u *Uploader) forget(object ids.ObjectID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.inFlight, object)
}

// account counts a commit and tells who wants to know how far each stream is
// committed. It returns the extents that were refused and are still needed.
func (u *Uploader) account(objects []meta.Object, refused []meta.Refusal) (left []Extent) {
	type part struct {
		object ids.ObjectID
		stream ids.StreamID
		start  int64
	}
	not := make(map[part]meta.Refusal, len(refused))
	for _, r := range refused {
		not[part{r.Object, r.Slice.Stream, r.Slice.Start}] = r
	}
	var bytes, dead int64
	for _, o := range objects {
		for _, s := range o.Slices {
			r, isRefused := not[part{o.ID, s.Stream, s.Start}]
			switch {
			case !isRefused:
				bytes += s.Bytes
				u.cfg.Accepted(s)
			case r.Dead:
				dead += s.Bytes
				u.cfg.Log.Info("slice refused, its bytes are dead", "stream", s.Stream, "epoch", s.Epoch,
					"start", s.Start, "end", s.End, "reason", r.Reason)
			default:
				left = append(left, Extent(s))
			}
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stats.Objects += uint64(len(objects))
	u.stats.Bytes += uint64(bytes)
	u.stats.DeadBytes += uint64(dead)
	return left
}
