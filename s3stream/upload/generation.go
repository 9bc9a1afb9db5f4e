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
		err = u.begin(ctx, g)
	}
	var refused []meta.Refusal
	if err == nil {
		refused, err = u.current.attempt(ctx)
	}
	if err == nil {
		u.left = append(u.left, u.current.later...)
		u.left = append(u.left, u.account(u.current.written, refused)...)
		u.current.end()
		u.current = nil
		if len(u.left) == 0 {
			return u.committed(g), nil
		}
		err = u.notDue()
	}
	u.mu.Lock()
	u.stats.Failures++
	u.mu.Unlock()
	return false, err
}

// Holds says whether an attempt that failed keeps memory for the next one: what it
// read back and could not write. Who makes the attempts asks.
func (u *Uploader) Holds() bool {
	return u.current != nil && u.current.piece != nil && u.current.piece.Holds()
}

// ErrNotDue: the rest of a generation follows tails in other WALs, which are not
// committed yet.
var ErrNotDue = errors.New("earlier tails are not committed yet")

func (u *Uploader) notDue() error {
	return fmt.Errorf("%w: %d slices, the first is stream %d at %d", ErrNotDue, len(u.left), u.left[0].Stream, u.left[0].Start)
}

// begin begins with a generation, or with what a commit left of it, as far as
// that is due: what is not would be written in vain.
func (u *Uploader) begin(ctx context.Context, g Generation) error {
	if len(u.left) == 0 {
		if u.cfg.Gate != nil {
			if err := u.cfg.Gate(ctx); err != nil {
				return err
			}
		}
		u.current = newRun(u, g, g.Pieces)
		return nil
	}
	due, later := u.split(u.left)
	if len(due) == 0 {
		return u.notDue()
	}
	u.left = later
	u.current = newRun(u, g, (&rest{g, due}).pieces)
	return nil
}

// split separates extents that are due from those that follow tails which are
// not committed yet: these would be written in vain.
func (u *Uploader) split(extents []Extent) (due, later []Extent) {
	for _, e := range extents {
		if u.cfg.Meta.Due(u.cfg.WAL, e.Stream, e.Epoch) {
			due = append(due, e)
		} else {
			later = append(later, e)
		}
	}
	return due, later
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
	pieces  func() func(context.Context) (Piece, error) // begins a pass over them
	next    func(context.Context) (Piece, error)
	piece   Piece // being written; nil between two
	plan    []PlannedObject
	objects []meta.Object // as plan; with id 0 until written
	written []meta.Object // of the pieces before
	later   []Extent      // not due when their piece's turn came
	fenced  bool          // a commit was refused for good
}

func newRun(u *Uploader, g Generation, pieces func() func(context.Context) (Piece, error)) *run {
	return &run{u: u, g: g, pieces: pieces, next: pieces()}
}

// rest is what a commit left of a generation, as one piece.
type rest struct {
	Generation
	extents []Extent
}

func (r *rest) pieces() func(context.Context) (Piece, error) { return once(r) }

// Extents implements Piece.
func (r *rest) Extents() []Extent { return r.extents }

// Holds implements Piece.
func (r *rest) Holds() bool { return false }

// Done implements Piece.
func (r *rest) Done() {}

// once gives one piece.
func once(p Piece) func(context.Context) (Piece, error) {
	return func(context.Context) (Piece, error) {
		given := p
		p = nil
		return given, nil
	}
}

