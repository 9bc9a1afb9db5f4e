package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
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
	// Leads is told, by the Set's goroutine, which partitions it began and
	// ceased to lead. It may be nil.
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

	mu       sync.RWMutex
	byID     map[ids.TopicID]*topic
	byName   map[string]*topic
	byStream map[ids.StreamID]*Partition

	// unrestored are streams that are open and whose partition could not be
	// restored yet, the object store being away. Only the Set's goroutine
	// uses it.
	unrestored map[key]*s3stream.Stream
	retryAfter time.Duration // the last pause; only the Set's goroutine uses it
	waiting    atomic.Int64

	notice  notice
	changed chan struct{} // capacity 1: there is something in notice
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
		unrestored: map[key]*s3stream.Stream{}, changed: make(chan struct{}, 1),
	}
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

// openBatch is how many streams one metadata command opens.
const openBatch = 2000

// What could not be opened is tried again after a pause, which doubles while
// that goes on.
const (
	retryAfterFirst = time.Second
	retryAfterMost  = 30 * time.Second
)

// Run follows the metadata until ctx is done: it opens the partitions that
// this node is to lead and lets go of the others, and keeps retention.
func (s *Set) Run(ctx context.Context) {
	var retention sync.WaitGroup
	retention.Go(func() { s.keepRetention(ctx) })
	defer retention.Wait()
	expiry := s.every(s.cfg.Base.Topics.ProducerIDCheckEvery)
	defer expiry.stop()
	s.noteAll()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
			s.follow(ctx)
		case <-expiry.due:
			s.expireProducers()
			expiry.again()
		}
	}
}

// follow brings the set to where the metadata stands.
func (s *Set) follow(ctx context.Context) {
	n := s.notice.take()
	// The image may be newer than what was noted: of the rest, the set stands
	// nowhere until it is noted too.
	img := s.cfg.Image()
	if n.everything {
		n.keys, n.index = s.allKeys(img), img.Index()
	}
	open, ceased := s.compare(img, n.keys)
	s.cease(ceased)
	began, failed := s.open(ctx, img, open)
	s.refreshSettings(img, n.topics)
	if s.cfg.Leads != nil && len(began)+len(ceased) > 0 {
		s.cfg.Leads(began, ceased)
	}
	s.notice.done(n.index, failed)
	s.retryLater(len(failed))
}

// retryLater has those that could not be opened tried again.
func (s *Set) retryLater(failed int) {
	s.waiting.Store(int64(failed))
	if failed == 0 {
		s.retryAfter = 0
		return
	}
	s.retryAfter = min(max(2*s.retryAfter, retryAfterFirst), retryAfterMost)
	s.cfg.Log.Warn("partitions could not be opened, will retry", "count", failed, "after", s.retryAfter.String())
	s.cfg.Clock.AfterFunc(s.retryAfter, s.wake)
}

// Waiting is how many partitions this node is to lead and could not open yet.
func (s *Set) Waiting() int { return int(s.waiting.Load()) }

// compare says which of the partitions named are to be opened, and which that
// are open here are no longer this node's.
func (s *Set) compare(img *image.Image, keys map[key]struct{}) (open []*image.Partition, ceased []*Partition) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for k := range keys {
		want, ok := img.Partition(k.topic, k.index)
		mine := ok && want.Leader == s.cfg.Node
		have := s.byID[k.topic].part(k.index)
		if orphan := s.unrestored[k]; orphan != nil && !mine {
			s.cfg.Streams.Drop([]ids.StreamID{orphan.ID()})
			delete(s.unrestored, k)
		}
		switch {
		case mine && have == nil:
			open = append(open, want)
		case !mine && have != nil:
			ceased = append(ceased, have)
		}
	}
	return open, ceased
}

// cease ends partitions that are deleted or led elsewhere.
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

