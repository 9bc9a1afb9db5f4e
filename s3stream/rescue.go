package s3stream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// rescuing is a rescued instance on its way into objects.
type rescuing struct {
	*rescue.Rescued
	uploader *upload.Uploader
	remove   func() error // frees the instance's place
	older    bool         // everything in it is older than what is appended here
	sealed   bool
}

// Adopted is an instance that was rescued.
type Adopted struct {
	*rescue.Rescued
	// Older: it is this node's own from before a restart, and its tails come
	// before all that is appended now. These are given oldest first, before
	// Start.
	Older bool
	// Remove frees the instance's place once it is retired.
	Remove func() error
}

// Adopt takes over a rescued instance: this node's own from before a restart,
// or one that it fenced. What is not in objects yet is served from the old WAL
// and uploaded behind; then the instance is retired and removed.
func (m *Manager) Adopt(a Adopted) {
	r := m.rooms
	a.Window.UploadBy(r.cfg.UploadMemory, int64(r.cfg.Settings.PartBytes))
	x := &rescuing{Rescued: a.Rescued, remove: a.Remove, older: a.Older}
	x.uploader = upload.New(m.uploaderConfig(a.Instance, idle{a.Rescued}, nil))
	m.addWindow(a.Window)
	r.mu.Lock()
	r.rescues = append(r.rescues, x)
	r.mu.Unlock()
	select {
	case r.adopted <- struct{}{}:
	default:
	}
}

// idle is a source that only a Drain seals.
type idle struct{ *rescue.Rescued }

func (idle) Load() upload.Load { return upload.Load{} }

func (i idle) Seal() (upload.Generation, bool) { return i.Window.Seal() }

// uploadRescued uploads and retires the rescued instances, one at a time: they
// share their memory with what this node uploads of its own. The tails of a
// stream are committed in order, and those before may be in instances that other
// nodes have: each gets its turn again and again, whatever keeps the others.
func (m *Manager) uploadRescued() {
	r := m.rooms
	for r.ctx.Err() == nil {
		turns := r.turns()
		if len(turns) == 0 {
			select {
			case <-r.adopted:
			case <-r.ctx.Done():
			}
			continue
		}
		progress, pause := false, duePause
		for _, x := range turns {
			err := m.stepRescue(r.ctx, x)
			switch {
			case err == nil:
				progress = true
			case r.ctx.Err() != nil:
				return
			case errors.Is(err, upload.ErrNotDue):
				r.cfg.Log.Debug("old WAL waits for tails in others", "wal", x.Instance.Hex(), "error", err)
			default:
				pause = retryPause
				r.cfg.Log.Warn("old WAL not in objects yet, will retry", "wal", x.Instance.Hex(), "error", err)
			}
			if x.uploader.Holds() {
				break // see turns
			}
		}
		if !progress {
			_ = clock.Sleep(r.ctx, r.cfg.Clock, pause) // ends with ctx, as the loop does
		}
	}
}

// turns are the instances to be tried in one pass, in the order in which they
// came. One that holds memory for what it could not write is tried alone until it
// has: several of them would leave nothing to write with, to none.
func (r *rooms) turns() []*rescuing {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.rescues, func(x *rescuing) bool { return x.uploader.Holds() }); i >= 0 {
		return []*rescuing{r.rescues[i]}
	}
	return slices.Clone(r.rescues)
}

// stepRescue makes one attempt at what is left to be done for an instance.
func (m *Manager) stepRescue(ctx context.Context, x *rescuing) error {
	if !x.sealed {
		x.uploader.Force()
		x.uploader.SealIfDue()
		x.sealed = true
	}
	if idle, err := x.uploader.Attempt(ctx); err != nil || !idle {
		return err
	}
	if err := m.rooms.cfg.Meta.RetireWAL(ctx, x.Instance); err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	m.letGo(x)
	return nil
}

// letGo gives up a retired instance. Its space, if it cannot be freed now, is
// by the next start.
func (m *Manager) letGo(x *rescuing) {
	r := m.rooms
	m.removeWindow(x.Window)
	if err := errors.Join(x.Close(), x.remove()); err != nil {
		r.cfg.Log.Warn("old WAL not removed", "wal", x.Instance.Hex(), "error", err)
	}
	r.cfg.Log.Info("old WAL uploaded and retired", "wal", x.Instance.Hex())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rescues = slices.DeleteFunc(r.rescues, func(y *rescuing) bool { return y == x })
	close(r.rescued)
	r.rescued = make(chan struct{})
}

// rescuedBytes is how much of rescued WALs is still to be uploaded.
func (r *rooms) rescuedBytes() (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.rescues {
		n += x.End - x.From
	}
	return n
}

// awaitOlder waits until no instance older than the present one is left to be
// uploaded. Those of other nodes, which were written side by side with it, are
// not waited for: their uploads may in turn wait for what this node has.
func (r *rooms) awaitOlder(ctx context.Context) error {
	return r.await(ctx, func(x *rescuing) bool { return x.older })
}

// awaitRescues waits until no rescued instance is left to be uploaded.
func (r *rooms) awaitRescues(ctx context.Context) error {
	return r.await(ctx, func(*rescuing) bool { return true })
}

func (r *rooms) await(ctx context.Context, which func(*rescuing) bool) error {
	for {
		r.mu.Lock()
		left, rescued := slices.ContainsFunc(r.rescues, which), r.rescued
		r.mu.Unlock()
		if !left {
			return nil
		}
		select {
		case <-rescued:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
