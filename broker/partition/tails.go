package partition

import (
	"sync"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Tails gathers, while old WAL instances are read, the state of the producers
// in what each stream has past its objects, so that the partitions are restored
// without a second look at the log. Its memory is that of the producers.
type Tails struct {
	memory Memory

	mu      sync.Mutex
	streams map[ids.StreamID]*fold
}

// fold is the state of the producers in [start, end) of a stream, whatever was
// before; or, if it is whole, of all of them at the end.
type fold struct {
	start, end int64
	whole      bool
	producers  producers
	opened     bool // another node has opened the stream since, at the last look
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
	return &Tails{memory: memory, streams: map[ids.StreamID]*fold{}}
}

// Record notes the batches of the offsets [base, end), which continue what was
// noted of the stream. It implements [rescue.Listener].
func (t *Tails) Record(stream ids.StreamID, base, end int64, batches []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.streams[stream]
	if f == nil || f.end != base {
		t.drop(stream)
		f = &fold{start: base, producers: newProducers()}
		t.streams[stream] = f
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

// take hands over what was noted of a stream if it reaches from at most from to
// end, and with it the charge for its producers.
func (t *Tails) take(stream ids.StreamID, from, end int64) *fold {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.streams[stream]
	if f == nil || f.end != end || f.start > from && !f.whole {
		t.drop(stream)
		return nil
	}
	delete(t.streams, stream)
	return f
}

// Mark notes all producers of a stream as of an offset, as a partition's mark in
// the log has them. It implements [rescue.Listener].
func (t *Tails) Mark(stream ids.StreamID, offset int64, note []byte) {
	state, err := parseState(note)
	if err != nil {
		return // the state is then found as if there were no mark
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(stream)
	if charge := int64(len(state.byID)) * producerBytes; charge == 0 || t.memory.TryAcquire(charge) {
		t.streams[stream] = &fold{start: offset, end: offset, whole: true, producers: state}
	}
}

// keep takes over all producers of a stream where it was closed, and the charge
// for them.
func (t *Tails) keep(stream ids.StreamID, end int64, state producers) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(stream)
	t.streams[stream] = &fold{start: end, end: end, whole: true, producers: state}
}

// state encodes all producers of a stream, whose log starts at start, at its
// end.
func (t *Tails) state(stream ids.StreamID, start, end int64) ([]byte, error) {
	if t == nil {
		return nil, ErrNoState
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.streams[stream]
	if f == nil || f.end != end || f.start > start && !f.whole {
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
	for stream, f := range t.streams {
		st, ok := img.Stream(stream)
		switch {
		case !ok || f.opened:
			t.drop(stream)
		default:
			_, f.opened = st.OpenTail()
		}
	}
}

// drop forgets what was noted of a stream; t.mu is held.
func (t *Tails) drop(stream ids.StreamID) {
	if f := t.streams[stream]; f != nil {
		t.memory.Release(int64(f.charged()) * producerBytes)
		delete(t.streams, stream)
	}
}
