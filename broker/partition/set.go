package partition

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/lograte"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
)

// ErrUnknown: there is no such topic or partition.
var ErrUnknown = errors.New("partition: unknown topic or partition")

// Streams opens the storage of partitions: an [s3stream.Manager].
type Streams interface {
	Open(ctx context.Context, reqs []s3stream.OpenRequest) ([]*s3stream.Stream, error)
	// Drop forgets streams that the metadata has no more.
	Drop(streams []ids.StreamID)
	// HandOff closes streams that others are to open; see
	// [s3stream.Manager.HandOff].
	HandOff(ctx context.Context, openings []s3stream.Opening, ended func(stream ids.StreamID, end int64)) error
	Flush(inline bool)
	WaitSpace(ctx context.Context) error
}

// SetConfig is what a Set is made of.
type SetConfig struct {
	Node    ids.NodeID
	Base    *config.Config
	Streams Streams
	Memory  Memory
	Clock   clock.Clock
	Log     *slog.Logger
	// Image reads the newest metadata that this node has.
	Image func() *image.Image
	// Tails have what a recovery noted of the streams; it may be nil.
	Tails *Tails
	// States asks other nodes for what they know of partitions that they led
	// or rescued. It may be nil.
	States TailStates
	// HandedOff is told of partitions whose streams were closed for another
	// leader, and how long after they were given up here. It may be nil.
	HandedOff func(partitions int, took time.Duration)
	// Random is for jitter; it may be nil.
	Random func() uint64
	// Leads is told, by the Set's goroutine and as each is served, which
	// partitions this node began and ceased to lead. It may be nil.
	Leads func(began []*Partition, ceased []*Partition)
}

// key names a partition.
type key struct {
	topic ids.TopicID
	index int32
}

// Set has the partitions that this node leads.
type Set struct {
	cfg SetConfig

	inForce  atomic.Pointer[config.Config]
	configMu sync.Mutex // held while inForce changes and onConfig is told
	onConfig func(*config.Config)

	mu       sync.RWMutex
	byID     map[ids.TopicID]*topic
	byName   map[string]*topic
	byStream map[ids.StreamID]*Partition

	// Only the Set's goroutine uses these.
	openings *openings
	blocked  map[key]struct{} // mine, and their streams are not closed yet
	handOffs sync.WaitGroup
	refused  int // partitions that the metadata did not open at the last look
	retry    *retry
	troubles lograte.Limiter

	notice   notice
	settling settling
	changed  chan struct{} // capacity 1: there is something in notice
}

// topic has what this node leads of a topic.
type topic struct {
	id    ids.TopicID
	name  string
	parts map[int32]*Partition
}

// NewSet makes an empty set; Run fills it.
func NewSet(cfg SetConfig) *Set {
	s := &Set{
		cfg:  cfg,
		byID: map[ids.TopicID]*topic{}, byName: map[string]*topic{}, byStream: map[ids.StreamID]*Partition{},
		blocked: map[key]struct{}{}, retry: newRetry(cfg.Clock, cfg.Random),
		settling: newSettling(cfg.Clock), changed: make(chan struct{}, 1),
	}
	s.openings = newOpenings(s.takeNotes)
	s.inForce.Store(cfg.Base)
	s.notice.init()
	return s
}

// ByName finds a partition that this node leads; name is not kept. The errors
// are ErrUnknown and ErrNotLeader.
func (s *Set) ByName(name []byte, index int32) (*Partition, error) {
	s.mu.RLock()
	t := s.byName[string(name)]
	p := t.part(index)
	s.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	if found, ok := s.cfg.Image().TopicByName(string(name)); ok {
		return nil, s.notHere(found.ID, index)
	}
	return nil, ErrUnknown
}

// ByID is ByName for the topic's identity.
func (s *Set) ByID(id ids.TopicID, index int32) (*Partition, error) {
	s.mu.RLock()
	t := s.byID[id]
	p := t.part(index)
	s.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	return nil, s.notHere(id, index)
}

