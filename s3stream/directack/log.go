package directack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/invariant"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/s3stream/tail"
)

// ErrClosed is why appends are not acknowledged that the log's end cut off.
var ErrClosed = errors.New("direct log is closed")

// Log acknowledges appends from object storage, and is the window on those that
// are still in memory.
type Log struct {
	cfg      Config
	instance ids.WALInstance // set by Use
	pool     *page.Pool
	pinned   atomic.Int64 // bytes of pages that reads keep from being used again
	hedging  hedging
	reserve  *reserve

	ctx    context.Context // ends with Close, or when the log fails
	cancel context.CancelFunc
	work   sync.WaitGroup // of Start, and PUTs
	launch chan struct{}  // capacity 1: there may be something to seal, lay out or put
	arrive chan struct{}  // capacity 1: a PUT has ended

	mu        sync.RWMutex
	failed    error // for good; wraps tail.ErrFenced
	streams   map[ids.StreamID]*stream
	gathering *batch
	hurry     bool        // it is to be sealed at once
	timer     clock.Timer // for its age; nil if it is empty
	sealed    []*batch    // to be laid out, oldest first
	flying    []*batch    // being put or committed, in order
	putting   int         // of those, the ones being put
	kept      []*batch    // committed and in memory, oldest first
	held      int64       // cost of all batches above
	pending   int64       // of those, but kept
	durable   int64       // payload bytes acknowledged
	ready     filling     // what appends are copied to
	back      filling     // the same, of streams that are held back: they keep pages long
	progress  chan struct{}
	stats     Stats
}

// stream is what the log knows of one.
type stream struct {
	epoch ids.StreamEpoch // of the opening that goes on, 0 if none does
	// heldBack: an earlier tail, in another log, is not committed yet.
	heldBack bool
	parts    []*part // in memory, by offset
}

// filling is the page that appends are copied to, one after another.
type filling struct {
	page *page.Page // nil before the first
	used int        // of it
}

const (
	// largestShare is the part of the memory that one append may take.
	largestShare = 4
	// backShare is the part that all appends may take that are held back: until
	// somebody else uploads a tail, which may be long.
	backShare = 4
)

// New makes a log. Nothing is put before Start, nothing appended before Use.
func New(cfg Config) *Log {
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	l := &Log{
		cfg: cfg, pool: page.NewPool(cfg.Memory),
		launch: make(chan struct{}, 1), arrive: make(chan struct{}, 1), progress: make(chan struct{}),
		streams: map[ids.StreamID]*stream{}, gathering: newBatch(),
	}
	l.hedging.credit = hedgeEvery // the first PUT may be the slow one
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.reserve = newReserve(l)
	return l
}

// Use says as which instance the metadata knows the log. It is called once.
func (l *Log) Use(instance ids.WALInstance) { l.instance = instance }

// Start begins to put and to commit.
func (l *Log) Start() {
	l.work.Go(l.launchAll)
	l.work.Go(l.commitAll)
}

// Begin says that a stream was opened and goes on at an offset.
func (l *Log) Begin(id ids.StreamID, epoch ids.StreamEpoch, _ int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[id]
	if s == nil {
		s = &stream{}
		l.streams[id] = s
	}
	s.epoch, s.heldBack = epoch, !l.cfg.Meta.Due(l.instance, id, epoch)
}

// End says that an opening takes no more appends.
func (l *Log) End(id ids.StreamID, epoch ids.StreamEpoch, _, _ int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.streams[id]; s != nil && s.epoch == epoch {
		s.epoch = 0
		l.forget(id, s)
	}
}

// forget drops a stream of which there is nothing. mu is held.
func (l *Log) forget(id ids.StreamID, s *stream) {
	if s.epoch == 0 && len(s.parts) == 0 {
		delete(l.streams, id)
	}
}

