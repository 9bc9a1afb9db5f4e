package s3stream

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/tail"
)

// StreamMeta is what opening, trimming and closing streams needs of the
// metadata.
type StreamMeta interface {
	// OpenStreams opens streams by one command and answers each, in order. An
	// error means that none was opened.
	OpenStreams(ctx context.Context, wal ids.WALInstance, streams []meta.OpenStream) ([]meta.OpenedStream, error)
	// CloseStream ends the open tail of a stream of this node.
	CloseStream(ctx context.Context, c meta.CloseStream) error
	// TrimStream raises the first readable offset of an open stream.
	TrimStream(ctx context.Context, stream ids.StreamID, epoch ids.StreamEpoch, newStart int64) error
}

// Window is what one WAL instance still holds of streams: its log cache, and
// behind it the WAL itself.
type Window interface {
	// TryRead answers from memory. covered says that the window holds From (or
	// that From is its end); ready is false when the answer needs a disk read.
	TryRead(r read.Request) (res read.Result, covered, ready bool)
	// Read answers from memory or from the WAL, as TryRead.
	Read(ctx context.Context, r read.Request) (res read.Result, covered bool, err error)
}

// Objects reads what is in object storage.
type Objects interface {
	Read(ctx context.Context, r read.Request) (read.Result, error)
	// Attachments gives the summaries of the parts of a stream that overlap
	// [from, upTo), in order.
	Attachments(ctx context.Context, stream ids.StreamID, from, upTo int64) iter.Seq2[read.Attachment, error]
}

// Config is what a Manager is made of.
type Config struct {
	Meta    StreamMeta
	WAL     ids.WALInstance
	Log     LogSpace
	Window  Window // of Log
	Objects Objects
	// ColdReadsMax bounds the reads from WAL and object storage under way at
	// once.
	ColdReadsMax int
}

// LogSpace is a log whose space may run out.
type LogSpace interface {
	tail.Log
	// WaitSpace waits until an append refused with ErrFull may succeed.
	WaitSpace(ctx context.Context) error
}

// Manager has the streams of one node.
type Manager struct {
	meta    StreamMeta
	wal     ids.WALInstance
	log     LogSpace
	objects Objects
	cold    chan struct{} // a token a cold read

	mu      sync.Mutex
	streams map[ids.StreamID]*Stream
	windows atomic.Pointer[[]Window] // newest first; replaced under mu
}

// New makes a Manager over an open log. It starts no work of its own.
func New(cfg Config) *Manager {
	m := &Manager{
		meta: cfg.Meta, wal: cfg.WAL, log: cfg.Log, objects: cfg.Objects,
		cold:    make(chan struct{}, max(cfg.ColdReadsMax, 1)),
		streams: map[ids.StreamID]*Stream{},
	}
	m.windows.Store(&[]Window{cfg.Window})
	return m
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
	var refused refusals
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
		m.streams[o.Stream] = s
		out[i] = s
	}
	return out, refused.join()
}

// WaitSpace waits until an append that was refused with ErrFull may succeed.
func (m *Manager) WaitSpace(ctx context.Context) error { return m.log.WaitSpace(ctx) }

// closeStream ends s's tail in the metadata and forgets the stream.
func (m *Manager) closeStream(ctx context.Context, c meta.CloseStream) error {
	if err := m.meta.CloseStream(ctx, c); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.streams[c.Stream]; s != nil && s.epoch == c.Epoch {
		delete(m.streams, c.Stream)
	}
	return nil
}
