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
	log     appendLog
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

// newManager makes a Manager over an open log and its window.
func newManager(m StreamMeta, wal ids.WALInstance, log appendLog, w window, objects objectReader, coldReadsMax int) *Manager {
	mgr := &Manager{
		meta: m, wal: wal, log: log, objects: objects,
		cold:    make(chan struct{}, max(coldReadsMax, 1)),
		served:  make(chan struct{}, servedMax),
		streams: map[ids.StreamID]*Stream{},
	}
	mgr.windows.Store(&[]window{w})
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
}

// OpenRequest asks for a stream; see meta.OpenStream.
type OpenRequest = meta.OpenStream

// Open opens streams for appending, all by one metadata command. The result
// has one entry a request, in order: nil where that stream was refused, for
// the reason in the error, which joins them all. An error with a nil result
// means that the command itself failed.
func (m *Manager) Open(ctx context.Context, reqs []OpenRequest) ([]*Stream, error) {
	opened, err := m.meta.OpenStreams(ctx, m.wal, reqs)
	if err != nil {
		return nil, fmt.Errorf("open %d streams: %w", len(reqs), err)
	}
	out := make([]*Stream, len(opened))
	var refused []error
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range opened {
		if o.Err != nil {
			refused = append(refused, fmt.Errorf("open stream %d: %w", o.Stream, o.Err))
			continue
		}
		s := &Stream{m: m, id: o.Stream, epoch: o.Epoch, drained: make(chan struct{}, 1)}
		s.start.Store(o.Start)
		s.end.Store(o.End)
		s.durable.Store(o.End)
		s.committed.Store(o.CommittedEnd)
		m.log.Begin(o.Stream, o.Epoch, o.End)
		m.streams[o.Stream] = s
		out[i] = s
	}
	return out, errors.Join(refused...)
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
		m.log.End(id, s.epoch, s.end.Load(), s.committed.Load())
		delete(m.streams, id)
	}
}

// Flush sees to it that what was appended to any stream is on its way to the
// device. With inline, an idle and fast device is written in this goroutine.
// Call it without locks that completions take.
func (m *Manager) Flush(inline bool) { m.log.Flush(inline) }

// WaitSpace waits until an append that was refused with ErrFull may succeed.
func (m *Manager) WaitSpace(ctx context.Context) error { return m.log.WaitSpace(ctx) }

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
	m.log.End(c.Stream, c.Epoch, c.End, committed)
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
