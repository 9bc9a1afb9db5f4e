package s3stream

import (
	"context"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// OldWAL is an instance to be rescued: this node's own from before a restart,
// or one that it fenced.
type OldWAL struct {
	Instance ids.WALInstance
	// Recover reads it from the metadata's trim position on: wal.Recover.
	Recover func(ctx context.Context, visit func(*walfmt.Record) error) (*wal.Recovered, error)
	// Remove frees its place once it is retired.
	Remove func() error
}

// rescuing is a rescued instance on its way into objects.
type rescuing struct {
	*rescue.Rescued
	uploader *upload.Uploader
	remove   func() error
}

// Rescue recovers an old instance and closes its tails, after which its streams
// can be opened, here or elsewhere; what is not in objects yet is served from
// the old WAL and uploaded behind, after Start. Instances are given oldest
// first. On an error, which may be acknowledged data missing, nothing was
// changed.
func (m *Manager) Rescue(ctx context.Context, old OldWAL) error {
	r := m.rooms
	rescued, err := rescue.Rescue(ctx, rescue.Config{
		Meta: r.cfg.Meta, Instance: old.Instance, Recover: old.Recover, Cache: r.cfg.LogCache, Frame: r.cfg.Frame,
	})
	if err != nil {
		return err
	}
	x := &rescuing{Rescued: rescued, remove: old.Remove}
	x.uploader = m.newUploader(old.Instance, idle{rescued}, nil)
	m.addWindow(rescued.Window)
	r.mu.Lock()
	r.rescues = append(r.rescues, x)
	r.mu.Unlock()
	r.cfg.Log.Info("old WAL rescued", "instance", old.Instance, "offsets", rescued.Offsets)
	return nil
}

// idle is a source that only a Drain seals.
type idle struct{ *rescue.Rescued }

func (idle) Load() upload.Load { return upload.Load{} }

func (i idle) Seal() (upload.Generation, bool) { return i.Window.Seal() }

// uploadRescued uploads and retires the rescued instances, oldest first, since
// the tails of a stream are committed in order.
func (m *Manager) uploadRescued() {
	r := m.rooms
	for r.ctx.Err() == nil {
		r.mu.Lock()
		var x *rescuing
		if len(r.rescues) > 0 {
			x = r.rescues[0]
		}
		r.mu.Unlock()
		if x == nil {
			return
		}
		if m.uploadOne(x) != nil {
			continue
		}
		r.mu.Lock()
		r.rescues = r.rescues[1:]
		close(r.rescued)
		r.rescued = make(chan struct{})
		r.mu.Unlock()
	}
}

// uploadOne brings one instance into objects and lets go of it.
func (m *Manager) uploadOne(x *rescuing) error {
	r := m.rooms
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.uploader.Run(ctx)
	}()
	err := x.uploader.Drain(ctx)
	cancel()
	<-done
	if err != nil {
		return err
	}
	for {
		err := r.cfg.Meta.RetireWAL(r.ctx, x.Instance)
		if err == nil {
			break
		}
		r.cfg.Log.Warn("old WAL not retired, will retry", "err", errRescue(x.Instance, err))
		if err := clock.Sleep(r.ctx, r.cfg.Clock, retryPause); err != nil {
			return err
		}
	}
	m.removeWindow(x.Window)
	if err := x.Close(); err != nil {
		r.cfg.Log.Warn("old WAL not closed", "err", errRescue(x.Instance, err))
	}
	if err := x.remove(); err != nil {
		// Its space stays taken until the next start, which removes it.
		r.cfg.Log.Warn("old WAL not removed", "err", errRescue(x.Instance, err))
	}
	r.cfg.Log.Info("old WAL uploaded and retired", "instance", x.Instance)
	return nil
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
