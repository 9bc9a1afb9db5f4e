package partition

import (
	"context"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// notice gathers what changed in the metadata until the Set's goroutine looks.
// It is bounded by the number of partitions and topics.
type notice struct {
	mu      sync.Mutex
	pending changes
	applied uint64        // index of the metadata that the set stands at
	waiting int           // partitions that are to be served and are not yet
	led     int           // partitions that are served
	leaving int           // partitions whose streams are being closed for others
	moved   chan struct{} // closed and replaced when one of these changes
	// closers are the WALs that streams were closed in, until those are opened
	// again: also of streams of which the WAL has nothing more.
	closers map[ids.StreamID]ids.WALInstance
}

// changes are what the metadata changed, up to index.
type changes struct {
	index      uint64
	everything bool
	keys       map[key]struct{}
	topics     map[string]struct{} // whose configuration changed
	brokers    bool                // the configuration of brokers changed
	// Of these it depends whether partitions can be restored that wait for it.
	logs map[key]struct{} // their whereabouts changed
	wals bool             // somebody else holds a WAL, or nobody does any more
}

func newChanges() changes {
	return changes{keys: map[key]struct{}{}, topics: map[string]struct{}{}, logs: map[key]struct{}{}}
}

func (n *notice) init() {
	n.pending, n.moved, n.closers = newChanges(), make(chan struct{}), map[ids.StreamID]ids.WALInstance{}
}

func (n *notice) take() changes {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.pending
	n.pending = newChanges()
	n.pending.index = c.index
	return c
}

// done says that the set stands at index but for the partitions that were
// refused, which are noted again, and those that are waiting to be restored.
func (n *notice) done(index uint64, refused []key, waiting int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range refused {
		n.pending.keys[k] = struct{}{}
	}
	n.move(max(index, n.applied), waiting)
}

// count says how many partitions are waiting now.
func (n *notice) count(waiting int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.move(n.applied, waiting)
}

// move is called with n.mu held.
func (n *notice) move(applied uint64, waiting int) {
	if applied == n.applied && waiting == n.waiting {
		return
	}
	n.applied, n.waiting = applied, waiting
	n.tell()
}

// tell wakes those who wait; n.mu is held.
func (n *notice) tell() {
	close(n.moved)
	n.moved = make(chan struct{})
}

// handing counts partitions that begin to be handed over, or, if negative, are.
func (n *notice) handing(more int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leaving += more
	n.tell()
}

// leads counts the partitions that are served.
func (n *notice) leads(more int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.led += more
	n.tell()
}

// closedIn is the WAL that a stream was closed in, if that was seen.
func (n *notice) closedIn(stream ids.StreamID) (ids.WALInstance, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	instance, ok := n.closers[stream]
	return instance, ok
}

// noteStream notes a stream that was closed, which may be to be opened here, and
// in which WAL; n.mu is held.
func (n *notice) noteStream(prev *image.Image, s *image.Stream) {
	if n.waiting > 0 {
		n.pending.logs[key{s.Topic, s.Partition}] = struct{}{}
	}
	if _, open := s.OpenTail(); open {
		delete(n.closers, s.ID)
		return
	}
	was, ok := prev.Stream(s.ID)
	if !ok {
		return
	}
	t, wasOpen := was.OpenTail()
	if !wasOpen {
		return
	}
	n.pending.keys[key{s.Topic, s.Partition}] = struct{}{}
	n.closers[s.ID] = t.WAL
}

// noteWAL notes a WAL that has another holder, or none any more; n.mu is held.
func (n *notice) noteWAL(prev *image.Image, w *image.WAL) {
	was, ok := prev.WAL(w.Instance)
	if !ok {
		return
	}
	hadIt, had := was.Holder()
	hasIt, has := w.Holder()
	if was.State != w.State || hadIt != hasIt || had != has {
		n.pending.wals = true
	}
}

// Changed notes what a change of the metadata, from prev to next, touches. It is
// called in the metadata's order and does not block.
func (s *Set) Changed(prev, next *image.Image, d image.Delta) {
	s.followHands(next, d)
	s.followStarts(d)
	n := &s.notice
	n.mu.Lock()
	n.pending.index = d.Index
	for _, r := range d.Records {
		switch r := r.(type) {
		case *image.Partition:
			n.pending.keys[key{r.Topic, r.Index}] = struct{}{}
		case *image.RemovePartition:
			n.pending.keys[key{r.Topic, r.Index}] = struct{}{}
		case *image.Stream:
			n.noteStream(prev, r)
		case *image.RemoveStream:
			delete(n.closers, r.ID)
		case *image.WAL:
			n.noteWAL(prev, r)
		case *image.Config:
			n.noteConfig(r.Resource)
		case *image.RemoveConfig:
			n.noteConfig(r.Resource)
		}
	}
	n.mu.Unlock()
	s.wake()
}

// followStarts moves the starts of logs. Whoever asked for that does so too,
// but may have given up before it knew the outcome.
func (s *Set) followStarts(d image.Delta) {
	for _, r := range d.Records {
		changed, ok := r.(*image.Stream)
		if !ok {
			continue
		}
		s.mu.RLock()
		p := s.byStream[changed.ID]
		s.mu.RUnlock()
		if p != nil && changed.StartOffset > p.stream.StartOffset() {
			p.trimmed(changed.StartOffset)
		}
	}
}

func (n *notice) noteConfig(r image.Resource) {
	switch r.Type {
	case image.TopicResource:
		n.pending.topics[r.Name] = struct{}{}
	case image.BrokerResource:
		n.pending.brokers = true
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
// that what a command made is served; or ctx's error. Partitions whose state is
// still being restored are not waited for.
func (s *Set) Await(ctx context.Context, index uint64) error {
	return s.notice.await(ctx, func(n *notice) bool { return n.applied >= index })
}

// AwaitAll is Await for those as well: no partition is left to be opened.
func (s *Set) AwaitAll(ctx context.Context, index uint64) error {
	return s.notice.await(ctx, func(n *notice) bool { return n.applied >= index && n.waiting == 0 })
}

// Waiting is how many partitions this node is to lead and could not serve yet.
func (s *Set) Waiting() int {
	s.notice.mu.Lock()
	defer s.notice.mu.Unlock()
	return s.notice.waiting
}

func (n *notice) await(ctx context.Context, enough func(*notice) bool) error {
	for {
		n.mu.Lock()
		ok, moved := enough(n), n.moved
		n.mu.Unlock()
		if ok {
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