// attempt writes what is not written yet, piece by piece, and commits all of
// it by one command.
func (r *run) attempt(ctx context.Context) ([]meta.Refusal, error) {
	for {
		if r.piece == nil {
			piece, err := r.next(ctx)
			if err != nil {
				return nil, err
			}
			if piece == nil {
				break
			}
			due, later := r.u.split(piece.Extents())
			r.later = append(r.later, later...)
			r.piece, r.plan = piece, Plan(due, r.u.cfg.Limits)
			r.objects = make([]meta.Object, len(r.plan))
		}
		if err := r.write(ctx); err != nil {
			return nil, err
		}
		r.written = append(r.written, r.objects...)
		r.objects = nil
		r.piece.Done()
		r.piece = nil
	}
	if len(r.written) == 0 && len(r.later) > 0 {
		return nil, nil // nothing of it is due
	}
	if marks := r.u.cfg.Marks; marks != nil {
		if err := marks(ctx); err != nil {
			r.u.cfg.Log.Warn("marks not written before the WAL is trimmed: a rescue may need the object store", "error", err)
		}
	}
	var trim int64                       // zero moves nothing
	if len(r.u.left)+len(r.later) == 0 { // else others of the generation are needed from the WAL all the same
		trim = r.g.TrimTo()
	}
	refused, err := r.u.cfg.Meta.CommitUpload(ctx, meta.Upload{WAL: r.u.cfg.WAL, Trim: trim, Objects: r.written})
	if err == nil {
		return refused, nil
	}
	err = fmt.Errorf("commit %d objects: %w", len(r.written), err)
	switch {
	case errors.Is(err, meta.ErrNotPrepared): // collected under our hands: write all of them again
		r.end()
		r.written, r.later, r.next = nil, nil, r.pieces()
	case errors.Is(err, meta.ErrFenced) && !r.fenced: // another node has the WAL, and uploads it
		r.fenced = true
		r.u.refused(r.written)
	}
	return nil, err
}

// write writes the objects of the piece that are not written yet. Whatever is
// written again is written under a new id, and so a new key: what a failed
// attempt left behind is collected, and no key ever stands for two contents
// (I4).
func (r *run) write(ctx context.Context) error {
	var missing []int
	for i := range r.objects {
		if r.objects[i].ID == 0 {
			missing = append(missing, i)
		}
	}
	prepared, err := r.u.prepare(ctx, len(missing))
	if err != nil {
		return err
	}
	// No context of the group's own: what the failure of one object leaves
	// well under way need not be written again.
	var group errgroup.Group
	group.SetLimit(r.u.cfg.PutsMax)
	for k, i := range missing {
		group.Go(func() error {
			o, err := r.u.writeObject(ctx, r.piece, prepared[k], r.plan[i])
			if err != nil {
				r.u.forget(prepared[k])
				return err
			}
			r.objects[i] = o
			return nil
		})
	}
	return group.Wait()
}

// end says that the run's objects are no longer about to be committed, and
// gives up what it holds.
func (r *run) end() {
	for _, o := range append(r.written, r.objects...) {
		r.u.forget(o.ID)
	}
	if r.piece != nil {
		r.piece.Done()
		r.piece = nil
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
	var deadSlices int
	var why meta.Refusal
	for _, o := range objects {
		for _, s := range o.Slices {
			r, isRefused := not[part{o.ID, s.Stream, s.Start}]
			switch {
			case !isRefused:
				bytes += s.Bytes
				u.cfg.Accepted(s)
			case r.Dead:
				dead += s.Bytes
				deadSlices++
				why = r
				u.cfg.Log.Debug("slice refused", "stream", s.Stream, "epoch", s.Epoch, "start", s.Start, "end", s.End, "reason", r.Reason)
			default:
				left = append(left, Extent(s))
			}
		}
	}
	if deadSlices > 0 { // a topic of many partitions was deleted, most often
		u.cfg.Log.Info("slices refused, their bytes are dead", "slices", deadSlices, "bytes", dead,
			"last_stream", why.Slice.Stream, "last_reason", why.Reason)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stats.Objects += uint64(len(objects))
	u.stats.Bytes += uint64(bytes)
	u.stats.DeadBytes += uint64(dead)
	u.stats.RefusedSlices += uint64(deadSlices)
	return left
}

// refused counts what a fenced node uploaded in vain.
func (u *Uploader) refused(objects []meta.Object) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, o := range objects {
		for _, s := range o.Slices {
			u.stats.RefusedSlices++
			u.stats.DeadBytes += uint64(s.Bytes)
		}
	}
}
