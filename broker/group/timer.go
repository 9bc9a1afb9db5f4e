package group

import (
	"container/heap"
	"time"
)

// timer is one time-out of a member, a group or the shard. The owner embeds
// it, sets fire once, and arms and stops it through the shard.
type timer struct {
	at   time.Time
	seq  uint64 // order of arming, so that equal deadlines fire in that order
	slot int    // place in the heap plus one; 0 when not armed
	fire func()
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i+1, j+1
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.slot = len(*h)
}
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.slot = 0
	return t
}

// arm sets t to fire after d (a negative d counts as zero), anew if it is
// armed already.
func (s *Shard) arm(t *timer, d time.Duration) {
	s.timerSeq++
	t.at, t.seq = s.now.Add(max(d, 0)), s.timerSeq
	if t.slot == 0 {
		heap.Push(&s.timers, t)
		return
	}
	heap.Fix(&s.timers, t.slot-1)
}

func (s *Shard) stop(t *timer) {
	if t.slot != 0 {
		heap.Remove(&s.timers, t.slot-1)
	}
}

// fireDue runs the time-outs due now, but none that one of them arms: those
// wait for the next Tick, so that a zero time-out cannot loop here. Newly armed
// ones are never due before now, so they sort behind all the older ones.
func (s *Shard) fireDue() {
	newest := s.timerSeq
	for len(s.timers) > 0 && !s.timers[0].at.After(s.now) && s.timers[0].seq <= newest {
		heap.Pop(&s.timers).(*timer).fire()
	}
}

// NextDeadline is when the next time-out is due, and false when there is none.
func (s *Shard) NextDeadline() (time.Time, bool) {
	if len(s.timers) == 0 {
		return time.Time{}, false
	}
	return s.timers[0].at, true
}