// open opens partitions, many by one command, and restores their state. Those
// that could not be opened are returned, to be tried again.
func (s *Set) open(ctx context.Context, img *image.Image, want []*image.Partition) (began []*Partition, failed []key) {
	for chunk := range slices.Chunk(want, openBatch) {
		s.openStreams(ctx, img, chunk)
		restored, err := s.restore(ctx, chunk)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("partitions could not be restored", "one_error", err)
		}
		for i, p := range restored {
			k := key{chunk[i].Topic, chunk[i].Index}
			if p == nil {
				failed = append(failed, k)
				continue
			}
			delete(s.unrestored, k)
			began = append(began, p)
		}
	}
	return began, failed
}

// openStreams opens the streams that are not open yet.
func (s *Set) openStreams(ctx context.Context, img *image.Image, want []*image.Partition) {
	var reqs []s3stream.OpenRequest
	var keys []key
	for _, w := range want {
		k := key{w.Topic, w.Index}
		st, ok := img.Stream(w.Stream)
		if s.unrestored[k] != nil || !ok {
			continue
		}
		reqs = append(reqs, s3stream.OpenRequest{Stream: w.Stream, ExpectedEpoch: st.Epoch})
		keys = append(keys, k)
	}
	if len(reqs) == 0 {
		return
	}
	streams, err := s.cfg.Streams.Open(ctx, reqs)
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("partitions could not be opened", "asked", len(reqs), "error", err)
	}
	for i, stream := range streams {
		if stream != nil {
			s.unrestored[keys[i]] = stream
		}
	}
}

// restoreParallel bounds the partitions restored at once, each of which may
// wait for the object store.
const restoreParallel = 16

// restore makes partitions of opened streams, and serves each as soon as it is
// restored; nil where that failed. The error is one of the failures'.
func (s *Set) restore(ctx context.Context, want []*image.Partition) ([]*Partition, error) {
	out := make([]*Partition, len(want))
	var group errgroup.Group
	group.SetLimit(restoreParallel)
	img := s.cfg.Image()
	for i, w := range want {
		stream := s.unrestored[key{w.Topic, w.Index}]
		t, ok := img.Topic(w.Topic)
		if stream == nil || !ok {
			continue
		}
		p := s.newPartition(img, t, w.Index, stream)
		if p.isEmpty() { // nothing to wait for
			p.summaries.seed(stream.CommittedEnd(), p.producers)
			s.add(p)
			out[i] = p
			continue
		}
		group.Go(func() error {
			if err := p.restore(ctx); err != nil {
				return fmt.Errorf("restore %s: %w", p, err)
			}
			s.add(p)
			out[i] = p
			return nil
		})
	}
	return out, group.Wait()
}

func (s *Set) newPartition(img *image.Image, t *image.Topic, index int32, stream Stream) *Partition {
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
	p.settings.Store(s.settings(img, t.Name))
	return p
}

// settings are a topic's settings in force. What is stored was validated when
// it was set; should this build refuse it, the defaults stand.
func (s *Set) settings(img *image.Image, name string) *config.Topic {
	overrides := map[string]string{}
	for c := range img.Configs(image.TopicConfigOf(name)) {
		overrides[c.Name] = c.Value
	}
	t, err := config.ResolveTopic(s.cfg.Base, overrides)
	if err != nil {
		s.cfg.Log.Error("topic configuration is refused; defaults stand", "topic", name, "error", err)
		t, err = config.ResolveTopic(s.cfg.Base, nil)
		if err != nil {
			panic(fmt.Sprintf("the defaults of a topic are refused: %v", err))
		}
	}
	return &t
}

func (s *Set) refreshSettings(img *image.Image, names map[string]struct{}) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name := range names {
		t := s.byName[name]
		if t == nil {
			continue
		}
		settings := s.settings(img, name)
		for _, p := range t.parts {
			p.settings.Store(settings)
		}
	}
}

func (s *Set) add(p *Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[p.TopicID]
	if t == nil {
		t = &topic{id: p.TopicID, name: p.Topic, parts: map[int32]*Partition{}}
		s.byID[t.id] = t
		s.byName[t.name] = t
	}
	t.parts[p.Index] = p
	s.byStream[p.stream.ID()] = p
}

func (s *Set) remove(p *Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID[p.TopicID]
	delete(t.parts, p.Index)
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
