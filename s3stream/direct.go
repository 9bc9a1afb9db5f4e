package s3stream

import (
	"context"
	"errors"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/directack"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// direct is the log that acknowledges from object storage. The metadata hears of
// it when it is needed.
type direct struct {
	log  *directack.Log
	open func(ctx context.Context) (ids.WALInstance, error)

	mu       sync.Mutex // held while it is opened
	instance ids.WALInstance
}

func (m *Manager) newDirect(cfg *Config) *direct {
	d := cfg.Direct
	return &direct{open: d.OpenLog, log: directack.New(directack.Config{
		Meta: cfg.Meta, Store: d.Store, Key: cfg.Key, Summarizer: cfg.Summarizer, BlockBytes: cfg.Settings.BlockBytes,
		Memory: d.Memory, Settings: d.Settings, Accepted: m.accepted, Observer: d.Observer,
		Clock: cfg.Clock, Random: cfg.Random, Log: cfg.Log,
	})}
}

// use returns the instance, which is opened if it is needed for the first time.
func (d *direct) use(ctx context.Context) (ids.WALInstance, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.instance.IsZero() {
		return d.instance, nil
	}
	instance, err := d.open(ctx)
	if err == nil {
		d.instance = instance
		d.log.Use(instance)
	}
	return instance, err
}

// inUse is the instance, if it was opened.
func (d *direct) inUse() (ids.WALInstance, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.instance, !d.instance.IsZero()
}

var (
	errNoWAL    = errors.New("this node has no write-ahead log")
	errNoDirect = errors.New("this node does not acknowledge from object storage")
)

// logFor is the log that streams are to be opened in.
func (m *Manager) logFor(ctx context.Context, direct bool) (ids.WALInstance, appendLog, error) {
	switch {
	case !direct && m.log == nil:
		return ids.WALInstance{}, nil, errNoWAL
	case !direct:
		return m.wal, m.log, nil
	case m.direct == nil:
		return ids.WALInstance{}, nil, errNoDirect
	}
	instance, err := m.direct.use(ctx)
	return instance, m.direct.log, err
}

// UseDirect makes the direct log known to the metadata, if it is not yet.
func (m *Manager) UseDirect(ctx context.Context) error {
	if m.direct == nil {
		return errNoDirect
	}
	_, err := m.direct.use(ctx)
	return err
}

// FailDirect ends the direct log for good: its streams take no more appends.
func (m *Manager) FailDirect(err error) {
	if m.direct != nil {
		m.direct.log.Fail(err)
	}
}

// DirectFailed is nil, or why the direct log takes no more appends.
func (m *Manager) DirectFailed() error {
	if m.direct == nil {
		return nil
	}
	return m.direct.log.Failed()
}

// Upload uploads and commits what was appended to the WAL before, and all that is
// rescued: as Drain does, but appends may go on.
func (m *Manager) Upload(ctx context.Context) error {
	defer m.rooms.uploader.Hurry()()
	if err := m.rooms.awaitRescues(ctx); err != nil {
		return err
	}
	return m.rooms.uploader.Drain(ctx)
}

// AwaitStore returns when an append was acknowledged from object storage, or when
// none waits to be.
func (m *Manager) AwaitStore(ctx context.Context) error {
	if m.direct == nil {
		return nil
	}
	return m.direct.log.AwaitProgress(ctx)
}

// noWAL is what an uploader has to upload on a node without a WAL.
type noWAL struct{}

// Load implements upload.Source.
func (noWAL) Load() upload.Load { return upload.Load{} }

// Seal implements upload.Source.
func (noWAL) Seal() (upload.Generation, bool) { return nil, false }
