package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal"
)

// chunkBytes is how much of a window an upload reads at once.
const chunkBytes = 512 << 10

// Window is what one WAL instance still has of streams, for reads and for
// uploads: the live one's (WAL) or a rescued one's.
type Window struct {
	cache *logcache.Window
	log   source
	spans *spans
	frame read.Framer
	from  int64 // the WAL has nothing below
	// trim lets the WAL reuse the space below a position.
	trim func(upTo int64)
	// What is read back from the WAL for an upload is pieceBytes at a time,
	// drawn from memory.
	memory     *budget.Account
	pieceBytes int64

	reading sync.RWMutex // held for reading while the WAL is read
	stopped bool
}

// NewWindow makes the window of a recovered instance, which is not appended to
// any more. known are the openings in it.
func NewWindow(cache *logcache.Window, log *wal.Recovered, known map[ids.StreamID][]Span, frame read.Framer) *Window {
	w := &Window{cache: cache, log: log, spans: newSpans(), frame: frame, from: log.From, trim: func(int64) {}}
	for stream, spans := range known {
		w.spans.set(stream, spans)
	}
	return w
}

// UploadBy says how much of the WAL an upload may read back at a time, and from
// which account. It is called before the first upload.
func (w *Window) UploadBy(memory *budget.Account, pieceBytes int64) {
	w.memory, w.pieceBytes = memory, pieceBytes
}

// TryRead answers from memory without blocking. covered says that the offset
// is this window's to serve; ready is false if that takes a look at the disk.
func (w *Window) TryRead(r read.Request) (res read.Result, covered, ready bool) {
	if !w.clip(&r) {
		return read.Result{}, false, false
	}
	got, err := w.cache.TryRead(r.Stream, r.From, r.UpTo, r.MaxBytes, r.MinOne)
	if err != nil {
		return read.Result{}, !errors.Is(err, logcache.ErrNotHere), false
	}
	return result(got), true, true
}

// Read answers from memory or from the WAL.
func (w *Window) Read(_ context.Context, r read.Request) (res read.Result, covered bool, err error) {
	w.reading.RLock()
	defer w.reading.RUnlock()
	if w.stopped || !w.clip(&r) {
		return read.Result{}, false, nil
	}
	got, err := w.cache.Read(r.Stream, r.From, r.UpTo, r.MaxBytes, r.MinOne)
	switch {
	case errors.Is(err, logcache.ErrNotHere):
		return read.Result{}, false, nil
	case err != nil:
		return read.Result{}, true, fmt.Errorf("read WAL: %w", err)
	}
	return result(got), true, nil
}

// clip keeps a read within the opening of the stream that it begins in.
func (w *Window) clip(r *read.Request) bool {
	span, ok := w.spans.at(r.Stream, r.From)
	r.UpTo = min(r.UpTo, span.End)
	return ok && (r.Epoch == 0 || r.Epoch == span.Epoch)
}

func result(got *logcache.Result) read.Result {
	res := read.Result{Segments: got.Segments, NextOffset: got.NextOffset}
	res.Keep(got)
	return res
}

// Seal ends the present generation at what is durable.
func (w *Window) Seal() (upload.Generation, bool) {
	sealed := w.cache.Seal()
	if sealed.UpTo == sealed.From {
		return nil, false
	}
	return &generation{w: w, sealed: sealed}, true
}

// Close lets go of the window's memory, after the reads under way. The WAL may
// be closed then.
func (w *Window) Close() {
	w.stopReads()
	w.cache.Close()
}

// stopReads waits for reads of the WAL and lets none begin: those are for the
// objects.
func (w *Window) stopReads() {
	w.reading.Lock()
	w.stopped = true
	w.reading.Unlock()
}

// generation is a sealed part of a window.
type generation struct {
	w      *Window
	sealed *logcache.Generation
}

// extents lists what is in it, by stream and opening.
func (g *generation) extents() []upload.Extent {
	var out []upload.Extent
	for _, e := range g.sealed.Streams() {
		bytes := e.Bytes
		for i, part := range g.w.spans.cut(e.Stream, e.Start, e.End) {
			if i > 0 {
				bytes = 0 // how they divide is not known: the first has all
			}
			out = append(out, upload.Extent{Stream: e.Stream, Epoch: part.Epoch, Start: part.Start, End: part.End, Bytes: bytes})
		}
	}
	return out
}

// TrimTo is the position below which the WAL is not needed once this
// generation and all before it are committed.
func (g *generation) TrimTo() int64 { return g.sealed.UpTo }

// Batches calls f with each batch of an extent, in order.
func (g *generation) Batches(ctx context.Context, e upload.Extent, f func(upload.Batch) error) error {
	for from := e.Start; from < e.End; {
		if err := ctx.Err(); err != nil {
			return err
		}
		res, err := g.w.cache.Read(e.Stream, from, e.End, chunkBytes, true)
		if err != nil {
			return fmt.Errorf("read WAL at offset %d: %w", from, err)
		}
		next := res.NextOffset
		err = eachBatch(res.Segments, g.w.frame, f)
		res.Release()
		if err == nil && next <= from {
			err = fmt.Errorf("nothing at offset %d", from)
		}
		if err != nil {
			return err
		}
		from = next
	}
	return nil
}

// Committed says that all of it is in objects. The window forgets first: what
// it would still read from the WAL may be overwritten as soon as that is
// trimmed.
func (g *generation) Committed() {
	g.w.cache.Trimmed(g.sealed.UpTo)
	for _, e := range g.sealed.Streams() {
		g.w.spans.forget(e.Stream, e.End)
	}
	g.w.trim(g.sealed.UpTo)
}

// eachBatch cuts segments, of which a batch may span several, into batches. It
// copies nothing but headers that span two of them.
func eachBatch(segments [][]byte, frame read.Framer, f func(upload.Batch) error) error {
	segments = slices.Clone(segments) // of what is left of them
	var b upload.Batch
	for {
		for len(segments) > 0 && len(segments[0]) == 0 {
			segments = segments[1:]
		}
		if len(segments) == 0 {
			return nil
		}
		size, start, end, err := frameFirst(segments, frame)
		if err != nil {
			return cutShort(segments, err)
		}
		b.Start, b.End, b.Bytes = start, end, b.Bytes[:0]
		for ; size > 0; segments = segments[1:] {
			if len(segments) == 0 {
				return cutShort(b.Bytes, nil)
			}
			if first := segments[0]; size < len(first) {
				b.Bytes = append(b.Bytes, first[:size])
				segments[0] = first[size:]
				break
			}
			b.Bytes = append(b.Bytes, segments[0])
			size -= len(segments[0])
		}
		if err := f(b); err != nil {
			return err
		}
	}
}

// headerBytes is more than a batch's header has.
const headerBytes = 256

// frameFirst reads the edges of the batch that segments begin with.
func frameFirst(segments [][]byte, frame read.Framer) (size int, start, end int64, err error) {
	head := segments[0]
	if len(head) < headerBytes && len(segments) > 1 {
		var whole [headerBytes]byte
		n := 0
		for i := 0; i < len(segments) && n < len(whole); i++ {
			n += copy(whole[n:], segments[i])
		}
		head = whole[:n]
	}
	return frame(head)
}

func cutShort(left [][]byte, cause error) error {
	n := 0
	for _, s := range left {
		n += len(s)
	}
	return fmt.Errorf("WAL record ends within a batch, %d bytes left: %w", n, errors.Join(logcache.ErrCorrupt, cause))
}
