package partition

import (
	"context"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// settleMax is how long after a change of its leader a partition's requests may
// be held. A hand-over takes a few milliseconds; one that takes longer waits for
// something else, and other requests of the connection are not to wait with it.
const settleMax = time.Second

// settling are the partitions that change hands just now with this node as the
// one that gives or takes. A client that is told so in between has nowhere to
// go: it pauses, some for seconds, where the change takes milliseconds. So its
// request is held instead. It is bounded by the number of partitions.
type settling struct {
	clock clock.Clock

	// mu comes before Set.mu.
	mu    sync.Mutex
	since map[key]time.Time
	moved chan struct{} // closed and replaced when one of them is settled
}

func newSettling(c clock.Clock) settling {
	return settling{clock: c, since: map[key]time.Time{}, moved: make(chan struct{})}
}

// followHands notes which partitions begin and cease to change hands.
func (s *Set) followHands(next *image.Image, d image.Delta) {
	for _, r := range d.Records {
		switch r := r.(type) {
		case *image.Partition:
			s.noteLeader(next, r)
		case *image.RemovePartition:
			s.settling.settled(key{r.Topic, r.Index})
		case *image.Stream:
			s.noteTail(next, r)
		}
	}
}

// noteLeader notes a partition whose leader the metadata changed.
func (s *Set) noteLeader(next *image.Image, p *image.Partition) {
	k := key{p.Topic, p.Index}
	s.settling.mu.Lock()
	defer s.settling.mu.Unlock()
	if p.Leader == s.cfg.Node && !s.serves(k, p.LeaderEpoch) || p.Leader != s.cfg.Node && s.holds(next, p.Stream) {
		s.settling.since[k] = s.cfg.Clock.Now()
	} else {
		s.settling.remove(k)
	}
}

// noteTail notes a stream that may be closed: if this node was to close it, the
// next leader can take requests.
func (s *Set) noteTail(next *image.Image, st *image.Stream) {
	k := key{st.Topic, st.Partition}
	s.settling.mu.Lock()
	defer s.settling.mu.Unlock()
	if _, ok := s.settling.since[k]; !ok {
		return
	}
	if p, ok := next.Partition(k.topic, k.index); !ok || p.Leader != s.cfg.Node && !s.holds(next, st.ID) {
		s.settling.remove(k)
	}
}

// serves says whether a partition is served at a leader epoch.
func (s *Set) serves(k key, epoch int32) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.byID[k.topic].part(k.index)
	return p != nil && p.leaderEpoch >= epoch
}

// holds says whether a stream's open tail is in a WAL of this node.
func (s *Set) holds(img *image.Image, stream ids.StreamID) bool {
	st, ok := img.Stream(stream)
	if !ok {
		return false
	}
	t, open := st.OpenTail()
	if !open {
		return false
	}
	w, ok := img.WAL(t.WAL)
	if !ok {
		return false
	}
	holder, _ := w.Holder()
	return holder == s.cfg.Node
}

// begin notes that a partition leaves this node for this node.
func (g *settling) begin(k key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since[k] = g.clock.Now()
}

// settled notes that a partition is served here, or gone.
func (g *settling) settled(k key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(k)
}

// remove is called with mu held.
func (g *settling) remove(k key) {
	if _, ok := g.since[k]; ok {
		delete(g.since, k)
		close(g.moved)
		g.moved = make(chan struct{})
	}
}

// left is for how long requests for a partition are to be held, and what is
// closed when they may be looked at again before; 0 if they are not to be held.
func (g *settling) left(k key) (time.Duration, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	since, ok := g.since[k]
	if !ok {
		return 0, nil
	}
	return max(settleMax-g.clock.Now().Sub(since), 0), g.moved
}

// Settle waits while a partition changes hands with this node as the one that
// gives or takes, if that began less than a second ago: until this node serves
// it, or its next leader can, or that second is over. It returns false at once
// when there is nothing to wait for, and if ctx ends first.
func (s *Set) Settle(ctx context.Context, id ids.TopicID, index int32) bool {
	k := key{id, index}
	left, moved := s.settling.left(k)
	if left <= 0 {
		return false
	}
	over := make(chan struct{})
	defer s.cfg.Clock.AfterFunc(left, func() { close(over) }).Stop()
	for left > 0 {
		select {
		case <-moved:
		case <-over:
			return true
		case <-ctx.Done():
			return false
		}
		left, moved = s.settling.left(k)
	}
	return true
}

// Settles says whether Settle would wait.
func (s *Set) Settles(id ids.TopicID, index int32) bool {
	left, _ := s.settling.left(key{id, index})
	return left > 0
}
