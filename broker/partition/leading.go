package partition

import (
	"context"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
)

// compare says which of the partitions named are to be opened, which that are
// open here are another node's now, and which are deleted. Those on their way
// that are not this node's are given up. One whose stream is not closed by its
// last leader, or that one's rescuer, is noted again when it is.
func (s *Set) compare(ctx context.Context, img *image.Image, keys map[key]struct{}) (open []*image.Partition, moved, deleted []*Partition) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for k := range keys {
		want, ok := img.Partition(k.topic, k.index)
		mine := ok && want.Leader == s.cfg.Node
		have := s.byID[k.topic].part(k.index)
		opening := s.openings.byKey[k]
		held := have
		if opening != nil {
			held = opening.p
		}
		delete(s.blocked, k)
		switch {
		case mine && held == nil:
			if isOpen(img, want.Stream) {
				s.blocked[k] = struct{}{}
			} else {
				open = append(open, want)
			}
		case mine && held.leaderEpoch >= want.LeaderEpoch:
		// Otherwise, if it is mine, it was given away and back before this node
		// looked. Clients go by the new leader epoch, which only another opening
		// has: it is closed, and opened again when it is.
		case opening != nil:
			s.openings.abandon(opening)
			if ok {
				s.closeStreams(ctx, []*Partition{opening.p}, false)
			} else {
				s.cfg.Streams.Drop([]ids.StreamID{opening.p.stream.ID()})
			}
		case have != nil && ok:
			moved = append(moved, have)
		case have != nil:
			deleted = append(deleted, have)
		}
	}
	return open, moved, deleted
}

func isOpen(img *image.Image, stream ids.StreamID) bool {
	st, ok := img.Stream(stream)
	if !ok {
		return false
	}
	_, open := st.OpenTail()
	return open
}

// cease ends partitions that are deleted.
func (s *Set) cease(ps []*Partition) {
	var streams []ids.StreamID
	for _, p := range ps {
		s.remove(p)
		p.stop()
		streams = append(streams, p.stream.ID())
	}
	if len(streams) > 0 {
		s.cfg.Streams.Drop(streams)
	}
}

// openBatch is how many streams one metadata command opens.
const openBatch = 2000

// open opens partitions, many by one command. Those whose state is at hand are
// served at once, the others when they are restored. Those that the metadata
// refused are to be tried again.
func (s *Set) open(ctx context.Context, img *image.Image, want []*image.Partition) (began []*Partition, refused []key) {
	for chunk := range slices.Chunk(want, openBatch) {
		closedIn := make([]ids.WALInstance, len(chunk)) // zero where that is not known
		for i, w := range chunk {
			closedIn[i], _ = s.closedIn(img, w.Stream)
		}
		streams := s.openStreams(ctx, img, chunk)
		for i, w := range chunk {
			k := key{w.Topic, w.Index}
			t, ok := img.Topic(w.Topic)
			if streams[i] == nil || !ok {
				refused = append(refused, k)
				continue
			}
			p := s.newPartition(img, t, w.Index, streams[i], closedIn[i])
			if plan := p.plan(); plan.source == fromMemory && p.restore(ctx, plan) == nil {
				s.add(p)
				began = append(began, p)
				continue
			}
			s.openings.begin(ctx, k, p)
		}
	}
	if len(began) > 0 {
		s.cfg.Streams.Flush(false) // the marks
	}
	return began, refused
}

// openStreams opens streams; nil where that was refused.
func (s *Set) openStreams(ctx context.Context, img *image.Image, want []*image.Partition) []*s3stream.Stream {
	out := make([]*s3stream.Stream, len(want))
	var reqs []s3stream.OpenRequest
	var at []int // in out
	for i, w := range want {
		if st, ok := img.Stream(w.Stream); ok {
			req := s3stream.OpenRequest{Stream: w.Stream, ExpectedEpoch: st.Epoch}
			if t, ok := img.Topic(w.Topic); ok {
				req.Direct = s.isDirect(img, t)
			}
			reqs = append(reqs, req)
			at = append(at, i)
		}
	}
	streams, err := s.cfg.Streams.Open(ctx, reqs)
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("partitions could not be opened", "asked", len(reqs), "error", err)
	}
	for i, stream := range streams {
		out[at[i]] = stream
	}
	return out
}

func (s *Set) newPartition(img *image.Image, t *image.Topic, index int32, stream Stream, closedIn ids.WALInstance) *Partition {
	p := &Partition{
		Identity:    Identity{TopicID: t.ID, Topic: t.Name, Index: index},
		leaderEpoch: int32(stream.Epoch()),
		stream:      stream,
		memory:      s.cfg.Memory,
		end:         stream.End(),
		hw:          stream.End(), // all that a stream opens with is durable
		producers:   newProducers(),
		epochs:      epochHistory(img, stream.ID()),
	}
	p.epochs.begin(p.leaderEpoch, p.end)
	p.where = func() whereabouts { return s.whereabouts(stream.ID(), closedIn) }
	p.asks = func(ctx context.Context, node ids.NodeID) (producers, error) {
		return s.ask(ctx, node, stream.ID(), p.end)
	}
	s.takeNotes(p)
	p.settings.Store(s.settings(img, t.Name))
	return p
}

// takeNotes gives a partition that is to be restored what this node noted of its
// log, when it closed that or, perhaps since it opened it, rescued it.
func (s *Set) takeNotes(p *Partition) {
	if p.tail != nil && p.tail.whole {
		return
	}
	if f := s.cfg.Tails.take(p.stream.ID(), max(p.stream.CommittedEnd(), p.stream.StartOffset()), p.end); f != nil {
		p.memory.Release(int64(p.tail.charged()) * producerBytes)
		p.tail = f
	}
}

// add serves a partition. First its log gets a mark: nothing of it can be durable
// there before that is.
func (s *Set) add(p *Partition) {
	if p.end > p.stream.StartOffset() {
		if err := p.mark(noWait{}); err != nil {
			s.cfg.Log.Debug("no mark at the opening", "partition", p.String(), "error", err)
		}
	}
	s.mu.Lock()
	t := s.byID[p.TopicID]
	if t == nil {
		t = &topic{id: p.TopicID, name: p.Topic, parts: map[int32]*Partition{}}
		s.byID[t.id] = t
		s.byName[t.name] = t
	}
	t.parts[p.Index] = p
	s.notice.leads(1)
	s.byStream[p.stream.ID()] = p
	s.mu.Unlock()
	s.settling.settled(key{p.TopicID, p.Index})
	// It may have been trimmed since it was opened; from here on, Changed tells.
	if st, ok := s.cfg.Image().Stream(p.stream.ID()); ok {
		p.trimmed(st.StartOffset)
	}
}

func (s *Set) remove(p *Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[p.TopicID]
	delete(t.parts, p.Index)
	s.notice.leads(-1)
	delete(s.byStream, p.stream.ID())
	if len(t.parts) > 0 {
		return
	}
	delete(s.byID, t.id)
	if s.byName[t.name] == t { // else a new topic has the name
		delete(s.byName, t.name)
	}
}

// allKeys are the partitions that the metadata has, and those that are here.
func (s *Set) allKeys(img *image.Image) map[key]struct{} {
	keys := map[key]struct{}{}
	for p := range img.AllPartitions() {
		keys[key{p.Topic, p.Index}] = struct{}{}
	}
	for _, p := range s.All() {
		keys[key{p.TopicID, p.Index}] = struct{}{}
	}
	return keys
}
