package partition

import (
	"context"

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
// While the object store is away, the topic stays in the WAL.

// modes are the partitions on their way from one log to the other.
type modes struct {
	uploading map[*Partition]struct{} // before they leave the WAL; the Set's goroutine's
	uploaded  chan []*Partition
}

func newModes() modes {
	return modes{uploading: map[*Partition]struct{}{}, uploaded: make(chan []*Partition)}
}

// isMisplaced says whether the partition is in another log than its topic asks for.
func (p *Partition) isMisplaced() bool { return p.stream.IsDirect() != p.Settings().Diskless }

// followModes begins to change the log of the partitions of these topics that are
// in another one than they are to be. It returns those that it gave up here.
func (s *Set) followModes(ctx context.Context, names map[string]struct{}) (leaving []*Partition) {
	var upload []*Partition
	s.mu.RLock()
	for name := range names {
		t := s.byName[name]
		if t == nil {
			continue
		}
		for _, p := range t.parts {
			_, under := s.modes.uploading[p]
			switch {
			case under || !p.isMisplaced():
			case p.stream.IsDirect():
				leaving = append(leaving, p)
			default:
				upload = append(upload, p)
			}
		}
	}
	s.mu.RUnlock()
	if len(upload) > 0 {
		s.uploadBefore(ctx, upload)
	}
	s.reopen(ctx, leaving)
	return leaving
}

// uploadBefore has what the WAL has uploaded, beside the Set's goroutine.
func (s *Set) uploadBefore(ctx context.Context, ps []*Partition) {
	for _, p := range ps {
		s.modes.uploading[p] = struct{}{}
	}
	s.handOffs.Go(func() {
		if err := s.cfg.Streams.Upload(ctx); err != nil {
			return // of ctx
		}
		select {
		case s.modes.uploaded <- ps:
		case <-ctx.Done():
		}
	})
}

// uploadedBefore reopens partitions whose upload was waited for, but for those that
// left meanwhile, or whose topics changed back. It returns those it gave up here.
func (s *Set) uploadedBefore(ctx context.Context, ps []*Partition) (leaving []*Partition) {
	for _, p := range ps {
		delete(s.modes.uploading, p)
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
