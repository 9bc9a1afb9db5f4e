package upload

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/recycle"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// Meta is what an upload needs of the metadata.
type Meta interface {
	// PrepareObjects hands out n object ids, never used before.
	PrepareObjects(ctx context.Context, n int) ([]ids.ObjectID, error)
	// CommitUpload makes the objects of one generation part of their streams
	// and moves the WAL's trim position, by one command. It returns the slices
	// that were refused; the rest is accepted. An error means that nothing of
	// it happened; meta.ErrNotPrepared, that the objects were collected.
	CommitUpload(ctx context.Context, u meta.Upload) ([]meta.Refusal, error)
	// Due says whether a slice of the stream's opening in the WAL would not be
	// refused for an earlier tail, in another WAL, that is not committed yet. An
	// earlier one in the same WAL is committed by the same command, or was.
	Due(wal ids.WALInstance, stream ids.StreamID, epoch ids.StreamEpoch) bool
}

// Source is the window of one WAL instance.
type Source interface {
	// Load is what the triggers look at.
	Load() Load
	// Seal ends the present generation at what is durable, or says false if
	// there is nothing in it.
	Seal() (Generation, bool)
}

// Generation is a sealed part of a window.
type Generation interface {
	// Pieces begins a pass over all of it, in pieces that are uploaded one
	// after another. The function gives the next piece, nil after the last; it
	// is called once the piece before is Done. What a stream has in a piece
	// continues what it had in those before.
	Pieces() func(ctx context.Context) (Piece, error)
	// Batches is as a Piece's, for any extent of the generation.
	Batches(ctx context.Context, e Extent, f func(Batch) error) error
	// TrimTo is the WAL position below which nothing is needed once this
	// generation and those before it are committed.
	TrimTo() int64
	// Committed says that all of it is in committed objects: its pages may be
	// evicted and its WAL space used again.
	Committed()
}

// Piece is a part of a generation that is uploaded at once.
type Piece interface {
	// Extents lists what is in it.
	Extents() []Extent
	// Batches calls f with every batch of an extent, in order, until f returns
	// an error. A batch's bytes are valid until f returns.
	Batches(ctx context.Context, e Extent, f func(Batch) error) error
	// Holds says whether it keeps memory, which others may wait for, until Done.
	Holds() bool
	// Done says that the piece is not needed any more.
	Done()
}

// Batch is one batch of an extent.
type Batch struct {
	Start, End int64    // offsets
	Bytes      [][]byte // one after another
}

// Len is the batch's length in bytes.
func (b Batch) Len() int {
	n := 0
	for _, p := range b.Bytes {
		n += len(p)
	}
	return n
}

// Config is what an Uploader is made of.
type Config struct {
	WAL    ids.WALInstance
	Meta   Meta
	Source Source
	// Store is retrying, and paced as SetPace was told.
	Store objstore.Store
	// SetPace, if set, is told from time to time how many bytes a second are to
	// be uploaded so that appends are disturbed least; +Inf is without a bound.
	SetPace func(bytesPerSecond float64)
	// Key makes a key for an object, another one at each call.
	Key        func(ids.ObjectID) string
	Summarizer Summarizer
	Limits     Limits
	Triggers   Triggers
	BlockBytes int // of a data block
	PartBytes  int // above it an object is sent in parts of this size
	PutsMax    int // objects and parts in flight at once
	// Memory bounds what is assembled: at least PartBytes + BlockBytes.
	Memory *budget.Account
	Clock  clock.Clock
	Random func() uint64 // for jitter
	Log    *slog.Logger
	// Gate, if set, is waited for before each generation: an older instance's
	// tails are to be committed before those that follow them.
	Gate func(ctx context.Context) error
	// Marks, if set, is called before each commit: the WAL is trimmed by it, and
	// what rescuers need from below is to be repeated above. An error is logged:
	// a full WAL must not keep the commit that makes room.
	Marks func(ctx context.Context) error
	// Accepted is called after a commit with each slice that metadata took.
	Accepted func(meta.Slice)
}

// Stats is a snapshot of an Uploader.
type Stats struct {
	Queued        int // sealed generations not yet committed
	Untrimmed     int64
	RescueSeconds float64 // to read what is un-trimmed
	SinceSuccess  time.Duration
	Generations   uint64 // committed
	Objects       uint64
	Bytes         uint64 // of batches committed
	DeadBytes     uint64 // of batches uploaded in vain
	// RefusedSlices were not committed and never will be: deleted meanwhile, or
	// another node's since this one was fenced.
	RefusedSlices uint64
	Failures      uint64 // attempts that had to be repeated
}

// chunksKeptShare is the part of the memory for uploads that is kept, beyond
// what is in use, for the next objects.
const chunksKeptShare = 4

// Uploader uploads the generations of one WAL instance, one after another:
// commits of a stream must be contiguous.
type Uploader struct {
	cfg    Config
	chunks *recycle.Chunks // of parts
	poke   chan struct{}   // capacity 1: look at the triggers
	work   chan struct{}   // capacity 1: the queue has changed

	// Attempt's own: the attempt at the oldest generation, and what a commit
	// left of that.
	current *run
	left    []Extent

	mu       sync.Mutex
	forces   uint64 // calls of Force
	followed uint64 // of those, the first ones, which a seal has followed
	sealed   uint64 // generations, when that was
	hurrying int    // calls of Hurry that have not ended
	pace     pace   // and the triggers as they are now
	queue    []Generation
	inFlight map[ids.ObjectID]struct{} // prepared, not yet committed
	settled  chan struct{}             // closed and replaced at each commit
	stats    Stats
	success  time.Time
}

