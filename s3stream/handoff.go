package s3stream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// closeBatch is how many streams one metadata command closes.
const closeBatch = 2000

// HandOff ends the tails of streams that others are to open: it stops their
// appends, waits for those under way, and closes them by few commands. Before a
// stream is closed, ended is told where it ends, once it is certain. What they
// have here stays readable, for other nodes by ReadHeld, until it is in objects,
// which is begun at once. No PUT is waited for.
//
// Streams that are not open here any more are passed over, as are those whose
// log was fenced: they are another's to close. After any other error HandOff may
// be called again with the same streams.
func (m *Manager) HandOff(ctx context.Context, streams []ids.StreamID, ended func(stream ids.StreamID, end int64)) error {
	var errs []error
	for chunk := range slices.Chunk(streams, closeBatch) {
		errs = append(errs, m.handOff(ctx, chunk, ended))
	}
	if m.rooms != nil {
		m.rooms.uploader.Force()
	}
	return errors.Join(errs...)
}

func (m *Manager) handOff(ctx context.Context, streams []ids.StreamID, ended func(ids.StreamID, int64)) error {
	open := make([]*Stream, 0, len(streams))
	m.mu.Lock()
	for _, id := range streams {
		if s := m.streams[id]; s != nil {
			s.closing.Store(true) // all of them, before any is waited for
			open = append(open, s)
		}
	}
	m.mu.Unlock()
	ends := make([]meta.CloseStream, 0, len(open))
	for _, s := range open {
		end, err := s.finish(ctx)
		switch {
		case err == nil:
			ended(s.id, end)
			ends = append(ends, meta.CloseStream{Stream: s.id, Epoch: s.epoch, End: end})
		case errors.Is(err, ErrFenced):
			m.Drop([]ids.StreamID{s.id})
		default:
			return err
		}
	}
	if len(ends) == 0 {
		return nil
	}
	err := m.meta.CloseStreams(ctx, ends)
	if err != nil && !errors.Is(err, meta.ErrUnknownStream) && !errors.Is(err, meta.ErrFenced) {
		return fmt.Errorf("close %d streams: %w", len(ends), err)
	}
	for _, c := range ends { // also those refused: deleted, or another's by now
		m.closed(c)
	}
	return nil
}