// Append implements tail.Log. There is nothing to flush.
func (l *Log) Append(r tail.Record, done tail.Completion) error {
	size := cost(len(r.Payload))
	if size > l.cfg.Memory.Limit()/largestShare {
		return fmt.Errorf("%w: %d bytes, of the memory for direct appends one may take %d",
			tail.ErrTooLarge, len(r.Payload), l.cfg.Memory.Limit()/largestShare)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return l.failed
	}
	s := l.streams[r.Stream]
	invariant.Check(s != nil && s.epoch == r.Epoch, "directack: append to stream %d, which is not open at epoch %d", r.Stream, r.Epoch)
	b, to := l.gathering, &l.ready
	if s.heldBack {
		to = &l.back
	}
	if s.heldBack && l.heldBack()+size > l.cfg.Memory.Limit()/backShare {
		l.stats.Full++
		return tail.ErrFull
	}
	pages, ok := l.room(to, size, len(r.Payload))
	if !ok {
		l.stats.Full++
		return tail.ErrFull
	}
	if b.bytes == 0 {
		l.sealInTime(b)
	}
	p := b.parts[r.Stream]
	if p == nil {
		p = &part{stream: r.Stream, epoch: r.Epoch, start: r.Base}
		b.parts[r.Stream] = p
		s.parts = append(s.parts, p)
	}
	p.add(&r, done)
	to.copyTo(p, r.Payload, pages)
	b.bytes += size
	l.held += size
	l.pending += size
	if s.heldBack {
		return nil
	}
	if b.ready += size; b.ready >= l.cfg.Settings.BatchBytes {
		l.seal()
	}
	return nil
}

// heldBack is the cost of what is held back. mu is held.
func (l *Log) heldBack() int64 { return l.gathering.bytes - l.gathering.ready }

// sealInTime has a batch sealed when its time is up. mu is held.
func (l *Log) sealInTime(b *batch) {
	b.since = l.cfg.Clock.Now()
	l.timer = l.cfg.Clock.AfterFunc(l.cfg.Settings.Interval, func() { signal(l.launch) })
}

// room makes room for an append, at the cost of the oldest batches that are kept,
// and returns the pages that it begins. mu is held.
func (l *Log) room(to *filling, size int64, payload int) (fresh []*page.Page, ok bool) {
	for l.held+size > l.cfg.Memory.Limit() {
		if !l.evict() {
			return nil, false
		}
	}
	left := 0
	if to.page != nil {
		left = page.Size - to.used
	}
	for payload > left {
		pg := l.pool.Get()
		if pg == nil {
			if l.evict() {
				continue
			}
			for _, pg := range fresh {
				pg.Release()
			}
			return nil, false
		}
		fresh = append(fresh, pg)
		left += page.Size
	}
	return fresh, true
}

// copyTo copies a payload to where the last one ended, and on to fresh pages.
func (f *filling) copyTo(p *part, payload []byte, fresh []*page.Page) {
	for first := true; len(payload) > 0; first = false {
		if f.page == nil || f.used == page.Size {
			f.drop()
			f.page, fresh = fresh[0], fresh[1:]
		}
		n := copy(f.page.Bytes()[f.used:], payload)
		p.extend(f.page, f.used, n, first)
		f.used += n
		payload = payload[n:]
	}
}

// drop lets go of the page.
func (f *filling) drop() {
	if f.page != nil {
		f.page.Release()
	}
	*f = filling{}
}

// evict gives up the batch that was committed first. mu is held.
func (l *Log) evict() bool {
	if len(l.kept) == 0 {
		return false
	}
	b := l.kept[0]
	l.kept = l.kept[1:]
	l.held -= b.bytes
	for id, p := range b.parts {
		l.unlist(id, p)
	}
	b.drop()
	return true
}

// unlist takes a part out of the index. mu is held.
func (l *Log) unlist(id ids.StreamID, p *part) {
	s := l.streams[id]
	if s == nil {
		return
	}
	if i := slices.Index(s.parts, p); i >= 0 {
		s.parts = slices.Delete(s.parts, i, i+1)
	}
	l.forget(id, s)
}

// seal ends the batch that is gathered; what is held back in it is gathered on.
// mu is held.
func (l *Log) seal() {
	b, next := l.gathering, newBatch()
	for id, p := range b.parts {
		if s := l.streams[id]; s.heldBack {
			if s.heldBack = !l.cfg.Meta.Due(l.instance, id, p.epoch); s.heldBack {
				next.parts[id] = p
			}
		}
	}
	for id, p := range next.parts {
		delete(b.parts, id)
		size := p.bytes + entryBytes*int64(len(p.entries))
		b.bytes -= size
		next.bytes += size
	}
	l.timer.Stop()
	l.hurry, l.timer, l.gathering = false, nil, next
	if next.bytes > 0 {
		l.sealInTime(next)
	}
	if b.bytes > 0 {
		b.seal()
		l.sealed = append(l.sealed, b)
		signal(l.launch)
	}
}

