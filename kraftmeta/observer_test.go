package kraftmeta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/testlog"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// topicsByDeltas is a subscriber that keeps a list of topics by what it is
// told alone.
type topicsByDeltas struct {
	t      *testing.T
	mu     sync.Mutex
	last   *image.Image
	topics map[ids.TopicID]string
}

func (s *topicsByDeltas) changed(prev, next *image.Image, d image.Delta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil && prev != s.last {
		s.t.Errorf("a change from index %d, the last one was to %d", prev.Index(), s.last.Index())
	}
	if d.Index != next.Index() {
		s.t.Errorf("delta %d leads to image %d", d.Index, next.Index())
	}
	s.last = next
	for _, r := range d.Records {
		switch r := r.(type) {
		case *image.Topic:
			s.topics[r.ID] = r.Name
		case *image.RemoveTopic:
			delete(s.topics, r.ID)
		}
	}
}

func (s *topicsByDeltas) check(what string, img *image.Image) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for topic := range img.Topics() {
		n++
		if s.topics[topic.ID] != topic.Name {
			s.t.Errorf("%s: does not know topic %q", what, topic.Name)
		}
	}
	if n != len(s.topics) {
		s.t.Errorf("%s: knows %d topics of %d", what, len(s.topics), n)
	}
}

// TestSubscribersMissNothing: neither one that was there from the start, nor a
// late one, nor one whose observer had to begin again with snapshots. A
// submitter that has its result finds the subscribers told.
func TestSubscribersMissNothing(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1, FeedBytes: 4 << 10})
	subscribe := func(o *Observer) *topicsByDeltas {
		s := &topicsByDeltas{t: t, topics: map[ids.TopicID]string{}}
		o.OnDelta(s.changed)
		return s
	}
	early := subscribe(n.observer)
	slow := NewObserver(n.Controller, ObserverOptions{Node: -1, Clock: clock.Wall()})
	lagging := subscribe(slow)

	var late *topicsByDeltas
	var last ids.TopicID
	for i := range 100 {
		id := newUUID()
		must(t, n, &image.CreateTopics{Topics: []image.NewTopic{{Name: fmt.Sprint(i), ID: id, Leaders: []ids.NodeID{1}}}})
		if i%3 == 0 && i > 0 {
			must(t, n, &image.DeleteTopics{Topics: []ids.TopicID{last}})
		}
		last = id
		early.check("early", n.observer.Image())
		if i == 50 {
			late = subscribe(n.observer)
			fetchOnce(t, slow) // a snapshot, as the feed keeps less
		}
	}
	late.check("late", n.observer.Image())
	fetchOnce(t, slow)
	fetchOnce(t, slow)
	lagging.check("lagging", slow.Image())
}

// fetchOnce has an observer that was not started fetch.
func fetchOnce(t *testing.T, o *Observer) {
	t.Helper()
	resp, err := o.source.Fetch(testContext(t), FetchRequest{Node: -1, After: o.Image().Index(), MaxBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	o.take(resp)
}

func TestWaitersAreReleased(t *testing.T) {
	n := openNode(t, Options{Dir: t.TempDir(), Node: 1})
	ctx, cancel := context.WithCancel(testContext(t))
	results := make(chan error, 2)
	go func() { results <- n.observer.WaitFor(ctx, 1<<40) }()
	cancel()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("a waiter whose context ended: %v", err)
	}
	go func() { results <- n.observer.WaitFor(testContext(t), 1<<40) }()
	n.observer.Close()
	if err := <-results; !errors.Is(err, ErrClosed) {
		t.Errorf("a waiter of a closed observer: %v", err)
	}
	if len(n.observer.waiters) > 1 {
		t.Errorf("%d waiters are left", len(n.observer.waiters))
	}
}

// unreachable is a source that fails until it is told not to.
type unreachable struct {
	mu  sync.Mutex
	err error
}

func (s *unreachable) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *unreachable) Fetch(ctx context.Context, req FetchRequest) (*FetchResponse, error) {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(req.MaxWait):
	case <-ctx.Done():
	}
	return &FetchResponse{}, ctx.Err()
}

// TestLostControllers: an hour without a controller is worth some seventy
// lines; an election is worth none.
func TestLostControllers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out testlog.Buffer
		source := &unreachable{err: errors.New("connection refused")}
		o := NewObserver(source, ObserverOptions{Node: noNode, Clock: clock.Wall(), Logger: slog.New(slog.NewTextHandler(&out, nil))})
		o.Start()
		defer o.Close()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(time.Hour)
		if n := strings.Count(out.Take(), "cannot follow"); n < 60 || n > 70 {
			t.Errorf("%d lines in an hour", n)
		}
		if d := o.Lost(); d < 59*time.Minute {
			t.Errorf("lost for %v", d)
		}
		source.set(nil)
		pass(time.Second)
		if said := out.Take(); o.Lost() != 0 || !strings.Contains(said, "following the metadata again") {
			t.Errorf("lost for %v; the log: %s", o.Lost(), said)
		}
		source.set(&NotControllerError{Hint: noNode})
		pass(electing - time.Second)
		if said := out.Take(); o.Lost() != 0 || said != "" {
			t.Errorf("an election: lost for %v, %s", o.Lost(), said)
		}
		pass(2 * time.Second)
		if said := out.Take(); o.Lost() == 0 || !strings.Contains(said, "cannot follow") {
			t.Errorf("an election without an end: lost for %v, %s", o.Lost(), said)
		}
	})
}
