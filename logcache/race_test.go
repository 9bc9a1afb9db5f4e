package logcache

import (
	"runtime"
	"testing"

	"github.com/seawallmq/seawall/internal/page"
)

// sealingAt is a source whose durable prefix stands still: a seal that looked
// at it before the log went on.
type sealingAt struct {
	Source
	durable int64
}

func (s sealingAt) DurableUpTo() int64 { return s.durable }

// A page is evicted while a seal runs, whose boundary lies in that page. What
// lies above the boundary must outlive the trim, in the window or in the
// generation: else nobody uploads it.
func TestEvictionDuringASealKeepsWhatIsAboveItsBoundary(t *testing.T) {
	r := newRig(t, rigOptions{pages: 8})
	r.append(1, 1, 100) // the first stream that an eviction looks at
	r.w.Seal()
	r.append(2, 1, 100)
	boundary := r.log.DurableUpTo()
	r.append(2, 1, 100)
	for r.log.DurableUpTo() < page.Size {
		r.append(3, 1, 50_000)
	}

	first := r.w.stream(1)
	first.mu.Lock() // holds the eviction up, its page being out already
	evicted := make(chan bool)
	go func() { evicted <- r.w.evictOldest(durable) }()
	for out := false; !out; runtime.Gosched() {
		r.w.mu.RLock()
		out = r.w.firstPage == 1
		r.w.mu.RUnlock()
	}
	live := r.w.source
	r.w.source = sealingAt{live, boundary}
	g := r.w.Seal()
	first.mu.Unlock()
	if !<-evicted {
		t.Fatal("no page evicted")
	}
	r.w.source = live

	sealed := int64(0)
	for _, e := range g.Streams() {
		if e.Stream == 2 {
			sealed = e.End
		}
	}
	r.w.Trimmed(g.UpTo)
	if sealed < r.next[2] {
		r.readAll(2, sealed, 1, 100, 1000)
	}
}

// While a trim is under way its boundary still divides: a stream that it has
// not come to yet may be joined by whoever makes the index smaller.
func TestJoiningDuringATrimKeepsWhatIsAboveIt(t *testing.T) {
	r := newRig(t, rigOptions{pages: 8})
	r.append(1, 1, 100)
	r.append(2, 1, 100)
	g := r.w.Seal()
	r.append(2, 1, 100)
	for r.log.DurableUpTo() < 3*page.Size {
		r.append(3, 1, 50_000)
	}
	for r.w.evictOldest(durable) {
	}
	r.w.reach.Store(reachMax)

	first, second := r.w.stream(1), r.w.stream(2)
	first.mu.Lock() // holds the trim up before it comes to stream 2
	trimmed := make(chan struct{})
	go func() { r.w.Trimmed(g.UpTo); close(trimmed) }()
	for r.w.trimmed.Load() < g.UpTo {
		runtime.Gosched()
	}
	runtime.Gosched()
	second.mu.Lock()
	second.coarsen(r.w.merging())
	second.mu.Unlock()
	first.mu.Unlock()
	<-trimmed
	r.readAll(2, 1, 1, 100, 1000)
}
