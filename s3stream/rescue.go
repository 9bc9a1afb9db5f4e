package s3stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// rescuing is a rescued instance on its way into objects.
type rescuing struct {
	*rescue.Rescued
	uploader *upload.Uploader
	remove   func() error // frees the instance's place
	sealed   bool
}

// Adopt takes over an instance that was rescued: this node's own from before a
// restart, or one that it fenced. What is not in objects yet is served from the
// old WAL and uploaded behind, before what this node appends; then the instance
// is retired and remove is called to free its place. A node's instances are
// given oldest first, and those from before a restart before Start.
func (m *Manager) Adopt(rescued *rescue.Rescued, remove func() error) {
	r := m.rooms
	rescued.Window.UploadBy(r.cfg.UploadMemory, int64(r.cfg.Settings.PartBytes))
	x := &rescuing{Rescued: rescued, remove: remove}
	x.uploader = upload.New(m.uploaderConfig(rescued.Instance, idle{rescued}, nil))
	m.addWindow(rescued.Window)
	r.mu.Lock()
	r.rescues = append(r.rescues, x)
	r.mu.Unlock()
}

// idle is a source that only a Drain seals.
type idle struct{ *rescue.Rescued }

func (idle) Load() upload.Load { return upload.Load{} }

func (i idle) Seal() (upload.Generation, bool) { return i.Window.Seal() }

// oldestRescue is the instance to be uploaded next: oldest first, since the
// tails of a stream are committed in order.
func (r *rooms) oldestRescue() *rescuing {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rescues) == 0 {
		return nil
	}
	return r.rescues[0]
}

// uploadRescued uploads and retires the rescued instances.
func (m *Manager) uploadRescued() {
	r := m.rooms
	for x := r.oldestRescue(); x != nil && r.ctx.Err() == nil; x = r.oldestRescue() {
		err := m.stepRescue(r.ctx, x)
		if err != nil && r.ctx.Err() == nil {
			r.cfg.Log.Warn("old WAL not in objects yet, will retry", "instance", x.Instance, "err", err)
			_ = clock.Sleep(r.ctx, r.cfg.Clock, retryPause) // ends with ctx, as the loop does
		}
	}
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
		r.cfg.Log.Warn("old WAL not removed", "instance", x.Instance, "err", err)
	}
	r.cfg.Log.Info("old WAL uploaded and retired", "instance", x.Instance)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rescues = r.rescues[1:]
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

// awaitRescues waits until no rescued instance is left to be uploaded.
func (r *rooms) awaitRescues(ctx context.Context) error {
	for {
		r.mu.Lock()
		left, rescued := len(r.rescues), r.rescued
		r.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-rescued:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
