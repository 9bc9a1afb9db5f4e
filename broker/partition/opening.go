package partition

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// restoresMax bounds the partitions restored at once from each kind of source:
// those that wait for an object store are not in the way of those that do not.
const restoresMax = 16

// opening is a partition on its way: its stream is open and its state is being
// restored, or will be when its turn or the next attempt comes.
type opening struct {
	key       key
	p         *Partition
	plan      restorePlan // of the attempt
	running   bool
	abandoned bool // deleted or led elsewhere since
	stop      context.CancelFunc
	err       error // of the attempt
}

// openings are the partitions that take a look at a disk or at the object store
// before they are served. Restores run beside the Set's goroutine, to which all
// of this belongs, and hand it their outcome.
type openings struct {
	look    func(*Partition) // for what this node knows of it, before each attempt
	byKey   map[key]*opening // not abandoned
	turns   [sources]turns
	resting []*opening    // failed, until the next attempt
	done    chan *opening // has room for all that run
	work    sync.WaitGroup
}

// turns are the openings of one source.
type turns struct {
	running int
	queue   []*opening
}

func newOpenings(look func(*Partition)) *openings {
	return &openings{look: look, byKey: map[key]*opening{}, done: make(chan *opening, sources*restoresMax)}
}

// begin has p restored as soon as there is a turn for it.
func (s *openings) begin(ctx context.Context, k key, p *Partition) {
	o := &opening{key: k, p: p}
	s.byKey[k] = o
	s.enqueue(ctx, o)
}

func (s *openings) enqueue(ctx context.Context, o *opening) {
	s.look(o.p)
	o.plan = o.p.plan() // uploads may have changed it since the last attempt
	t := &s.turns[o.plan.source]
	t.queue = append(t.queue, o)
	s.launch(ctx, t)
}

// launch starts what there is a turn for.
func (s *openings) launch(ctx context.Context, t *turns) {
	for t.running < restoresMax && len(t.queue) > 0 {
		o := t.queue[0]
		t.queue = t.queue[1:]
		if o.abandoned {
			continue
		}
		was := o.plan.source
		if o.plan = o.p.plan(); o.plan.source != was { // changed while it waited for its turn
			s.enqueue(ctx, o)
			continue
		}
		attempt, stop := context.WithCancel(ctx)
		o.running, o.stop = true, stop
		t.running++
		s.work.Go(func() {
			defer stop()
			if o.err = o.p.restore(attempt, o.plan); o.err != nil {
				o.err = fmt.Errorf("restore %s: %w", o.p, o.err)
			}
			s.done <- o
		})
	}
}

// finish takes an attempt's outcome and gives its turn to another.
func (s *openings) finish(ctx context.Context, o *opening) error {
	err := o.err // another attempt, begun below, has one of its own
	o.running = false
	t := &s.turns[o.plan.source]
	t.running--
	s.launch(ctx, t)
	switch {
	case o.abandoned:
	case err == nil:
		delete(s.byKey, o.key)
	case errors.Is(err, errElsewhere):
		s.enqueue(ctx, o)
	case o.moved(): // and may be restored where it is now
		err = fmt.Errorf("%w: %w", errElsewhere, err)
		s.enqueue(ctx, o)
	default:
		s.resting = append(s.resting, o)
	}
	return err
}

// abandon gives an opening up. One that runs is handed over all the same when
// it has ended.
func (s *openings) abandon(o *opening) {
	o.abandoned = true
	delete(s.byKey, o.key)
	if o.running {
		o.stop()
	} else {
		o.p.stop()
	}
}

// again has those that failed tried again.
func (s *openings) again(ctx context.Context) {
	s.wake(ctx, func(*opening) bool { return true })
}

// answered has those tried again that failed at a source which answers now.
func (s *openings) answered(ctx context.Context, from source) {
	if from == fromLog || from == fromObjects { // what others have in memory says nothing of more
		s.wake(ctx, func(o *opening) bool { return o.plan.source == from })
	}
}

// follow has those tried again that failed and whose logs are elsewhere since: of
// these partitions the whereabouts may have changed or, if it is a WAL that has
// another holder, of any. An attempt under way goes by what was so before. It is
// given up if somebody has come who can be asked, as when the rescuer of the last
// leader has read its WAL: it may hang at an object store that is away.
func (s *openings) follow(ctx context.Context, logs map[key]struct{}, wals bool) {
	if !wals && len(logs) == 0 || len(s.byKey) == 0 {
		return
	}
	for k, o := range s.byKey {
		if _, ok := logs[k]; !ok && !wals || !o.running {
			continue
		}
		if now := o.p.where(); now.closer != image.NoLeader && now.closer != o.plan.where.closer {
			o.stop()
		}
	}
	s.wake(ctx, func(o *opening) bool {
		_, ok := logs[o.key]
		return (ok || wals) && o.moved()
	})
}

// moved says whether the log is elsewhere than when the last attempt began.
func (o *opening) moved() bool { return !o.p.where().equal(o.plan.where) }

// wake has some of those that failed tried again.
func (s *openings) wake(ctx context.Context, which func(*opening) bool) {
	resting := s.resting
	s.resting = nil
	for _, o := range resting {
		switch {
		case o.abandoned:
		case which(o):
			s.enqueue(ctx, o)
		default:
			s.resting = append(s.resting, o)
		}
	}
}

// wait waits for the attempts under way, whose context is over.
func (s *openings) wait() { s.work.Wait() }

// What could not be opened or restored is tried again after a pause, if nothing
// that the metadata tells of has it tried before: it tells of no store that is
// back.
const (
	retryAfterFirst = time.Second
	retryAfterMost  = 5 * time.Second
)

// retry is when partitions that could not be opened are tried again.
type retry struct {
	clock   clock.Clock
	backoff clock.Backoff
	due     chan struct{} // capacity 1
	armed   bool
	pause   time.Duration // the one under way, if armed
}

func newRetry(c clock.Clock, random func() uint64) *retry {
	return &retry{
		clock: c, backoff: clock.Backoff{Min: retryAfterFirst, Max: retryAfterMost, Random: random},
		due: make(chan struct{}, 1),
	}
}

// later makes the retry due after a pause, unless it is already to come. It
// says how long the pause is.
func (r *retry) later() time.Duration {
	if !r.armed {
		r.armed, r.pause = true, r.backoff.Next()
		r.clock.AfterFunc(r.pause, func() { r.due <- struct{}{} })
	}
	return r.pause
}

// ended says that the pause is over.
func (r *retry) ended() { r.armed = false }

// reset makes the next pause a short one.
func (r *retry) reset() { r.backoff.Reset() }
