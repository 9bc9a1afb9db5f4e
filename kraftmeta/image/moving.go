package image

import "github.com/seawallmq/seawall/internal/ids"

// WaitsFor is the WAL without whose rescue, or return, a partition's stream
// cannot be opened: its open tail is there, and nobody holds it.
func (img *Image) WaitsFor(p *Partition) (w *WAL, ok bool) {
	s, ok := img.Stream(p.Stream)
	if !ok {
		return nil, false
	}
	tail, open := s.OpenTail()
	if w, ok = img.WAL(tail.WAL); !open || !ok || img.RescuerOf(w) == NoLeader {
		return nil, false
	}
	return w, true
}

// MovingFrom is the living node that still has a partition's open tail while
// another one is to lead it: a move that is not done yet. ok is false of a
// partition that stands still, or that waits for a rescue.
func (img *Image) MovingFrom(p *Partition) (from ids.NodeID, ok bool) {
	s, ok := img.Stream(p.Stream)
	if !ok {
		return NoLeader, false
	}
	tail, open := s.OpenTail()
	w, known := img.WAL(tail.WAL)
	if !open || !known || img.RescuerOf(w) != NoLeader {
		return NoLeader, false
	}
	from, _ = w.Holder()
	return from, from != p.Leader
}