func (t *topic) part(index int32) *Partition {
	if t == nil {
		return nil
	}
	return t.parts[index]
}

func (s *Set) notHere(id ids.TopicID, index int32) error {
	if _, ok := s.cfg.Image().Partition(id, index); ok {
		return ErrNotLeader
	}
	return ErrUnknown
}

// All lists the partitions that this node leads, in no order.
func (s *Set) All() []*Partition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*Partition
	for _, t := range s.byID {
		out = slices.AppendSeq(out, maps.Values(t.parts))
	}
	return out
}

// Flush makes sure that what was appended is on its way to the device; see
// [s3stream.Manager.Flush].
func (s *Set) Flush(inline bool) { s.cfg.Streams.Flush(inline) }

// WaitSpace waits until an append that got ErrFull may succeed.
func (s *Set) WaitSpace(ctx context.Context) error { return s.cfg.Streams.WaitSpace(ctx) }

// Run follows the metadata until ctx is done: it opens the partitions that
// this node is to lead and lets go of the others, and keeps retention.
func (s *Set) Run(ctx context.Context) {
	var retention sync.WaitGroup
	retention.Go(func() { s.keepRetention(ctx) })
	defer retention.Wait()
	defer s.openings.wait()
	defer s.handOffs.Wait()
	expiry := s.every(s.cfg.Base.Topics.ProducerIDCheckEvery)
	defer expiry.stop()
	s.noteAll()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
			s.follow(ctx)
		case o := <-s.openings.done:
			s.restored(ctx, o)
		case <-s.retry.due:
			s.retry.ended()
			s.openings.again(ctx)
			s.follow(ctx)
		case <-expiry.due:
			s.expireProducers()
			expiry.again()
		}
	}
}

// follow brings the set to where the metadata stands, but for the partitions
// that take a look at a disk or the object store: those follow one by one.
func (s *Set) follow(ctx context.Context) {
	n := s.notice.take()
	// The image may be newer than what was noted: of the rest, the set stands
	// nowhere until it is noted too.
	img := s.cfg.Image()
	if n.everything {
		n.keys, n.index = s.allKeys(img), img.Index()
	}
	open, moved, deleted := s.compare(ctx, img, n.keys)
	s.cease(deleted)
	s.handOff(ctx, moved)
	if n.brokers || n.everything {
		s.followConfig(img)
	}
	began, refused := s.open(ctx, img, open)
	s.openings.follow(ctx, n.logs, n.wals)
	if n.brokers {
		n.topics = s.allTopics()
	}
	s.refreshSettings(img, n.topics)
	s.tell(began, append(moved, deleted...))
	s.refused = len(refused)
	s.notice.done(n.index, refused, s.unserved())
	if s.refused > 0 && ctx.Err() == nil {
		s.cfg.Log.Warn("partitions could not be opened, will retry", "count", s.refused, "after", s.retry.later().String())
	}
}

// restored takes the outcome of a restore.
func (s *Set) restored(ctx context.Context, o *opening) {
	err := s.openings.finish(ctx, o)
	switch {
	case o.abandoned:
		o.p.stop()
	case err == nil:
		s.retry.reset()
		s.openings.answered(ctx, o.plan.source)
		p := o.p
		p.settings.Store(s.settings(s.cfg.Image(), p.Topic)) // they may have changed since it was made
		s.add(p)
		s.cfg.Streams.Flush(false) // the mark
		s.tell([]*Partition{p}, nil)
	case errors.Is(err, errElsewhere):
	case ctx.Err() == nil:
		s.troubles.Log(s.cfg.Log, slog.LevelWarn, s.cfg.Clock.Now(), "partition could not be restored, will retry",
			"partition", o.p.String(), "waiting", len(s.openings.byKey), "after", s.retry.later().String(), "error", err)
	}
	s.notice.count(s.unserved())
}