// New makes an Uploader. Nothing happens before Run.
func New(cfg Config) *Uploader {
	return &Uploader{
		cfg: cfg, chunks: recycle.NewChunks(cfg.Memory.Limit() / chunksKeptShare),
		poke: make(chan struct{}, 1), work: make(chan struct{}, 1), settled: make(chan struct{}),
		inFlight: map[ids.ObjectID]struct{}{},
		pace:     pace{t: cfg.Triggers},
		success:  cfg.Clock.Now(),
	}
}

// Poke makes the uploader look at its triggers now. It never blocks.
func (u *Uploader) Poke() { signal(u.poke) }

// Force seals what there is, whatever the triggers say.
func (u *Uploader) Force() { u.force() }

// force is Force, and says which call of it this was.
func (u *Uploader) force() (number uint64) {
	u.mu.Lock()
	u.forces++
	number = u.forces
	u.mu.Unlock()
	u.Poke()
	return number
}

// Hurry lets uploads go as fast as they can until end is called: somebody waits
// for them.
func (u *Uploader) Hurry() (end func()) {
	u.mu.Lock()
	u.hurrying++
	u.mu.Unlock()
	u.setPace(u.cfg.Source.Load())
	return func() {
		u.mu.Lock()
		u.hurrying--
		u.mu.Unlock()
		u.Poke()
	}
}

// SetReadBandwidth changes what a rescuer is taken to read a second, and returns
// the triggers with it.
func (u *Uploader) SetReadBandwidth(bytesPerSecond int64) Triggers {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pace.t.ReadBandwidth = bytesPerSecond
	return u.pace.t
}

// setPace tells how fast uploads are to go.
func (u *Uploader) setPace(l Load) {
	if u.cfg.SetPace == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pace.observe(u.cfg.Clock.Now(), l.Appended)
	if u.hurrying > 0 {
		u.cfg.SetPace(math.Inf(1))
		return
	}
	u.cfg.SetPace(u.pace.bytesPerSecond(l))
}

// Drain forces an upload and waits until everything that was appended before
// is committed.
func (u *Uploader) Drain(ctx context.Context) error {
	defer u.Hurry()()
	mine, last := u.force(), uint64(0) // last is how many generations are to be committed
	for {
		u.mu.Lock()
		if last == 0 && u.followed >= mine {
			last = u.sealed
		}
		done := u.followed >= mine && u.stats.Generations >= last // later ones are for others to wait for
		settled := u.settled
		u.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// InFlight says whether an object is prepared and still to be committed.
func (u *Uploader) InFlight(id ids.ObjectID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.inFlight[id]
	return ok
}

// Stats returns a snapshot.
func (u *Uploader) Stats() Stats {
	load := u.cfg.Source.Load()
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.stats
	s.Queued = len(u.queue)
	s.Untrimmed = load.Untrimmed
	s.RescueSeconds = u.pace.t.RescueSeconds(load.Untrimmed)
	s.SinceSuccess = u.cfg.Clock.Now().Sub(u.success)
	return s
}

// Run seals and uploads until ctx is done, and returns then. An upload under
// way is given up: its objects are collected later, its records are still in
// the WAL.
func (u *Uploader) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { u.seal(ctx) })
	u.upload(ctx)
	wg.Wait()
}

// seal looks at the triggers at every poke and at intervals.
func (u *Uploader) seal(ctx context.Context) {
	tick := tickFor(u.cfg.Triggers)
	for {
		timer := u.cfg.Clock.AfterFunc(tick, u.Poke)
		select {
		case <-u.poke:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
		u.SealIfDue()
	}
}

// tickFor is how often age, fill and rescue bound are looked at.
func tickFor(t Triggers) time.Duration {
	const most = time.Second
	if t.Interval > 0 {
		return min(most, max(t.Interval/8, time.Millisecond))
	}
	return most
}

// SealIfDue seals a generation if a trigger or Force asks for it. Run does so
// by itself.
func (u *Uploader) SealIfDue() {
	load := u.cfg.Source.Load()
	defer u.setPace(load)
	u.mu.Lock()
	reason := u.pace.t.Decide(load)
	forces := u.forces
	if forces > u.followed {
		reason = ByForce
	}
	u.mu.Unlock()
	if reason == NotYet {
		return
	}
	g, ok := u.cfg.Source.Seal()
	u.mu.Lock()
	if ok {
		u.queue = append(u.queue, g)
		u.pace.due = load.Untrimmed
	}
	if forces > u.followed { // a Force since then stands: it may mean what came after the seal
		u.followed, u.sealed = forces, u.stats.Generations+uint64(len(u.queue))
	}
	u.wakeWaiters()
	u.mu.Unlock()
	if ok {
		u.cfg.Log.Debug("sealed", "reason", reason, "bytes", load.Unsealed)
		signal(u.work)
	}
}

// Between attempts at uploads.
const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 10 * time.Second
)

// upload brings generation after generation home, and between attempts that
// failed waits longer and longer.
func (u *Uploader) upload(ctx context.Context) {
	retry := clock.Backoff{Min: backoffMin, Max: backoffMax, Random: u.cfg.Random}
	for ctx.Err() == nil {
		idle, err := u.Attempt(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			level := slog.LevelWarn
			if errors.Is(err, ErrNotDue) {
				level = slog.LevelDebug
			}
			u.cfg.Log.Log(ctx, level, "upload incomplete, will retry", "error", err)
			_ = retry.Wait(ctx, u.cfg.Clock) // ends with ctx, as the loop does
		case idle:
			retry.Reset()
			select {
			case <-u.work:
			case <-ctx.Done():
			}
		default:
			retry.Reset()
		}
	}
	if u.current != nil {
		u.current.end()
	}
}

// wakeWaiters wakes Drain; u.mu is held.
func (u *Uploader) wakeWaiters() {
	close(u.settled)
	u.settled = make(chan struct{})
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
