package kraftmeta

import (
	"context"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Source is where an observer fetches from: the [Controller] of its own
// process, or a [Remote].
type Source interface {
	// Fetch returns what came after req.After, waiting up to req.MaxWait for
	// there to be something. An empty answer is no error.
	Fetch(ctx context.Context, req FetchRequest) (*FetchResponse, error)
}

// FetchRequest asks for the metadata past an index.
type FetchRequest struct {
	Cluster ids.UUID // the cluster expected; zero for any
	// Node and Incarnation say who observes: After then counts as what that
	// incarnation of the node has passed. Node is -1 for an observer that no
	// object's deletion need wait for.
	Node        ids.NodeID
	Incarnation ids.UUID
	// Voter is a controller in the observer's process, and LogEnd the newest
	// index in that one's log; LogEnd 0 means that there is none. The consensus
	// library does not tell a leader how far its followers are.
	Voter    ids.NodeID
	LogEnd   uint64
	After    uint64        // the index of the observer's image
	MaxBytes int           // of the deltas, roughly; at least one is returned
	MaxWait  time.Duration // 0 answers at once
}

// FetchResponse is either an image to begin with or the deltas that follow the
// index asked for; they are shared and not written to.
type FetchResponse struct {
	Snapshot *image.Image // nil when Deltas go on from FetchRequest.After
	Deltas   []image.Delta
	// Index is the newest index of the controller.
	Index uint64
	// LivingFloor is an index that every living node's observer has passed:
	// objects removed at or below it may be deleted (I4).
	LivingFloor uint64
}

// feed holds the newest image and the deltas that led there, within a bound.
// The goroutine that applies commands is its only writer.
type feed struct {
	bytesMax int64

	mu     sync.Mutex
	img    *image.Image
	deltas []sizedDelta // in order, with no command missing since base
	base   uint64       // the index that the first delta follows
	bytes  int64
	wake   chan struct{} // closed when img changes
	passed map[ids.NodeID]position
	voting map[ids.NodeID]position // how far the logs of other voters go
}

type sizedDelta struct {
	image.Delta
	bytes int64
}

// position is how far a node's observer, or the log of a voter, has come.
type position struct {
	incarnation ids.UUID // of an observer
	Reached
}

// Reached is an index that a node told it has reached.
type Reached struct {
	Index    uint64
	Told     time.Time // when it last told
	CaughtUp time.Time // when it last had all that there was; zero for never
}

// advance notes what was told at a time, when newest was all that there was.
func (r *Reached) advance(index, newest uint64, now time.Time) {
	r.Index, r.Told = max(r.Index, index), now
	if r.Index >= newest {
		r.CaughtUp = now
	}
}

func newFeed(bytesMax int64) *feed {
	return &feed{
		bytesMax: bytesMax, img: image.New(),
		wake: make(chan struct{}), passed: map[ids.NodeID]position{}, voting: map[ids.NodeID]position{},
	}
}

// apply applies a command and publishes what it changed.
func (f *feed) apply(index uint64, req *image.Request) *image.Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	next, delta, answer := image.Apply(f.img, index, req)
	d := sizedDelta{delta, approximateBytes(delta)}
	f.deltas = append(f.deltas, d)
	f.bytes += d.bytes
	f.forgetOldest()
	f.publish(next)
	return answer
}

// reset begins again with an image that did not come by commands.
func (f *feed) reset(img *image.Image) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deltas, f.bytes, f.base = nil, 0, img.Index()
	f.publish(img)
}

func (f *feed) publish(img *image.Image) {
	f.img = img
	close(f.wake)
	f.wake = make(chan struct{})
}

// nudge wakes those that wait: whether this controller is the active one has
// changed.
func (f *feed) nudge() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.publish(f.img)
}

// changed is closed at the next publication.
func (f *feed) changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wake
}

// forgetOldest drops deltas past the bound, though never the newest.
func (f *feed) forgetOldest() {
	n := 0
	for f.bytes > f.bytesMax && n < len(f.deltas)-1 {
		f.bytes -= f.deltas[n].bytes
		f.base = f.deltas[n].Index
		n++
	}
	clear(f.deltas[:n]) // the slice may live on: let go of what was in it
	f.deltas = f.deltas[n:]
}

// approximateBytes is about what a delta takes, in memory or encoded: cheap to
// know, and good enough to bound a buffer.
func approximateBytes(d image.Delta) int64 {
	n := int64(32)
	for _, r := range d.Records {
		n += 96
		if r, ok := r.(*image.Remembered); ok {
			n += int64(len(r.Answer))
		}
	}
	return n
}

// current is the newest image.
func (f *feed) current() *image.Image {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.img
}

// note records how far an observer has come, and the voter in its process.
func (f *feed) note(req *FetchRequest, now time.Time) {
	if req.LogEnd > 0 {
		p := f.voting[req.Voter]
		p.Index = 0 // a log may lose what was not agreed upon
		p.advance(req.LogEnd, f.img.Index(), now)
		f.voting[req.Voter] = p
	}
	if req.Node < 0 {
		return
	}
	p := f.passed[req.Node]
	if p.incarnation != req.Incarnation {
		p = position{incarnation: req.Incarnation}
	}
	p.advance(req.After, f.img.Index(), now)
	f.passed[req.Node] = p
}

// voter is how far the log of another voter goes, as that told; ok is false if
// it told nothing.
func (f *feed) voter(id ids.NodeID) (r Reached, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.voting[id]
	return p.Reached, ok
}

// observed is how far the observers of nodes have come that are still alive, by
// node.
func (f *feed) observed() []Observed {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Observed
	for n := range f.img.Nodes() {
		if p, ok := f.passed[n.ID]; ok && n.IsAlive() && p.incarnation == n.Incarnation {
			out = append(out, Observed{n.ID, p.Reached})
		}
	}
	return out
}

// livingFloor is the least index that the observers of all living nodes have
// passed; a node that has not fetched since it registered has passed nothing.
func (f *feed) livingFloor() uint64 {
	floor := f.img.Index()
	for n := range f.img.Nodes() {
		if !n.IsAlive() {
			continue
		}
		p, ok := f.passed[n.ID]
		if !ok || p.incarnation != n.Incarnation {
			return 0
		}
		floor = min(floor, p.Index)
	}
	return floor
}

// poll answers a fetch with what there is, and the channel to wait on when
// there is nothing.
func (f *feed) poll(req *FetchRequest, now time.Time) (*FetchResponse, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note(req, now)
	resp := &FetchResponse{Index: f.img.Index(), LivingFloor: f.livingFloor()}
	switch {
	case req.After >= f.img.Index():
		return resp, f.wake
	case req.After < f.base:
		resp.Snapshot = f.img.Fork() // the observer goes on from it by itself
		return resp, nil
	}
	bytes := int64(0)
	for _, d := range f.deltas[f.firstAfter(req.After):] {
		if bytes > 0 && bytes+d.bytes > int64(req.MaxBytes) {
			break
		}
		bytes += d.bytes
		resp.Deltas = append(resp.Deltas, d.Delta)
	}
	return resp, nil
}

// firstAfter is the position of the first delta past index.
func (f *feed) firstAfter(index uint64) int {
	lo, hi := 0, len(f.deltas)
	for lo < hi {
		if mid := (lo + hi) / 2; f.deltas[mid].Index <= index {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
