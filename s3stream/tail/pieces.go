package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// fewExtents is up to how many extents a generation that left memory is read
// back stream by stream all the same: into fewer, larger objects.
const fewExtents = 4

// source is the log behind a window.
type source interface {
	ReadAt(dst []byte, position int64) error
	DurableUpTo() int64
	Instance() ids.WALInstance
}

// Pieces passes over the generation. What is in memory is one piece, read
// stream by stream. What is not would be read back with every page once for
// each stream in it; so it is read once, in the log's order, and uploaded in
// pieces of what fits in memory.
func (g *generation) Pieces() func(context.Context) (upload.Piece, error) {
	extents := g.extents()
	if g.w.cache.ResidentFrom() <= g.sealed.From || len(extents) <= fewExtents {
		given := len(extents) == 0
		return func(context.Context) (upload.Piece, error) {
			if given {
				return nil, nil
			}
			given = true
			return &whole{g, extents}, nil
		}
	}
	s := &scan{w: g.w, seed: walfmt.SeedOf(g.w.log.Instance()), at: max(g.sealed.From, g.w.from), wanted: map[span]*upload.Extent{}}
	for i, e := range extents {
		s.wanted[span{e.Stream, e.Epoch}] = &extents[i]
	}
	return s.next
}

// whole is a generation as one piece.
type whole struct {
	*generation
	all []upload.Extent
}

// Extents implements upload.Piece.
func (p *whole) Extents() []upload.Extent { return p.all }

// Holds implements upload.Piece.
func (p *whole) Holds() bool { return false }

// Done implements upload.Piece.
func (p *whole) Done() {}

// span names what one opening of a stream appended.
type span struct {
	stream ids.StreamID
	epoch  ids.StreamEpoch
}

// scan passes over a generation in the order of the log.
type scan struct {
	w      *Window
	seed   walfmt.Seed
	at     int64                   // the next piece begins here
	wanted map[span]*upload.Extent // what the pieces so far left
}

// next reads the next piece, or gives nil after the last.
func (s *scan) next(ctx context.Context) (upload.Piece, error) {
	if len(s.wanted) == 0 {
		return nil, nil
	}
	limit := s.w.pieceBytes
	if err := s.w.memory.Acquire(ctx, limit); err != nil {
		return nil, fmt.Errorf("memory to read the WAL back: %w", err)
	}
	p := &piece{memory: s.w.memory, held: limit, parts: map[span]*part{}}
	if err := s.fill(ctx, p, limit); err != nil {
		p.Done()
		return nil, err
	}
	for key, got := range p.parts {
		if left := s.wanted[key]; left.End == got.End {
			delete(s.wanted, key)
		} else {
			left.Start = got.End
		}
	}
	return p, nil
}

// fill reads what lies from s.at on, as far as limit bytes go, or one record if
// that is longer.
func (s *scan) fill(ctx context.Context, p *piece, limit int64) error {
	for size := limit; ; {
		end := min(s.at+size, s.w.log.DurableUpTo())
		buf := make([]byte, end-s.at)
		if err := s.w.log.ReadAt(buf, s.at); err != nil {
			return fmt.Errorf("read WAL at position %d: %w", s.at, err)
		}
		walk := walfmt.WalkLog(s.at, buf)
		for rec, ok := walk.Next(); ok; rec, ok = walk.Next() {
			if err := s.take(p, &rec); err != nil {
				return err
			}
		}
		if walk.Position() > s.at {
			s.at = walk.Position()
			return ctx.Err()
		}
		h, err := walfmt.DecodeRecordHeader(buf)
		size = walfmt.RecordHeaderBytes + int64(h.PayloadBytes)
		if err != nil || size <= int64(len(buf)) {
			return fmt.Errorf("%w: position %d, %d streams are not read to their end", logcache.ErrCorrupt, s.at, len(s.wanted))
		}
	}
}

// take adds a record to the piece if it is wanted.
func (s *scan) take(p *piece, rec *walfmt.Record) error {
	key := span{rec.Stream, rec.StreamEpoch}
	want := s.wanted[key]
	if want == nil || rec.Kind != walfmt.KindData || rec.EndOffset <= want.Start || rec.BaseOffset >= want.End {
		return nil
	}
	if !rec.Verify(s.seed) {
		return fmt.Errorf("%w: stream %d, position %d", logcache.ErrCorrupt, rec.Stream, rec.Position)
	}
	got := p.parts[key]
	if got == nil {
		got = &part{Extent: upload.Extent{Stream: rec.Stream, Epoch: rec.StreamEpoch, Start: rec.BaseOffset}}
		p.parts[key] = got
	}
	got.End = rec.EndOffset
	got.Bytes += int64(len(rec.Payload))
	return eachBatch([][]byte{rec.Payload}, s.w.frame, func(b upload.Batch) error {
		b.Bytes = slices.Clone(b.Bytes)
		got.batches = append(got.batches, b)
		return nil
	})
}

// piece is a part of the log in memory.
type piece struct {
	memory *budget.Account
	held   int64
	parts  map[span]*part
}

// part is what a piece has of one opening of a stream.
type part struct {
	upload.Extent
	batches []upload.Batch
}

// Extents implements upload.Piece.
func (p *piece) Extents() []upload.Extent {
	out := make([]upload.Extent, 0, len(p.parts))
	for _, x := range p.parts {
		out = append(out, x.Extent)
	}
	return out
}

// Batches implements upload.Piece.
func (p *piece) Batches(ctx context.Context, e upload.Extent, f func(upload.Batch) error) error {
	for _, b := range p.parts[span{e.Stream, e.Epoch}].batches {
		if err := errors.Join(ctx.Err(), f(b)); err != nil {
			return err
		}
	}
	return nil
}

// Holds implements upload.Piece.
func (p *piece) Holds() bool { return true }

// Done implements upload.Piece.
func (p *piece) Done() {
	p.memory.Release(p.held)
	p.held, p.parts = 0, nil
}
