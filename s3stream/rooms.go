package s3stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/invariant"
	"github.com/seawallmq/seawall/s3stream/directack"
	"github.com/seawallmq/seawall/s3stream/gc"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/tail"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// rooms are the parts behind a Manager and the work that runs in them.
type rooms struct {
	cfg      Config
	tail     *tail.WAL // nil on a node without a WAL
	uploader *upload.Uploader
	reader   *read.Reader
	gc       *gc.Collector

	ctx    context.Context // of all background work
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	rescues  []*rescuing   // in the order in which they came
	rescued  chan struct{} // closed and replaced when one is done
	adopted  chan struct{} // capacity 1: there is another one
	gcErrors uint64
}

// New makes a Manager over an open log. Nothing is uploaded or collected
// before Start.
func New(cfg Config) *Manager {
	// Less, and an upload would wait for what it holds itself, or an old WAL's: of
	// both, a piece read back, and a part.
	least := int64(3*cfg.Settings.PartBytes + cfg.Settings.BlockBytes)
	invariant.Check(cfg.UploadMemory.Limit() >= least, "s3stream: %d bytes for uploads, at least %d are needed", cfg.UploadMemory.Limit(), least)
	r := &rooms{cfg: cfg, rescued: make(chan struct{}), adopted: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.reader = read.New(read.Config{
		Index: cfg.Meta, Store: cfg.ReadStore, Frame: cfg.Frame, Cache: cfg.BlockCache,
		IndexBytesMax: cfg.Settings.IndexBytesMax, GetsMax: cfg.Settings.GetsMax, ConsumersMax: cfg.Settings.ConsumersMax,
	})
	m := newManager(cfg.Meta, ids.WALInstance{}, nil, nil, r.reader, cfg.Settings.ColdReadsMax)
	m.rooms = r
	source := upload.Source(noWAL{})
	if cfg.WAL != nil {
		r.tail = newTail(r)
		m.wal, m.log, source = cfg.WAL.Instance(), r.tail, live{r.tail, r}
		m.addWindow(r.tail)
	}
	if cfg.Direct != nil {
		m.direct = m.newDirect(&cfg)
		m.addWindow(m.direct.log)
	}
	if cfg.Remote != nil {
		m.remote, m.servedMemory = newRemoteReader(cfg), cfg.ServedMemory
	}
	up := m.uploaderConfig(m.wal, source, r.awaitOlder)
	up.SetPace = cfg.SetUploadPace
	up.Marks = cfg.Marks
	r.uploader = upload.New(up)
	r.gc = gc.New(gc.Config{
		Meta: cfg.Meta, Store: cfg.GCStore, Clock: cfg.Clock, Prefix: cfg.Prefix,
		InFlight: m.inFlight, PreparedTTL: cfg.Settings.PreparedTTL, Deleted: r.reader.Drop,
	})
	return m
}

func newTail(r *rooms) *tail.WAL {
	cfg := &r.cfg
	t := tail.NewWAL(tail.WALConfig{
		Log: cfg.WAL, Cache: cfg.Window, Capacity: cfg.WALCapacity, Frame: cfg.Frame, Clock: cfg.Clock,
		PokeBytes: cfg.Settings.Triggers.SealBytes(), Poke: func() { r.uploader.Poke() },
	})
	t.UploadBy(cfg.UploadMemory, int64(cfg.Settings.PartBytes))
	return t
}

// live is the source of what this node appends, whose uploader sets the pace
// for those of rescued instances too.
type live struct {
	*tail.WAL
	r *rooms
}

// Load implements upload.Source.
func (s live) Load() upload.Load {
	l := s.WAL.Load()
	l.Ahead = s.r.rescuedBytes()
	return l
}

func (m *Manager) uploaderConfig(wal ids.WALInstance, source upload.Source, gate func(context.Context) error) upload.Config {
	cfg, set := &m.rooms.cfg, &m.rooms.cfg.Settings
	return upload.Config{
		WAL: wal, Meta: cfg.Meta, Source: source, Store: cfg.UploadStore, Key: cfg.Key,
		Summarizer: cfg.Summarizer, Limits: set.Limits, Triggers: set.Triggers,
		BlockBytes: set.BlockBytes, PartBytes: set.PartBytes, PutsMax: set.PutsMax,
		Memory: cfg.UploadMemory, Clock: cfg.Clock, Random: cfg.Random,
		Log: cfg.Log.With("wal", wal.Hex()), Gate: gate, Accepted: m.accepted,
	}
}

// Start begins uploads and collections.
func (m *Manager) Start() {
	r := m.rooms
	r.work.Go(func() { r.uploader.Run(r.ctx) })
	r.work.Go(m.uploadRescued)
	r.work.Go(r.collect)
	if m.direct != nil {
		m.direct.log.Start()
	}
}

// SetReadBandwidth says what the WAL's device was found to give a rescuer to
// read, in bytes a second.
func (m *Manager) SetReadBandwidth(bytesPerSecond int64) {
	t := m.rooms.uploader.SetReadBandwidth(bytesPerSecond)
	if m.rooms.tail != nil {
		m.rooms.tail.SetPokeBytes(t.SealBytes())
	}
}

// Step does, in the caller's goroutine, one piece of what Start does in the
// background: it seals and makes one attempt at an upload, or at the retirement
// of a rescued instance, and says whether nothing is left to be done. force
// seals what there is, whatever the triggers say. It is for simulations, which
// call it in place of Start.
func (m *Manager) Step(ctx context.Context, force bool) (idle bool, err error) {
	r := m.rooms
	if turns := r.turns(); len(turns) > 0 {
		return false, m.stepRescue(ctx, turns[0])
	}
	if force {
		r.uploader.Force()
	}
	r.uploader.SealIfDue()
	return r.uploader.Attempt(ctx)
}

// Collect deletes unwanted objects, as Start's background work does from time
// to time.
func (m *Manager) Collect(ctx context.Context) (gc.Collected, error) { return m.rooms.gc.Collect(ctx) }

// Drain uploads and commits all that was appended before, and all that is
// rescued.
func (m *Manager) Drain(ctx context.Context) error {
	if err := m.Upload(ctx); err != nil { // first: direct tails may follow tails of the WAL
		return err
	}
	if m.direct == nil {
		return nil
	}
	return m.direct.log.Drain(ctx)
}

// Retire gives the log up when a Drain has uploaded all of it: it closes the
// streams that are still open, by one command, and says by another that nothing
// in the log is needed. The next start does without it, then. After an error,
// as when something was appended since, the log is the next start's to rescue;
// the metadata lets no log go that holds what objects do not.
func (m *Manager) Retire(ctx context.Context) error {
	m.mu.Lock()
	open := slices.Collect(maps.Values(m.streams))
	m.mu.Unlock()
	if err := m.endTails(ctx, open, func(ids.StreamID, int64) {}); err != nil { // whoever opens them next has them from objects
		return err
	}
	var over []ids.WALInstance
	if m.log != nil {
		over = append(over, m.wal)
	}
	if m.direct != nil {
		if instance, ok := m.direct.inUse(); ok {
			over = append(over, instance)
		}
	}
	for _, instance := range over {
		if err := m.rooms.cfg.Meta.RetireWAL(ctx, instance); err != nil {
			return fmt.Errorf("retire WAL %s: %w", instance, err)
		}
	}
	return nil
}

// Close ends the background work, closes the log, and lets go of caches. What
// is not uploaded stays in the WAL, to be rescued by the next start. Streams
// are to be closed before, or left to the rescue.
func (m *Manager) Close() error {
	r := m.rooms
	r.cancel()
	r.work.Wait()
	if m.direct != nil {
		_ = m.direct.log.Close() // never fails
	}
	r.reader.Close()
	var errs []error
	r.mu.Lock()
	for _, x := range r.rescues {
		errs = append(errs, x.Close())
	}
	r.rescues = nil
	r.mu.Unlock()
	if r.tail != nil {
		errs = append(errs, r.tail.Close())
	}
	return errors.Join(errs...)
}

// inFlight says whether an object is still to be committed here.
func (m *Manager) inFlight(id ids.ObjectID) bool {
	r := m.rooms
	if r.uploader.InFlight(id) || m.direct != nil && m.direct.log.InFlight(id) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.rescues {
		if x.uploader.InFlight(id) {
			return true
		}
	}
	return false
}

// collect deletes unwanted objects from time to time.
func (r *rooms) collect() {
	for clock.Sleep(r.ctx, r.cfg.Clock, r.cfg.Settings.GCInterval) == nil {
		done, err := r.gc.Collect(r.ctx)
		switch {
		case r.ctx.Err() != nil:
		case err != nil:
			r.mu.Lock()
			r.gcErrors++
			r.mu.Unlock()
			r.cfg.Log.Warn("objects not collected, will retry", "error", err)
		case done != gc.Collected{}:
			r.cfg.Log.Debug("objects collected", slog.Int("aborted", done.Aborted), slog.Int("deleted", done.Deleted),
				slog.Int("uploads", done.Uploads))
		}
	}
}

// Stats is a snapshot of a Manager.
type Stats struct {
	Streams  int // open
	Upload   upload.Stats
	Rescuing int // instances not yet uploaded
	Cold     int // reads from WAL or object storage under way
	GCErrors uint64
	Direct   directack.Stats
	WALError error // why the log takes no more appends
	// RemoteBytes were read from tails that other nodes hold, ServedBytes given
	// to others of tails held here.
	RemoteBytes, ServedBytes int64
}

// Stats returns a snapshot.
func (m *Manager) Stats() Stats {
	r := m.rooms
	s := Stats{Upload: r.uploader.Stats(), Cold: len(m.cold)}
	if r.tail != nil {
		s.WALError = r.tail.Failed()
	}
	if m.direct != nil {
		s.Direct = m.direct.log.Stats()
	}
	m.mu.Lock()
	s.Streams = len(m.streams)
	m.mu.Unlock()
	r.mu.Lock()
	s.Rescuing, s.GCErrors = len(r.rescues), r.gcErrors
	r.mu.Unlock()
	s.ServedBytes = m.servedBytes.Load()
	if m.remote != nil {
		s.RemoteBytes = m.remote.bytes.Load()
	}
	return s
}

// The pauses between attempts at old instances: when they wait for the commits of
// other nodes, and when something failed.
const (
	duePause   = 100 * time.Millisecond
	retryPause = time.Second
)
