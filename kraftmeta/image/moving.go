package image

import "github.com/seawallmq/seawall/internal/ids"

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