// Mark implements tail.Log. A direct log is never rescued: what marks say stands
// in the summaries of its objects.
func (l *Log) Mark(_ ids.StreamID, _ ids.StreamEpoch, _ int64, _ []byte, done tail.Completion) error {
	if err := l.Failed(); err != nil {
		return err
	}
	done.Durable(nil)
	return nil
}

// Flush implements tail.Log: appends gather, whatever is asked for; see Hurry.
func (l *Log) Flush(bool) {}

// Hurry has what was appended sealed at once, as soon as a PUT may begin:
// somebody waits for it.
func (l *Log) Hurry() {
	l.mu.Lock()
	l.hurry = l.gathering.bytes > 0
	l.mu.Unlock()
	signal(l.launch)
}

// DurableUpTo implements tail.Log: how many bytes were acknowledged.
func (l *Log) DurableUpTo() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.durable
}

// Failed is nil, or why the log takes no more appends; it wraps tail.ErrFenced.
func (l *Log) Failed() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.failed
}

// roomPause is how long who finds no room waits when nothing tells of it: readers
// have to let go of pages, or a tail elsewhere has to be uploaded.
const roomPause = 10 * time.Millisecond

// WaitSpace returns when an append that got ErrFull is worth another try.
func (l *Log) WaitSpace(ctx context.Context) error {
	l.mu.RLock()
	ended, roomy, idle := l.failed != nil, len(l.kept) > 0, l.pending == 0
	crowded := l.heldBack() > 0 // what is held back may be without room, and tells of no progress
	progress := l.progress
	l.mu.RUnlock()
	switch {
	case ended || roomy && !crowded:
		return nil
	case idle || crowded:
		return clock.Sleep(ctx, l.cfg.Clock, roomPause)
	}
	select {
	case <-progress:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Drain returns when all that was appended before is acknowledged, or ctx's error,
// or why the log failed.
func (l *Log) Drain(ctx context.Context) error {
	for {
		l.Hurry()
		if idle, err := l.await(ctx); idle || err != nil {
			return err
		}
	}
}

// AwaitProgress returns when something was acknowledged since, or nothing waits to
// be; or ctx's error, or why the log failed.
func (l *Log) AwaitProgress(ctx context.Context) error {
	_, err := l.await(ctx)
	return err
}

// await is AwaitProgress, and says whether nothing waited.
func (l *Log) await(ctx context.Context) (idle bool, err error) {
	l.mu.RLock()
	pending, failed, progress := l.pending, l.failed, l.progress
	l.mu.RUnlock()
	if failed != nil || pending == 0 {
		return pending == 0, failed
	}
	select {
	case <-progress:
		return false, l.Failed()
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// InFlight says whether an object is prepared here and still to be committed.
func (l *Log) InFlight(id ids.ObjectID) bool {
	if l.reserve.has(id) {
		return true
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, b := range l.flying {
		if b.object.ID == id {
			return true
		}
	}
	return false
}

// Stats returns a snapshot.
func (l *Log) Stats() Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.stats
	s.InFlight = len(l.sealed) + len(l.flying)
	s.HeldBytes, s.PendingBytes = l.held, l.pending
	return s
}

// Fail ends the log for good: appends under way are told err, wrapped in
// tail.ErrFenced. Some of them may have been committed.
func (l *Log) Fail(err error) {
	if !errors.Is(err, tail.ErrFenced) {
		err = fmt.Errorf("%w: %w", tail.ErrFenced, err)
	}
	l.mu.Lock()
	if l.failed == nil {
		l.failed = err
	}
	l.mu.Unlock()
	l.cancel()
}

// Close ends the log. What is not acknowledged by then never will be: Drain
// before. Results of reads stay valid until their release.
func (l *Log) Close() error {
	l.Fail(ErrClosed)
	l.work.Wait()
	l.abort() // if it was never started
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.evict() {
	}
	l.ready.drop()
	l.back.drop()
	return nil
}

// tellProgress wakes those who wait for room or for the end of a drain. mu is
// held.
func (l *Log) tellProgress() {
	close(l.progress)
	l.progress = make(chan struct{})
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
