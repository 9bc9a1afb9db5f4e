package partition

import (
	"context"
	"errors"
	"log/slog"
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
	// Upload uploads what was appended to the WAL before; see
	// [s3stream.Manager.Upload].
	Upload(ctx context.Context) error
	// AwaitStore waits until appends are acknowledged from object storage; see
	// [s3stream.Manager.AwaitStore].
	AwaitStore(ctx context.Context) error
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
	modes    modes
	refused  int // partitions that the metadata did not open at the last look
	retry    *retry
	troubles lograte.Limiter

	notice   notice
	settling settling
	changed  chan struct{} // capacity 1: there is something in notice
}

// NewSet makes an empty set; Run fills it.
func NewSet(cfg SetConfig) *Set {
	s := &Set{
		cfg:  cfg,
		byID: map[ids.TopicID]*topic{}, byName: map[string]*topic{}, byStream: map[ids.StreamID]*Partition{},
		blocked: map[key]struct{}{}, retry: newRetry(cfg.Clock, cfg.Random),
		settling: newSettling(cfg.Clock), modes: newModes(), changed: make(chan struct{}, 1),
	}
	s.openings = newOpenings(s.takeNotes)
	s.inForce.Store(cfg.Base)
	s.notice.init()
	return s
}

// Flush makes sure that what was appended is on its way to the device; see
// [s3stream.Manager.Flush].
func (s *Set) Flush(inline bool) { s.cfg.Streams.Flush(inline) }

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
		case ps := <-s.modes.prepared:
			s.tell(nil, s.leavePrepared(ctx, ps))
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
	s.followModes(ctx, n.topics)
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
		s.followModes(ctx, map[string]struct{}{p.Topic: {}}) // as may have the mode
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
