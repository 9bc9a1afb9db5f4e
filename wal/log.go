package wal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/invariant"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// The errors of a log. All are the environment's: none says that a record was
// or was not made durable, except that ErrFull took nothing.
var (
	// ErrFenced: a write failed or hung, or another node took the log over.
	// The log acknowledges nothing any more. Errors that wrap it carry the
	// cause.
	ErrFenced = errors.New("WAL is fenced")
	// ErrFull: the ring, the memory for pages, or the window of writes in
	// flight is used up for now; see WaitSpace.
	ErrFull = errors.New("WAL is full")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("WAL is closed")
	// ErrTooLarge: the record would never fit.
	ErrTooLarge = errors.New("record is too large for the WAL")
)

// Completion is told the fate of one append. It is embedded in a structure of
// the caller, who pools it; the log holds it until Durable was called.
type Completion interface {
	// Durable is called once, without locks, in the order of appends: with nil
	// when the record is durable and may be acknowledged, else with an error
	// that wraps ErrFenced. It must not block for long: later completions of
	// all streams wait behind it.
	Durable(err error)
}

// PageSource supplies the memory at the head of a log.
type PageSource interface {
	// Page returns a page with one reference for the log, or nil if none can
	// be had now. It may be called under the log's lock.
	Page() *page.Page
}

// Sink learns what is appended, under the log's lock and therefore before it
// can be durable: whoever is told of durability finds the entry.
type Sink interface {
	// Opened says that p holds the positions from position on. The sink
	// retains it to keep it beyond the log's own need.
	Opened(position int64, p *page.Page)
	// Appended says where a record's payload lies.
	Appended(Entry)
}

// Entry is one appended record, by place.
type Entry struct {
	Kind            walfmt.Kind
	Stream          ids.StreamID
	BaseOffset      int64
	EndOffset       int64
	PayloadPosition int64
	PayloadBytes    int
}

// Config is what a log is made of. Zero values take the defaults below.
type Config struct {
	Area  *volume.Area
	Clock clock.Clock
	Pages PageSource
	Sink  Sink        // may be nil
	Fence fence.Fence // nil is fence.Exclusive

	// Depth is how many flushes may be in flight.
	Depth int
	// InlineBytesMax is the largest flush that an appender writes itself.
	InlineBytesMax int
	// InlineLatencyMax is the median latency of small writes up to which the
	// device counts as fast.
	InlineLatencyMax time.Duration
	// GatherBytesMin is how much gathers while a fast device is busy before
	// one more write is put in flight.
	GatherBytesMin int
	// FlushBytesMax closes a flush to further records.
	FlushBytesMax int
	// ZeroAheadBytes are kept zeroed past the head in the first cycle, where
	// the device says that this pays.
	ZeroAheadBytes int64
	// HangTimeout is how long a write may take before the log is fenced.
	HangTimeout time.Duration
	// NoKeeper runs no background goroutine: for deterministic tests.
	NoKeeper bool
	// Observe, if set, is called after every flush that was written, under the
	// log's lock: it must be quick and must not call the log.
	Observe func(FlushInfo)
}

// FlushInfo describes one durable device write.
type FlushInfo struct {
	Bytes   int // with header and padding
	Records int
	Took    time.Duration
	Inline  bool
}

// WindowBytesDefault is the window of fresh instances: the most that may be
// pending and in flight, and what recovery scans past a hole.
const WindowBytesDefault = 64 << 20

func (c *Config) setDefaults() {
	setDefault(&c.Depth, 8)
	setDefault(&c.InlineBytesMax, 64<<10)
	setDefault(&c.InlineLatencyMax, 500*time.Microsecond)
	setDefault(&c.GatherBytesMin, 128<<10)
	setDefault(&c.FlushBytesMax, 1<<20)
	setDefault(&c.ZeroAheadBytes, 64<<20)
	setDefault(&c.HangTimeout, 30*time.Second)
	if c.Fence == nil {
		c.Fence = fence.Exclusive{}
	}
}

func setDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// Log is the live instance of a WAL. Its methods may be called concurrently.
type Log struct {
	cfg    Config
	area   *volume.Area
	reader areaReader
	seed   walfmt.Seed
	block  int64
	window int64

	durable atomic.Int64 // contiguous on the device; a flush boundary
	trimmed atomic.Int64

	mu       sync.Mutex
	head     int64 // the next byte to be filled
	queue    []*flush
	launched int      // of queue, from its front
	inFlight int      // launched and not yet written
	idle     []*flush // for reuse
	pages    pageRun
	spares   []*page.Page
	scratch  [walfmt.RecordHeaderBytes]byte
	zero     zeroer
	ready    []*flush // durable or failed, completions not yet run
	running  bool     // someone runs completions
	// readyReuse is the spare of ready: the two are swapped.
	readyReuse []*flush
	failed     error
	hung       bool // failed because a write did not return
	closed     bool
	progress   chan struct{} // closed at the next progress; nil while nobody waits
	latency    time.Duration // moving median of small writes
	watching   bool
	stats      Stats

	wakeKeeper chan struct{}
	keeperDone chan struct{}
	resting    context.Context // of the keeper; ends with Close
	endRest    context.CancelFunc
}

// New starts a log at the beginning of a fresh area, which it owns from then
// on. It writes the first zeros before it returns.
func New(cfg Config) (*Log, error) {
	cfg.setDefaults()
	h := &cfg.Area.Header
	l := &Log{
		cfg:        cfg,
		area:       cfg.Area,
		reader:     newAreaReader(cfg.Area),
		seed:       walfmt.SeedOf(h.Instance),
		block:      int64(h.BlockBytes),
		window:     h.WindowBytes,
		wakeKeeper: make(chan struct{}, 1),
		keeperDone: make(chan struct{}),
	}
	l.resting, l.endRest = context.WithCancel(context.Background())
	invariant.Check(l.window > 0, "wal: instance without a window")
	l.zero.init(l)
	if cfg.NoKeeper {
		close(l.keeperDone)
		return l, nil
	}
	if err := l.zeroFirst(); err != nil {
		return nil, err
	}
	l.wake()
	go l.keep()
	return l, nil
}

// Instance is the identity that stands in the metadata.
func (l *Log) Instance() ids.WALInstance { return l.area.Header.Instance }

// DurableUpTo is the position below which everything is on the device: a flush
// boundary, fit to be sealed and trimmed at.
func (l *Log) DurableUpTo() int64 { return l.durable.Load() }

// Trimmed is the position below which space may be overwritten.
func (l *Log) Trimmed() int64 { return l.trimmed.Load() }

// Failed is nil, or the error that fenced the log, wrapping ErrFenced.
func (l *Log) Failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// ReadAt fills dst with the bytes at position, from the device. They must lie
// below DurableUpTo. Whether they are still there, or were overwritten after a
// trim, the caller finds out by the CRC of the record in them.
func (l *Log) ReadAt(dst []byte, position int64) error {
	return l.reader.readAt(dst, position)
}

// Close refuses further appends, waits until what is pending has its fate, and
// gives up the area. What was acknowledged stays to be recovered. A log that
// was fenced by a hung write leaves that write and the device behind.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.endRest()
	l.startNext(false) // what was held
	l.mu.Lock()
	for len(l.queue) > 0 || len(l.ready) > 0 || l.running || l.inFlight > 0 && !l.hung {
		l.waitProgress()
	}
	l.noteProgress()
	hung, failed := l.hung, l.failed
	l.mu.Unlock()
	l.wake()
	if hung {
		return failed
	}
	<-l.keeperDone
	l.releasePages()
	if failed != nil {
		_ = l.area.Close()
		return failed
	}
	if err := l.area.WriteTrimHint(l.trimmed.Load()); err != nil {
		_ = l.area.Close()
		return err
	}
	return l.area.Close()
}

// waitProgress waits, with mu released, until noteProgress is next called.
func (l *Log) waitProgress() {
	ch := l.progressChan()
	l.mu.Unlock()
	<-ch
	l.mu.Lock()
}

func (l *Log) progressChan() chan struct{} {
	if l.progress == nil {
		l.progress = make(chan struct{})
	}
	return l.progress
}

// noteProgress wakes everyone who waits for space or for the end.
func (l *Log) noteProgress() {
	if l.progress != nil {
		close(l.progress)
		l.progress = nil
	}
}

// releasePages gives up what the log holds once nothing is in flight.
func (l *Log) releasePages() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages.releaseBelow(l.head + page.Size)
	for _, p := range l.spares {
		p.Release()
	}
	l.spares = nil
}
