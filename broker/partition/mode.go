package partition

import (
	"context"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// A topic is acknowledged from the WAL or from object storage (diskless.enable),
// and may change from one to the other while it is in use. That is a move to this
// very node: the stream is closed in the one log, when all that was appended is
// durable, and opened in the other where it ended. In between requests are held,
// as in any move, and producers' sequences go on.
//
// What the WAL has of it is uploaded before, while appends go on: what is appended
// to object storage afterwards is acknowledged when what comes before it is there.
// A topic that leaves object storage first waits for a sign that appends are still
// acknowledged there: those under way have to be, before the stream can be closed.
// So while the object store is away, a topic stays where it is, and is read.

// modes are the partitions on their way from one log to the other.
type modes struct {
	preparing map[*Partition]struct{} // before they leave; the Set's goroutine's
	prepared  chan []*Partition
}

func newModes() modes {
	return modes{preparing: map[*Partition]struct{}{}, prepared: make(chan []*Partition)}
}

// isMisplaced says whether the partition is in another log than its topic asks for.
func (p *Partition) isMisplaced() bool { return p.stream.IsDirect() != p.Settings().Diskless }

// followModes begins to change the log of the partitions of these topics that are
// in another one than they are to be.
func (s *Set) followModes(ctx context.Context, names map[string]struct{}) {
	var inWAL, inStore []*Partition
	s.mu.RLock()
	for name := range names {
		t := s.byName[name]
		if t == nil {
			continue
		}
		for _, p := range t.parts {
			_, under := s.modes.preparing[p]
			switch {
			case under || !p.isMisplaced():
			case p.stream.IsDirect():
				inStore = append(inStore, p)
			default:
				inWAL = append(inWAL, p)
			}
		}
	}
	s.mu.RUnlock()
	s.prepare(ctx, inWAL, s.cfg.Streams.Upload)
	s.prepare(ctx, inStore, s.cfg.Streams.AwaitStore)
}

// prepare has what has to be done before partitions leave their log, beside the
// Set's goroutine.
func (s *Set) prepare(ctx context.Context, ps []*Partition, do func(context.Context) error) {
	if len(ps) == 0 {
		return
	}
	for _, p := range ps {
		s.modes.preparing[p] = struct{}{}
	}
	s.handOffs.Go(func() {
		for retry := (clock.Backoff{Min: closePauseFirst, Max: closePauseMost}); do(ctx) != nil; {
			if retry.Wait(ctx, s.cfg.Clock) != nil {
				return
			}
		}
		select {
		case s.modes.prepared <- ps:
		case <-ctx.Done():
		}
	})
}

// leavePrepared reopens partitions that are prepared, but for those that left
// meanwhile, or whose topics changed back. It returns those it gave up here.
func (s *Set) leavePrepared(ctx context.Context, ps []*Partition) (leaving []*Partition) {
	for _, p := range ps {
		delete(s.modes.preparing, p)
		s.mu.RLock()
		here := s.byStream[p.stream.ID()] == p
		s.mu.RUnlock()
		if here && p.isMisplaced() {
			leaving = append(leaving, p)
		}
	}
	s.reopen(ctx, leaving)
	return leaving
}

// reopen closes partitions, to be opened again when the metadata has their streams
// closed: in the log that their topics ask for then.
func (s *Set) reopen(ctx context.Context, ps []*Partition) {
	for _, p := range ps {
		s.settling.begin(key{p.TopicID, p.Index})
	}
	s.handOff(ctx, ps)
}

// isDirect says whether a topic is to be acknowledged from object storage.
func (s *Set) isDirect(img *image.Image, topic *image.Topic) bool {
	return s.settings(img, topic.Name).Diskless
}
