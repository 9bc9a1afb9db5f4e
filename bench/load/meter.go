package load

import (
	"sync"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/result"
)

// meter counts what all producers are answered.
type meter struct {
	mu      sync.Mutex
	latency *hist.Histogram // of what was due in the window
	second  *hist.Histogram // of what was answered since the last look
	acked   int64           // since the last look
	series  []result.Point
}

func newMeter() *meter { return &meter{latency: hist.New(), second: hist.New()} }

// ack counts a record that was answered after a time, if it had a time.
func (m *meter) ack(paced, counts bool, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acked++
	if paced {
		m.second.Record(took)
	}
	if paced && counts {
		m.latency.Record(took)
	}
}

// look ends a second that began at a time since the window opened.
func (m *meter) look(at time.Duration, recordBytes int) result.Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := result.PointOf(at, m.acked, m.acked*int64(recordBytes), m.second)
	m.series = append(m.series, p)
	m.acked = 0
	m.second.Reset()
	return p
}

// watch looks every second, on the beat of the window's opening, until done.
func (m *meter) watch(t *timing, recordBytes int, done <-chan struct{}, look func(result.Point)) {
	began := t.open.Add(-t.open.Sub(t.start).Truncate(time.Second))
	if began.After(t.start) {
		began = began.Add(-time.Second) // the warm-up begins within a second
	}
	for ; ; began = began.Add(time.Second) {
		end := began.Add(time.Second)
		if !began.Before(t.shut) {
			return
		}
		if end.After(t.shut) {
			end = t.shut
		}
		select {
		case <-time.After(time.Until(end)):
			look(m.look(began.Sub(t.open), recordBytes))
		case <-done:
			return
		}
	}
}
