package partition

import (
	"cmp"
	"slices"
	"sync"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Tails gathers, while old WAL instances are read, the state of the producers
// in what each stream has past its objects, so that the partitions are restored
// without a second look at the log. Instances are read in any order and side by
// side, so that each opening of a stream is noted by itself, and they are joined
// when the state is asked for. Its memory is that of the producers.
type Tails struct {
	memory Memory

	mu      sync.Mutex
	streams map[ids.StreamID]*notes
}

// notes are what is known of a stream.
type notes struct {
	folds  []*fold // one an opening, by ascending epoch
	opened bool    // another node has opened the stream since, at the last look
}

// fold is the state of the producers in [start, end) of a stream, whatever was
// before; or, if it is whole, of all of them at the end.
type fold struct {
	epoch      ids.StreamEpoch // of the opening
	start, end int64
	whole      bool
	producers  producers
}

// charged is for how many producers memory is held.
func (f *fold) charged() int {
	if f == nil {
		return 0
	}
	return len(f.producers.byID)
}

// NewTails makes an empty one.
func NewTails(memory Memory) *Tails {
	return &Tails{memory: memory, streams: map[ids.StreamID]*notes{}}
}

// Record notes the batches of the offsets [base, end), which continue what was
// noted of that opening of the stream. It implements [rescue.Listener].
func (t *Tails) Record(stream ids.StreamID, epoch ids.StreamEpoch, base, end int64, batches []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.at(stream, epoch)
	if f == nil || f.end != base {
		f = &fold{epoch: epoch, start: base, producers: newProducers()}
		t.put(stream, f)
	}
	f.end = end
	it := batch.NewIter(batches, batch.TailStrict)
	for it.Next() {
		h := it.Header()
		if !h.HasProducerID() || !f.producers.record(h) || t.memory.TryAcquire(producerBytes) {
			continue
		}
		// To leave one out would be worse than to know nothing: what objects say
		// of it, older, would stand.
		delete(f.producers.byID, h.ProducerID)
		t.drop(stream)
		return
	}
	if it.Err() != nil {
		t.drop(stream) // the partition will read it itself, and say what is wrong
	}
}

// Mark notes all producers of a stream as of an offset, as a partition's mark in
// the log has them. It implements [rescue.Listener].
func (t *Tails) Mark(stream ids.StreamID, epoch ids.StreamEpoch, offset int64, note []byte) {
	state, err := parseState(note)
	if err != nil {
		return // the state is then found as if there were no mark
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(stream, epoch)
	if charge := int64(len(state.byID)) * producerBytes; charge == 0 || t.memory.TryAcquire(charge) {
		t.put(stream, &fold{epoch: epoch, start: offset, end: offset, whole: true, producers: state})
	}
}

// keep takes over all producers of a stream where an opening of it was closed,
// and the charge for them.
func (t *Tails) keep(stream ids.StreamID, epoch ids.StreamEpoch, end int64, state producers) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(stream)
	t.put(stream, &fold{epoch: epoch, start: end, end: end, whole: true, producers: state})
}

// take hands over what was noted of a stream if it reaches from at most from to
// end, and with it the charge for its producers.
func (t *Tails) take(stream ids.StreamID, from, end int64) *fold {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.join(stream, from, end)
	if f != nil {
		t.streams[stream].remove(f)
	}
	t.drop(stream)
	return f
}

// state encodes all producers of a stream, whose log starts at start, at its
// end.
func (t *Tails) state(stream ids.StreamID, start, end int64) ([]byte, error) {
	if t == nil {
		return nil, ErrNoState
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.join(stream, start, end)
	if f == nil {
		return nil, ErrNoState
	}
	return encodeState(end, &f.producers), nil
}

// sweep forgets streams that are gone, and those that others opened before the
// sweep before this one: they have asked by then.
func (t *Tails) sweep(img *image.Image) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for stream, n := range t.streams {
		st, ok := img.Stream(stream)
		switch {
		case !ok || n.opened:
			t.drop(stream)
		default:
			_, n.opened = st.OpenTail()
		}
	}
}

// join makes one fold of those that together reach from at most from to end:
// each goes on where that of an earlier opening ends. It returns nil if there
// are no such. t.mu is held, here and below.
func (t *Tails) join(stream ids.StreamID, from, end int64) *fold {
	n := t.streams[stream]
	if n == nil {
		return nil
	}
	at := n.ending(len(n.folds), end)
	for at >= 0 {
		f := n.folds[at]
		if f.whole || f.start <= from {
			return f
		}
		at = n.ending(at, f.start)
		if at < 0 {
			break
		}
		before := n.folds[at]
		charged := before.charged() + f.charged()
		before.producers.follow(f.producers)
		f.start, f.whole, f.producers = before.start, before.whole, before.producers
		t.memory.Release(int64(charged-f.charged()) * producerBytes)
		n.remove(before)
		at = slices.Index(n.folds, f)
	}
	return nil
}

// at is what was noted of an opening, or nil.
func (t *Tails) at(stream ids.StreamID, epoch ids.StreamEpoch) *fold {
	n := t.streams[stream]
	if n == nil {
		return nil
	}
	i, found := n.find(epoch)
	if !found {
		return nil
	}
	return n.folds[i]
}

// put notes an opening, in place of what was noted of it before.
func (t *Tails) put(stream ids.StreamID, f *fold) {
	t.forget(stream, f.epoch)
	n := t.streams[stream]
	if n == nil {
		n = &notes{}
		t.streams[stream] = n
	}
	i, _ := n.find(f.epoch)
	n.folds = slices.Insert(n.folds, i, f)
}

// forget drops what was noted of an opening.
func (t *Tails) forget(stream ids.StreamID, epoch ids.StreamEpoch) {
	if f := t.at(stream, epoch); f != nil {
		t.memory.Release(int64(f.charged()) * producerBytes)
		t.streams[stream].remove(f)
	}
}

// drop forgets what was noted of a stream.
func (t *Tails) drop(stream ids.StreamID) {
	n := t.streams[stream]
	if n == nil {
		return
	}
	for _, f := range n.folds {
		t.memory.Release(int64(f.charged()) * producerBytes)
	}
	delete(t.streams, stream)
}

// find is where the fold of an opening is or would be.
func (n *notes) find(epoch ids.StreamEpoch) (at int, found bool) {
	return slices.BinarySearchFunc(n.folds, epoch, func(f *fold, e ids.StreamEpoch) int { return cmp.Compare(f.epoch, e) })
}

// ending is where the newest of the oldest k folds that ends at an offset is, or
// -1.
func (n *notes) ending(k int, end int64) int {
	for at := k - 1; at >= 0; at-- {
		if n.folds[at].end == end {
			return at
		}
	}
	return -1
}

func (n *notes) remove(f *fold) {
	n.folds = slices.DeleteFunc(n.folds, func(o *fold) bool { return o == f })
}