// unserved is how many partitions this node is to lead and does not serve yet.
func (s *Set) unserved() int { return len(s.openings.byKey) + len(s.blocked) + s.refused }

// tell says which partitions are led here since now, and which no more.
func (s *Set) tell(began, ceased []*Partition) {
	if s.cfg.Leads != nil && len(began)+len(ceased) > 0 {
		s.cfg.Leads(began, ceased)
	}
}

// compare says which of the partitions named are to be opened, which that are
// open here are another node's now, and which are deleted. Those on their way
// that are not this node's are given up. One whose stream is not closed by its
// last leader, or that one's rescuer, is noted again when it is.
func (s *Set) compare(ctx context.Context, img *image.Image, keys map[key]struct{}) (open []*image.Partition, moved, deleted []*Partition) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for k := range keys {
		want, ok := img.Partition(k.topic, k.index)
		mine := ok && want.Leader == s.cfg.Node
		have := s.byID[k.topic].part(k.index)
		opening := s.openings.byKey[k]
		held := have
		if opening != nil {
			held = opening.p
		}
		delete(s.blocked, k)
		switch {
		case mine && held == nil:
			if isOpen(img, want.Stream) {
				s.blocked[k] = struct{}{}
			} else {
				open = append(open, want)
			}
		case mine && held.leaderEpoch >= want.LeaderEpoch:
		// Otherwise, if it is mine, it was given away and back before this node
		// looked. Clients go by the new leader epoch, which only another opening
		// has: it is closed, and opened again when it is.
		case opening != nil:
			s.openings.abandon(opening)
			if ok {
				s.closeStreams(ctx, []*Partition{opening.p}, false)
			} else {
				s.cfg.Streams.Drop([]ids.StreamID{opening.p.stream.ID()})
			}
		case have != nil && ok:
			moved = append(moved, have)
		case have != nil:
			deleted = append(deleted, have)
		}
	}
	return open, moved, deleted
}

func isOpen(img *image.Image, stream ids.StreamID) bool {
	st, ok := img.Stream(stream)
	if !ok {
		return false
	}
	_, open := st.OpenTail()
	return open
}

// cease ends partitions that are deleted.
func (s *Set) cease(ps []*Partition) {
	var streams []ids.StreamID
	for _, p := range ps {
		s.remove(p)
		p.stop()
		streams = append(streams, p.stream.ID())
	}
	if len(streams) > 0 {
		s.cfg.Streams.Drop(streams)
	}
}

// openBatch is how many streams one metadata command opens.
const openBatch = 2000

// open opens partitions, many by one command. Those whose state is at hand are
// served at once, the others when they are restored. Those that the metadata
// refused are to be tried again.
func (s *Set) open(ctx context.Context, img *image.Image, want []*image.Partition) (began []*Partition, refused []key) {
	for chunk := range slices.Chunk(want, openBatch) {
		closedIn := make([]ids.WALInstance, len(chunk)) // zero where that is not known
		for i, w := range chunk {
			closedIn[i], _ = s.closedIn(img, w.Stream)
		}
		streams := s.openStreams(ctx, img, chunk)
		for i, w := range chunk {
			k := key{w.Topic, w.Index}
			t, ok := img.Topic(w.Topic)
			if streams[i] == nil || !ok {
				refused = append(refused, k)
				continue
			}
			p := s.newPartition(img, t, w.Index, streams[i], closedIn[i])
			if plan := p.plan(); plan.source == fromMemory && p.restore(ctx, plan) == nil {
				s.add(p)
				began = append(began, p)
				continue
			}
			s.openings.begin(ctx, k, p)
		}
	}
	if len(began) > 0 {
		s.cfg.Streams.Flush(false) // the marks
	}
	return began, refused
}

