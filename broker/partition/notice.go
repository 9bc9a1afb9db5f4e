package partition

import (
	"context"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// notice gathers what changed in the metadata until the Set's goroutine looks.
// It is bounded by the number of partitions and topics.
type notice struct {
	mu      sync.Mutex
	pending changes
	applied uint64        // index of the metadata that the set stands at
	moved   chan struct{} // closed and replaced when applied rises
}

// changes are what the metadata changed, up to index.
type changes struct {
	index      uint64
	everything bool
	keys       map[key]struct{}
	topics     map[string]struct{} // whose configuration changed
}

func newChanges() changes {
	return changes{keys: map[key]struct{}{}, topics: map[string]struct{}{}}
}

func (n *notice) init() {
	n.pending, n.moved = newChanges(), make(chan struct{})
}

func (n *notice) take() changes {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.pending
	n.pending = newChanges()
	n.pending.index = c.index
	return c
}

// done says that the set stands at index but for the partitions that failed,
// which are noted again.
func (n *notice) done(index uint64, failed []key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range failed {
		n.pending.keys[k] = struct{}{}
	}
	if index > n.applied {
		n.applied = index
		close(n.moved)
		n.moved = make(chan struct{})
	}
}

// Changed notes what a change of the metadata touches. It is called in the
// metadata's order and does not block.
func (s *Set) Changed(d image.Delta) {
	n := &s.notice
	n.mu.Lock()
	n.pending.index = d.Index
	for _, r := range d.Records {
		switch r := r.(type) {
		case *image.Partition:
			n.pending.keys[key{r.Topic, r.Index}] = struct{}{}
		case *image.RemovePartition:
			n.pending.keys[key{r.Topic, r.Index}] = struct{}{}
		case *image.Config:
			n.noteConfig(r.Resource)
		case *image.RemoveConfig:
			n.noteConfig(r.Resource)
		}
	}
	n.mu.Unlock()
	s.wake()
}

func (n *notice) noteConfig(r image.Resource) {
	if r.Type == image.TopicResource {
		n.pending.topics[r.Name] = struct{}{}
	}
}

// noteAll has the set compare everything.
func (s *Set) noteAll() {
	s.notice.mu.Lock()
	s.notice.pending.everything = true
	s.notice.mu.Unlock()
	s.wake()
}

func (s *Set) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Await returns once the set stands at the metadata's index or a later one, so
// that what a command made is served; or ctx's error.
func (s *Set) Await(ctx context.Context, index uint64) error {
	for {
		s.notice.mu.Lock()
		applied, moved := s.notice.applied, s.notice.moved
		s.notice.mu.Unlock()
		if applied >= index {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ticker is a recurring deadline of the injected clock.
type ticker struct {
	clock clock.Clock
	every time.Duration
	due   chan struct{}
	timer clock.Timer
}

func (s *Set) every(d time.Duration) *ticker {
	t := &ticker{clock: s.cfg.Clock, every: d, due: make(chan struct{}, 1)}
	t.again()
	return t
}

func (t *ticker) again() {
	t.timer = t.clock.AfterFunc(t.every, func() { t.due <- struct{}{} })
}

func (t *ticker) stop() { t.timer.Stop() }
