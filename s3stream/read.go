package s3stream

import (
	"context"
	"fmt"
	"iter"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/read"
)

// window is what one WAL instance still holds of streams: its log cache, and
// behind it the WAL itself.
type window interface {
	// TryRead answers from memory without blocking. covered says that the
	// offset is the window's to serve, ready is false when that needs a disk.
	TryRead(r read.Request) (res read.Result, covered, ready bool)
	// Read answers from memory or from the WAL.
	Read(ctx context.Context, r read.Request) (res read.Result, covered bool, err error)
}

// objectReader reads what is in object storage.
type objectReader interface {
	Read(ctx context.Context, r read.Request) (read.Result, error)
	Attachments(ctx context.Context, stream ids.StreamID, from, upTo int64) iter.Seq2[read.Attachment, error]
}

// Result is a run of batches, to be released; see read.Result.
type Result = read.Result

// ReadOptions are the choices of one read.
type ReadOptions struct {
	// MaxBytes bounds what is returned.
	MaxBytes int
	// MinOne lets the first batch be larger than MaxBytes.
	MinOne bool
}

// TryRead answers from memory without blocking, or says ok = false: then Read
// is to be called, on a goroutine that may wait. Its results are Read's.
func (s *Stream) TryRead(from, upTo int64, opt ReadOptions) (res Result, ok bool) {
	r := s.request(from, upTo, opt)
	if s.check(r) != nil {
		return Result{}, false // Read says why
	}
	if r.From >= r.UpTo {
		return Result{NextOffset: from}, true
	}
	for _, w := range *s.m.windows.Load() {
		if res, covered, ready := w.TryRead(r); covered {
			return res, ready
		}
	}
	return Result{}, false
}

// Read returns whole batches from the one that holds from on, in order, none
// past upTo nor past DurableEnd. upTo is at the edge of a batch (a high
// watermark, a last stable offset). It looks into the log cache, then into the
// WAL, then into objects, and may return less than MaxBytes of what is there;
// it returns nothing only when from is upTo or DurableEnd, or when the first
// batch is larger than MaxBytes and MinOne is not set, or when all that is left
// was lost with a WAL that was given up: then NextOffset is upTo. What was lost
// before other batches is passed over.
//
// Reads that need a disk or object storage wait for their turn among
// Config.ColdReadsMax.
func (s *Stream) Read(ctx context.Context, from, upTo int64, opt ReadOptions) (Result, error) {
	if res, ok := s.TryRead(from, upTo, opt); ok {
		return res, nil
	}
	r := s.request(from, upTo, opt)
	if err := s.check(r); err != nil {
		return Result{}, err
	}
	select {
	case s.m.cold <- struct{}{}:
		defer func() { <-s.m.cold }()
	case <-ctx.Done():
		return Result{}, fmt.Errorf("stream %d: read at %d: %w", s.id, from, ctx.Err())
	}
	res, err := s.m.readPast(ctx, r)
	if err != nil {
		return Result{}, fmt.Errorf("stream %d: read at %d: %w", s.id, from, err)
	}
	return res, nil
}

// readPast is readCold from after what was lost at the offset, if something was:
// as it may turn out in the middle of a read that waits for a WAL.
func (m *Manager) readPast(ctx context.Context, r read.Request) (res Result, err error) {
	for first := true; ; first = false {
		end, lost := m.meta.LostUpTo(r.Stream, r.From)
		switch {
		case lost && end >= r.UpTo:
			return Result{NextOffset: r.UpTo}, nil
		case lost:
			r.From = end
		case !first:
			return res, err
		}
		if res, err = m.readCold(ctx, r); err == nil {
			return res, nil
		}
	}
}

// IsLost says whether what was appended at an offset was lost with a WAL that was
// given up, as far as this node knows.
func (s *Stream) IsLost(offset int64) bool {
	_, lost := s.m.meta.LostUpTo(s.id, offset)
	return lost
}

func (s *Stream) request(from, upTo int64, opt ReadOptions) read.Request {
	return read.Request{
		Stream: s.id, From: from, UpTo: min(upTo, s.durable.Load()),
		MaxBytes: opt.MaxBytes, MinOne: opt.MinOne,
	}
}

func (s *Stream) check(r read.Request) error {
	if start, end := s.start.Load(), s.durable.Load(); r.From < start || r.From > end {
		return fmt.Errorf("stream %d: read at %d: %w: [%d, %d]", s.id, r.From, ErrOutOfRange, start, end)
	}
	return nil
}

// readCold tries the windows, then the node that holds the tail, then the
// objects. A generation that is committed and leaves its window between two
// looks is found in the objects; one whose objects are replaced meanwhile is
// looked up again there.
func (m *Manager) readCold(ctx context.Context, r read.Request) (Result, error) {
	for _, w := range *m.windows.Load() {
		if res, covered, err := w.Read(ctx, r); covered || err != nil {
			return res, err
		}
	}
	if m.remote != nil {
		if res, found, err := m.remote.read(ctx, m, r); found || err != nil {
			return res, err
		}
	}
	return m.objects.Read(ctx, r)
}