// openStreams opens streams; nil where that was refused.
func (s *Set) openStreams(ctx context.Context, img *image.Image, want []*image.Partition) []*s3stream.Stream {
	out := make([]*s3stream.Stream, len(want))
	var reqs []s3stream.OpenRequest
	var at []int // in out
	for i, w := range want {
		if st, ok := img.Stream(w.Stream); ok {
			reqs = append(reqs, s3stream.OpenRequest{Stream: w.Stream, ExpectedEpoch: st.Epoch})
			at = append(at, i)
		}
	}
	streams, err := s.cfg.Streams.Open(ctx, reqs)
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("partitions could not be opened", "asked", len(reqs), "error", err)
	}
	for i, stream := range streams {
		out[at[i]] = stream
	}
	return out
}

func (s *Set) newPartition(img *image.Image, t *image.Topic, index int32, stream Stream, closedIn ids.WALInstance) *Partition {
	p := &Partition{
		Identity:    Identity{TopicID: t.ID, Topic: t.Name, Index: index},
		leaderEpoch: int32(stream.Epoch()),
		stream:      stream,
		memory:      s.cfg.Memory,
		end:         stream.End(),
		hw:          stream.End(), // all that a stream opens with is durable
		producers:   newProducers(),
		epochs:      epochHistory(img, stream.ID()),
	}
	p.epochs.begin(p.leaderEpoch, p.end)
	p.where = func() whereabouts { return s.whereabouts(stream.ID(), closedIn) }
	p.asks = func(ctx context.Context, node ids.NodeID) (producers, error) {
		return s.ask(ctx, node, stream.ID(), p.end)
	}
	s.takeNotes(p)
	p.settings.Store(s.settings(img, t.Name))
	return p
}

// takeNotes gives a partition that is to be restored what this node noted of its
// log, when it closed that or, perhaps since it opened it, rescued it.
func (s *Set) takeNotes(p *Partition) {
	if p.tail != nil && p.tail.whole {
		return
	}
	if f := s.cfg.Tails.take(p.stream.ID(), max(p.stream.CommittedEnd(), p.stream.StartOffset()), p.end); f != nil {
		p.memory.Release(int64(p.tail.charged()) * producerBytes)
		p.tail = f
	}
}

// add serves a partition. First its log gets a mark: nothing of it can be durable
// there before that is.
func (s *Set) add(p *Partition) {
	if p.end > p.stream.StartOffset() {
		if err := p.mark(noWait{}); err != nil {
			s.cfg.Log.Debug("no mark at the opening", "partition", p.String(), "error", err)
		}
	}
	s.mu.Lock()
	t := s.byID[p.TopicID]
	if t == nil {
		t = &topic{id: p.TopicID, name: p.Topic, parts: map[int32]*Partition{}}
		s.byID[t.id] = t
		s.byName[t.name] = t
	}
	t.parts[p.Index] = p
	s.notice.leads(1)
	s.byStream[p.stream.ID()] = p
	s.mu.Unlock()
	s.settling.settled(key{p.TopicID, p.Index})
	// It may have been trimmed since it was opened; from here on, Changed tells.
	if st, ok := s.cfg.Image().Stream(p.stream.ID()); ok {
		p.trimmed(st.StartOffset)
	}
}

func (s *Set) remove(p *Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[p.TopicID]
	delete(t.parts, p.Index)
	s.notice.leads(-1)
	delete(s.byStream, p.stream.ID())
	if len(t.parts) > 0 {
		return
	}
	delete(s.byID, t.id)
	if s.byName[t.name] == t { // else a new topic has the name
		delete(s.byName, t.name)
	}
}

// allKeys are the partitions that the metadata has, and those that are here.
func (s *Set) allKeys(img *image.Image) map[key]struct{} {
	keys := map[key]struct{}{}
	for p := range img.AllPartitions() {
		keys[key{p.Topic, p.Index}] = struct{}{}
	}
	for _, p := range s.All() {
		keys[key{p.TopicID, p.Index}] = struct{}{}
	}
	return keys
}
