package partition

import (
	"context"
	"slices"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// whereabouts is where the metadata has the log of a partition that is being
// opened, as far as the outcome of a restore depends on it. When it changes, an
// attempt that failed may succeed.
type whereabouts struct {
	start, committed int64
	tails            []heldTail
	// closer is who has in memory which producers the log ends with, NoLeader if
	// nobody has; it is askable if it is not this node.
	closer  ids.NodeID
	askable bool
}

// heldTail is a tail, and who serves what is in its WAL.
type heldTail struct {
	image.Tail
	state  image.WALState
	holder ids.NodeID
	epoch  ids.NodeEpoch
}

func (w whereabouts) equal(o whereabouts) bool {
	return w.start == o.start && w.committed == o.committed && w.closer == o.closer && slices.Equal(w.tails, o.tails)
}

// whereabouts is where the log of a stream is, which was closed last in a WAL.
func (s *Set) whereabouts(stream ids.StreamID, closedIn ids.WALInstance) whereabouts {
	img := s.cfg.Image()
	w := whereabouts{closer: closerOf(img, closedIn)}
	w.askable = w.closer != image.NoLeader && w.closer != s.cfg.Node && s.cfg.States != nil
	st, ok := img.Stream(stream)
	if !ok {
		return w
	}
	w.start, w.committed = st.StartOffset, st.CommittedEnd
	for _, t := range st.Tails {
		held := heldTail{Tail: t}
		if in, ok := img.WAL(t.WAL); ok {
			held.state = in.State
			held.holder, held.epoch = in.Holder()
		}
		w.tails = append(w.tails, held)
	}
	return w
}

// closedIn is the WAL that a stream was closed in last; ok is false if that is
// not known. It is to be asked before the stream is opened again.
func (s *Set) closedIn(img *image.Image, stream ids.StreamID) (instance ids.WALInstance, ok bool) {
	if instance, ok := s.notice.closedIn(stream); ok {
		return instance, true
	}
	st, ok := img.Stream(stream)
	if !ok || len(st.Tails) == 0 {
		return instance, false
	}
	return st.Tails[len(st.Tails)-1].WAL, true
}

// closerOf is who closed the streams in a WAL and has in memory how they ended:
// its rescuer, or else who opened it. NoLeader if there is none that is alive.
func closerOf(img *image.Image, instance ids.WALInstance) ids.NodeID {
	w, ok := img.WAL(instance)
	if !ok || w.State == image.WALAbandoned || img.RescuerOf(w) != image.NoLeader {
		return image.NoLeader
	}
	closer := w.Node
	if w.Rescuer != image.NoLeader { // even if it has retired the WAL since
		closer = w.Rescuer
	}
	if n, ok := img.Node(closer); !ok || !n.IsAlive() {
		return image.NoLeader
	}
	return closer
}

// ask asks a node for the producers of a stream where it ends.
func (s *Set) ask(ctx context.Context, node ids.NodeID, stream ids.StreamID, end int64) (producers, error) {
	ctx, cancel := context.WithTimeout(ctx, stateWait)
	defer cancel()
	b, err := s.cfg.States.TailState(ctx, node, stream, end)
	if err != nil {
		return producers{}, err
	}
	return parseState(b)
}
