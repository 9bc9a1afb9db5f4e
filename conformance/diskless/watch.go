package main

import (
	"slices"
	"sync"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// recentMax is how many acks of a partition a median is of, and recentMin how many
// it takes to say one.
const (
	recentMax = 64
	recentMin = 32
)

// watch follows the acks of a load, by partition. Its methods may be called from
// any goroutine.
type watch struct {
	mu         sync.Mutex
	marked     time.Time
	partitions []acks
}

// acks are those of a partition.
type acks struct {
	last    time.Time
	longest time.Duration   // between two acks
	count   int             // of records sent after the mark
	recent  []time.Duration // how long the last of those took, a ring
}

func newWatch(partitions int) *watch { return &watch{partitions: make([]acks, partitions)} }

// note is the OnAck of a load.
func (w *watch) note(a load.Ack) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &w.partitions[a.Partition]
	if !p.last.IsZero() {
		p.longest = max(p.longest, a.At.Sub(p.last))
	}
	p.last = a.At
	if !a.Sent.After(w.marked) {
		return
	}
	if took := a.At.Sub(a.Sent); len(p.recent) < recentMax {
		p.recent = append(p.recent, took)
	} else {
		p.recent[p.count%recentMax] = took
	}
	p.count++
}

// mark counts records that are sent from now on, and nothing from before.
func (w *watch) mark(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marked = now
	for i := range w.partitions {
		w.partitions[i].count, w.partitions[i].recent = 0, w.partitions[i].recent[:0]
	}
}

// counts are the acks of records sent after the mark: of the partition that has
// fewest, and of all.
func (w *watch) counts() (fewest, all int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fewest = w.partitions[0].count
	for _, p := range w.partitions {
		fewest, all = min(fewest, p.count), all+p.count
	}
	return fewest, all
}

func (w *watch) fewest() int { fewest, _ := w.counts(); return fewest }

func (w *watch) all() int { _, all := w.counts(); return all }

// measure begins a new search for the longest time without an ack.
func (w *watch) measure() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.partitions {
		w.partitions[i].longest = 0
	}
}

// longest is the longest time without an ack in any partition that ended since
// measure, or has not ended now.
func (w *watch) longest(now time.Time) (longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.partitions {
		longest = max(longest, p.longest)
		if !p.last.IsZero() {
			longest = max(longest, now.Sub(p.last))
		}
	}
	return longest
}

// medians are those of the latest acks of records sent after the mark, in the
// partition that is quickest and in the slowest; false while one has too few.
func (w *watch) medians() (quickest, slowest time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, p := range w.partitions {
		if len(p.recent) < recentMin {
			return 0, 0, false
		}
		sorted := slices.Sorted(slices.Values(p.recent))
		median := sorted[len(sorted)/2]
		if i == 0 {
			quickest = median
		}
		quickest, slowest = min(quickest, median), max(slowest, median)
	}
	return quickest, slowest, true
}
