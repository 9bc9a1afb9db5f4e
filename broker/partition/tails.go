package partition

import (
	"sync"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
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
// before.
type fold struct {
	start, end int64
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
	if f == nil || f.start > from || f.end != end {
		t.drop(stream)
		return nil
	}
	delete(t.streams, stream)
	return f
}

// forget drops what was noted of the streams that nobody took: they are not led
// here.
func (t *Tails) forget() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for stream := range t.streams {
		t.drop(stream)
	}
}

// drop forgets what was noted of a stream; t.mu is held.
func (t *Tails) drop(stream ids.StreamID) {
	if f := t.streams[stream]; f != nil {
		t.memory.Release(int64(f.charged()) * producerBytes)
		delete(t.streams, stream)
	}
}
