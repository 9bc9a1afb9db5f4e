package s3stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/tail"
)

// Manager has the streams of one node.
type Manager struct {
	meta    StreamMeta
	wal     ids.WALInstance
	log     appendLog // nil on a node without a WAL
	direct  *direct   // nil where nothing is acknowledged from object storage
	objects objectReader
	cold    chan struct{} // a token a cold read
	served  chan struct{} // a token a read for another node
	remote  *remoteReader // nil where there are no other nodes

	servedMemory *budget.Account // what is given to other nodes

	servedBytes atomic.Int64

	mu      sync.Mutex
	streams map[ids.StreamID]*Stream
	windows atomic.Pointer[[]window] // the live one first; replaced under mu

	rooms *rooms // nil in tests of the streams alone
}

// newManager makes a Manager over an open log and its window, which may both be
// nil.
func newManager(m StreamMeta, wal ids.WALInstance, log appendLog, w window, objects objectReader, coldReadsMax int) *Manager {
	mgr := &Manager{
		meta: m, wal: wal, log: log, objects: objects,
		cold:    make(chan struct{}, max(coldReadsMax, 1)),
		served:  make(chan struct{}, servedMax),
		streams: map[ids.StreamID]*Stream{},
	}
	mgr.windows.Store(new([]window))
	if w != nil {
		mgr.addWindow(w)
	}
	return mgr
}

// appendLog is a log in which streams begin and end, and whose space may run
// out.
type appendLog interface {
	tail.Log
	Begin(stream ids.StreamID, epoch ids.StreamEpoch, start int64)
	// End says where an opening ends, and how far the stream is in objects. It
	// may be told twice.
	End(stream ids.StreamID, epoch ids.StreamEpoch, end, committed int64)
	WaitSpace(ctx context.Context) error
	// Hurry has what was appended made durable as soon as can be: somebody waits
	// for it.
	Hurry()
}

// OpenRequest asks for a stream; see meta.OpenStream.
type OpenRequest struct {
	Stream        ids.StreamID
	ExpectedEpoch ids.StreamEpoch
	// Direct: its appends are acknowledged from object storage.
	Direct bool
}

// Open opens streams for appending, all of one log by one metadata command. The
// result has one entry a request, in order: nil where that stream was not opened,
// for the reason in the error, which joins them all.
func (m *Manager) Open(ctx context.Context, reqs []OpenRequest) ([]*Stream, error) {
	out := make([]*Stream, len(reqs))
	var errs []error
	for _, direct := range []bool{false, true} {
		var ask []meta.OpenStream
		var at []int // in out
		for i, r := range reqs {
			if r.Direct == direct {
				ask = append(ask, meta.OpenStream{Stream: r.Stream, ExpectedEpoch: r.ExpectedEpoch})
				at = append(at, i)
			}
		}
		if len(ask) > 0 {
			errs = append(errs, m.open(ctx, direct, ask, at, out))
		}
	}
	return out, errors.Join(errs...)
}

// open opens streams in one log, and puts each where it belongs in out.
func (m *Manager) open(ctx context.Context, direct bool, ask []meta.OpenStream, at []int, out []*Stream) error {
	wal, log, err := m.logFor(ctx, direct)
	if err != nil {
		return fmt.Errorf("open %d streams: %w", len(ask), err)
	}
	opened, err := m.meta.OpenStreams(ctx, wal, ask)
	if err != nil {
		return fmt.Errorf("open %d streams: %w", len(ask), err)
	}
	var refused []error
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range opened {
		if o.Err != nil {
			refused = append(refused, fmt.Errorf("open stream %d: %w", o.Stream, o.Err))
			continue
		}
		s := &Stream{m: m, log: log, direct: direct, id: o.Stream, epoch: o.Epoch, drained: make(chan struct{}, 1)}
		s.start.Store(o.Start)
		s.end.Store(o.End)
		s.durable.Store(o.End)
		s.committed.Store(o.CommittedEnd)
		log.Begin(o.Stream, o.Epoch, o.End)
		m.streams[o.Stream] = s
		out[at[i]] = s
	}
	return errors.Join(refused...)
}

// Drop forgets streams that the metadata has no more, or that were closed.
// Whoever still has one gets ErrClosed. What became of their data is decided
// when it is committed.
func (m *Manager) Drop(streams []ids.StreamID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range streams {
		s := m.streams[id]
		if s == nil {
			continue
		}
		s.closing.Store(true)
		s.log.End(id, s.epoch, s.end.Load(), s.committed.Load())
		delete(m.streams, id)
	}
}

// Flush sees to it that what was appended to any stream is on its way to the
// device. With inline, an idle and fast device is written in this goroutine.
// Call it without locks that completions take. Appends that are acknowledged from
// object storage gather on.
func (m *Manager) Flush(inline bool) {
	if m.log != nil {
		m.log.Flush(inline)
	}
}

// closeStream ends a stream's tail in the metadata and forgets the stream.
func (m *Manager) closeStream(ctx context.Context, c meta.CloseStream) error {
	if err := m.meta.CloseStreams(ctx, []meta.CloseStream{c}); err != nil {
		return err
	}
	m.closed(c)
	return nil
}

// closed forgets a stream whose tail is ended.
func (m *Manager) closed(c meta.CloseStream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	committed := int64(0)
	if s := m.streams[c.Stream]; s != nil && s.epoch == c.Epoch {
		committed = s.committed.Load()
		delete(m.streams, c.Stream)
	}
	if m.log != nil {
		m.log.End(c.Stream, c.Epoch, c.End, committed)
	}
	if m.direct != nil {
		m.direct.log.End(c.Stream, c.Epoch, c.End, committed)
	}
}

// accepted raises a stream's committed end: a slice of it was committed.
func (m *Manager) accepted(s meta.Slice) {
	m.mu.Lock()
	open := m.streams[s.Stream]
	m.mu.Unlock()
	if open == nil {
		return
	}
	raise(&open.committed, s.End)
	if s.Epoch == open.epoch { // else it was appended before, perhaps elsewhere
		open.inLog.Add(-s.Bytes)
	}
}

// addWindow makes reads look into w as well.
func (m *Manager) addWindow(w window) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := append(slices.Clone(*m.windows.Load()), w)
	m.windows.Store(&next)
}

func (m *Manager) removeWindow(w window) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(*m.windows.Load()), func(x window) bool { return x == w })
	m.windows.Store(&next)
}
