package compare

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/simstore"
	"github.com/seawallmq/seawall/internal/s3sim"
)

// uploadedObjects is the broker's own count, where the store does not tell.
const uploadedObjects = "seawall_upload_objects_total"

// watcher looks at what a broker and its store do under a load.
type watcher struct {
	ctx    context.Context
	life   *life
	usage  [2]arm.Usage // when the window opened, and when it closed
	store  [2]*s3sim.Stats
	err    error // of an edge
	done   chan struct{}
	ended  sync.WaitGroup
	stopIt sync.Once

	mu     sync.Mutex
	opened time.Time // zero before
	looks  []look
}

// look is how many objects had been put at a time.
type look struct {
	at      time.Time
	objects int64
}

// watch begins to look at uploads every second.
func watch(ctx context.Context, l *life) *watcher {
	w := &watcher{ctx: ctx, life: l, done: make(chan struct{})}
	if l.store != nil || l.server.HasMetrics() {
		w.ended.Go(w.run)
	}
	return w
}

// stop ends the looking.
func (w *watcher) stop() {
	w.stopIt.Do(func() { close(w.done) })
	w.ended.Wait()
}

func (w *watcher) run() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		objects, err := w.uploads()
		if err == nil { // else the broker or its store has ended, which others tell
			w.mu.Lock()
			w.looks = append(w.looks, look{time.Now(), objects})
			w.mu.Unlock()
		}
		select {
		case <-tick.C:
		case <-w.done:
			return
		}
	}
}

// uploads is how many objects have been put so far.
func (w *watcher) uploads() (int64, error) {
	if w.life.store != nil {
		stats, err := w.life.store.Stats(w.ctx)
		if err != nil {
			return 0, err
		}
		return stats.Charged["PUT"], nil
	}
	metrics, err := w.life.server.Metrics(w.ctx)
	return int64(metrics[uploadedObjects]), err
}

// edge takes what has been used at an end of the window.
func (w *watcher) edge(open bool) {
	i := 1
	if open {
		i = 0
		w.mu.Lock()
		w.opened = time.Now()
		w.mu.Unlock()
	}
	var err error
	if w.life.server.IsOurs() {
		w.usage[i], err = w.life.server.Usage(w.ctx)
		w.err = errors.Join(w.err, err)
	}
	if w.life.store != nil {
		w.store[i], err = w.life.store.Stats(w.ctx)
		w.err = errors.Join(w.err, err)
	}
}

// fill puts what was seen into a round.
func (w *watcher) fill(round *result.Round, r *load.Result) error {
	if w.err != nil {
		return w.err
	}
	if gigabytes := float64(r.WindowAcked) * float64(r.Config.Scenario.RecordBytes) / 1e9; gigabytes > 0 {
		round.BrokerCPUPerGB = (w.usage[1].CPU - w.usage[0].CPU).Seconds() / gigabytes
	}
	if w.store[0] != nil && w.store[1] != nil {
		used := simstore.Between(w.store[0], w.store[1])
		round.Requests, round.Stored, round.Fetched = used.Requests, used.Stored, used.Fetched
	}
	round.Events = events(w.looks, w.opened, -r.Config.Scenario.WarmUp, r.Config.Scenario.Duration)
	return nil
}

// events are the uploads between looks, at the time of the later look, from a time
// after the window's opening to another.
func events(looks []look, opened time.Time, from, to time.Duration) []result.Event {
	var out []result.Event
	for i := 1; i < len(looks); i++ {
		at, n := looks[i].at.Sub(opened), looks[i].objects-looks[i-1].objects
		if n > 0 && at >= from && at <= to {
			out = append(out, result.Event{At: at, Kind: result.Upload, N: n})
		}
	}
	return out
}
