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

// Opening names one opening of a stream, among those before and after it.
type Opening struct {
	Stream ids.StreamID
	Epoch  ids.StreamEpoch
}

// HandOff ends the tails of openings that others are to follow: it stops their
// appends, waits for those under way, and closes them by few commands. Before a
// stream is closed, ended is told where it ends, once it is certain. What they
// have here stays readable, for other nodes by ReadHeld, until it is in objects,
// which is begun at once. Those in the WAL wait for no PUT.
//
// Openings that are over are passed over, also if the stream is open here again
// by now: an attempt may come late. Those whose log failed are closed where what
// was acknowledged ends, without ended being told: their appender may know of
// more. If another node has the log, the metadata refuses that, and the streams
// are forgotten here. After an error HandOff may be called again with the same
// openings.
func (m *Manager) HandOff(ctx context.Context, openings []Opening, ended func(stream ids.StreamID, end int64)) error {
	var errs []error
	// Those in the WAL first: they are not to wait for what others have on its way
	// to the object store.
	for _, direct := range []bool{false, true} {
		for chunk := range slices.Chunk(openings, closeBatch) {
			errs = append(errs, m.handOff(ctx, chunk, direct, ended))
		}
		if m.rooms != nil && !direct {
			m.rooms.uploader.Force()
		}
	}
	return errors.Join(errs...)
}

// handOff ends the tails of those of the openings that are acknowledged from object
// storage, or of the others.
func (m *Manager) handOff(ctx context.Context, openings []Opening, direct bool, ended func(ids.StreamID, int64)) error {
	open := make([]*Stream, 0, len(openings))
	m.mu.Lock()
	for _, o := range openings {
		if s := m.streams[o.Stream]; s != nil && s.epoch == o.Epoch && s.direct == direct {
			s.closing.Store(true) // all of them, before any is waited for
			open = append(open, s)
		}
	}
	m.mu.Unlock()
	return m.endTails(ctx, open, ended)
}

// endTails stops the appends of streams, waits for those under way, and ends
// their tails in the metadata by one command; see HandOff for ended. They are
// forgotten here: also those refused, which are deleted, or another's by now.
func (m *Manager) endTails(ctx context.Context, open []*Stream, ended func(ids.StreamID, int64)) error {
	if len(open) == 0 {
		return nil
	}
	ends := make([]meta.CloseStream, 0, len(open))
	for _, s := range open {
		end, err := s.finish(ctx)
		if err != nil {
			return err
		}
		if s.Failed() == nil {
			ended(s.id, end)
		}
		ends = append(ends, meta.CloseStream{Stream: s.id, Epoch: s.epoch, End: end})
	}
	err := m.meta.CloseStreams(ctx, ends)
	if err != nil && !errors.Is(err, meta.ErrUnknownStream) && !errors.Is(err, meta.ErrFenced) {
		return fmt.Errorf("close %d streams: %w", len(ends), err)
	}
	for _, c := range ends {
		m.closed(c)
	}
	return nil
}
