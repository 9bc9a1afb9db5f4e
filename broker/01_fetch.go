package broker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
)

// Fetch (key 1)
//
// Behavior:
//   - Answers from memory at once, on the connection's reader, when there are
//     min bytes; records leave straight from the log's pages.
//   - Else it waits for the high watermarks of its partitions, at most max
//     wait; no goroutine waits with it.
//   - History that is not in memory is read by a bounded number of fetches at a
//     time. What is in memory need not wait for it, though every second answer
//     does, for max wait or half a second: what did not come by then is not in
//     the answer, and is likely at hand for the next.
//   - What was lost with a WAL that was given up is passed over. If nothing
//     follows it, a batch without records does, as Kafka's log cleaner leaves
//     them: consumers go on after it.
//   - The first partition with data gives one batch even if that is over the
//     limits, so that a large batch is never in the way (KIP-74).
//   - Sessions as in KIP-227, bounded in number and bytes.
//   - A partition that is led elsewhere is answered with its leader's id, epoch
//     and address (KIP-951).
//   - While a partition changes hands, the request waits at either broker, for
//     at most a second since that began: there is nowhere to send the client.
//   - When the broker stops, waits end and answer with what is there.
//   - Both isolation levels end at the high watermark while there are no
//     transactions.
//
// Versions:
//   - 4: isolation level. 5: log start offset. 7: sessions. 9: leader epochs.
//     11: rack. 12: flexible. 13: topic ids. 16: the current
//     leader. 15, 17, 18: fields for replicas, which Seawall has none of; a
//     fetch by a replica is refused.

const (
	fetchMinVersion      = 4
	fetchMaxVersion      = 18
	fetchFlexibleVersion = 12
	fetchLeaderVersion   = 16
)

// fetchLeaderTag is a partition's tagged field that has its current leader.
const fetchLeaderTag = 1

// fetch is one request from its arrival until its answer has left.
type fetch struct {
	b       *Broker
	ticket  Ticket
	version int16
	req     *kmsg.FetchRequest

	session     *fetchSession // locked until the answer is made
	incremental bool
	reads       []fetchRead
	bytes       int // of records read
	head        []byte
	cuts        []fetchCut
	segments    [][]byte

	// While it waits:
	mu   sync.Mutex   // held by wait, so that resume finds it finished
	need atomic.Int64 // bytes missing until min bytes
	// woken is false only from wait to wake. It survives the fetch: a timer
	// that could not be stopped any more may fire when another request has it.
	woken   atomic.Bool
	started time.Time
	timer   clock.Timer
	unhook  [2]func() bool // from the ends of the connection and of the broker
	watches []partition.Watch
}

// fetchRead is what one partition of a fetch answers.
type fetchRead struct {
	part    *fetchPart
	p       *partition.Partition
	result  partition.Fetched
	err     error
	missed  bool // has data, which is not in memory
	skipped bool // not in an incremental answer
}

var fetches = sync.Pool{New: func() any { return new(fetch) }}

// fetch starts a request; it runs on the connection's reader.
func (b *Broker) fetch(c *Ctx, req *kmsg.FetchRequest, t Ticket) {
	f := fetches.Get().(*fetch)
	f.b, f.ticket, f.version, f.req, f.started = b, t, c.Version, req, b.Clock.Now()
	if req.ReplicaID >= 0 || req.ReplicaState.ID >= 0 {
		f.refuse(kerr.NotLeaderForPartition)
		return
	}
	session, incremental, kerror := b.sessions.begin(req)
	if kerror != nil {
		f.refuse(kerror)
		return
	}
	f.session, f.incremental = session, incremental
	f.attempt()
}

// attempt reads what is there without blocking, and then answers, waits for
// more, or hands over to a reader of history.
func (f *fetch) attempt() {
	cold := f.readAll(context.Background(), false)
	if part := f.unsettled(); part != nil {
		go f.settle(part)
		return
	}
	switch {
	case cold && f.historyIsDue():
		go f.readCold()
	case f.enough():
		f.answer()
	default:
		f.wait()
	}
}

// unsettled is a partition that changes hands with this broker just now, or did
// since it was looked up; nil if none does, or if nobody waits for the answer.
func (f *fetch) unsettled() *fetchPart {
	if f.b.Stopped.Err() != nil || f.ticket.Request().Context().Err() != nil {
		return nil
	}
	for i := range f.reads {
		r := &f.reads[i]
		if !errors.Is(r.err, partition.ErrNotLeader) {
			continue
		}
		if f.b.settles(r.part.id, r.part.topic, r.part.index) {
			return r.part
		}
		if _, err := f.b.follow(r.part.fetchKey); err == nil {
			return r.part
		}
	}
	return nil
}

// settle tries again when a partition has changed hands. It has a goroutine of
// its own.
func (f *fetch) settle(part *fetchPart) {
	f.discard()
	ctx, cancel := context.WithCancel(f.ticket.Request().Context())
	defer cancel()
	defer context.AfterFunc(f.b.Stopped, cancel)()
	f.b.settle(ctx, part.id, part.topic, part.index)
	f.attempt()
}

// historyIsDue says whether what is not in memory must be in this answer. It
// may be left out once, so that it does not hold up what is at hand, but not
// again and again: it would never be read beside a partition that always has
// news.
func (f *fetch) historyIsDue() bool {
	if f.bytes == 0 || !f.enough() || f.session.id == 0 { // without a session nobody remembers
		return true
	}
	for i := range f.reads {
		if r := &f.reads[i]; r.missed && r.part.left {
			return true
		}
	}
	return false
}

// historyWaitMin is how long history is waited for at least, whatever the max
// wait: a client with a short one is to get on, too.
const historyWaitMin = 500 * time.Millisecond

// readCold reads again, now blocking, when it is its turn among the readers of
// history and for as long as its answer may wait. It has a goroutine of its own.
func (f *fetch) readCold() {
	f.discard()
	ctx, cancel := context.WithCancel(f.ticket.Request().Context())
	defer cancel()
	defer f.b.Clock.AfterFunc(max(f.remaining(), historyWaitMin), cancel).Stop()
	select {
	case f.b.readers <- struct{}{}:
		f.readAll(ctx, true)
		<-f.b.readers
	case <-ctx.Done():
		f.readAll(ctx, false)
	}
	if f.enough() {
		f.answer()
		return
	}
	f.wait()
}

// enough says whether the answer need not wait: min bytes, an error, an
// expired wait, nothing to wait for, or a broker that stops.
func (f *fetch) enough() bool {
	if f.bytes >= int(f.req.MinBytes) || len(f.reads) == 0 || f.remaining() <= 0 || f.b.Stopped.Err() != nil {
		return true
	}
	for i := range f.reads {
		if f.reads[i].err != nil {
			return true
		}
	}
	return false
}

func (f *fetch) remaining() time.Duration {
	return time.Duration(f.req.MaxWaitMillis)*time.Millisecond - f.b.Clock.Now().Sub(f.started)
}

// readAll reads every partition of the session within the limits. When it must
// not block, or not any more since ctx is done, cold says that some data was not
// in memory.
func (f *fetch) readAll(ctx context.Context, block bool) (cold bool) {
	budget := min(int(f.req.MaxBytes), f.b.Config.Network.FetchBytesMax)
	f.reads = f.reads[:0]
	for _, part := range f.session.order {
		f.reads = append(f.reads, fetchRead{part: part})
		read := &f.reads[len(f.reads)-1]
		if read.p, read.err = f.b.follow(part.fetchKey); read.err != nil {
			continue
		}
		if read.err = read.p.CheckLeaderEpoch(part.leaderEpoch); read.err != nil {
			continue
		}
		limit := min(int(part.maxBytes), budget-f.bytes)
		opt := partition.FetchOptions{MaxBytes: limit, MinOne: f.bytes == 0, Block: block && ctx.Err() == nil}
		read.result, read.missed, read.err = read.p.Fetch(ctx, part.offset, opt)
		switch {
		case read.err == nil:
		case errors.Is(read.err, partition.ErrStorage) && ctx.Err() != nil:
			read.err, read.missed = nil, true // it takes too long
		default:
			f.b.noteReadFault(read.p, part.offset, read.err)
		}
		cold = cold || read.missed
		f.bytes += read.result.Bytes
	}
	return cold
}

// noteReadFault logs that the storage did not give what it should: the client
// gets only a code.
func (b *Broker) noteReadFault(p *partition.Partition, offset int64, err error) {
	if errors.Is(err, partition.ErrStorage) {
		b.readFaults.Log(b.Log, slog.LevelError, b.Clock.Now(), "records could not be read", "partition", p.String(), "offset", offset, "error", err)
	}
}

// follow finds a partition by the name or the id that a fetch has for it.
func (b *Broker) follow(k fetchKey) (*partition.Partition, error) {
	if k.topic != "" {
		return b.byName([]byte(k.topic), k.index)
	}
	return b.partitionByID(k.id, k.index)
}

// partitionByID finds a partition that this node leads. It tells a topic that
// does not exist, which is UNKNOWN_TOPIC_ID, from a partition that does not.
func (b *Broker) partitionByID(id ids.TopicID, index int32) (*partition.Partition, error) {
	p, err := b.byID(id, index)
	if errors.Is(err, partition.ErrUnknown) {
		if _, ok := b.Metadata.Image().Topic(id); !ok {
			err = kerr.UnknownTopicID
		}
	}
	return p, err
}

// discard gives back what an earlier attempt read.
func (f *fetch) discard() {
	for i := range f.reads {
		f.reads[i].result.Release()
	}
	clear(f.reads)
	f.reads, f.bytes = f.reads[:0], 0
}

// wait parks the fetch until its partitions have min bytes more, one of them
// is gone, its time is up or its client is. It holds no data meanwhile.
func (f *fetch) wait() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.need.Store(int64(int(f.req.MinBytes) - f.bytes))
	f.woken.Store(false)
	if cap(f.watches) < len(f.reads) {
		f.watches = make([]partition.Watch, len(f.reads))
	}
	f.watches = f.watches[:len(f.reads)]
	f.timer = f.b.Clock.AfterFunc(f.remaining(), f.wake)
	f.unhook[0] = context.AfterFunc(f.ticket.Request().Context(), f.wake)
	f.unhook[1] = context.AfterFunc(f.b.Stopped, f.wake)
	for i := range f.reads {
		read := &f.reads[i]
		seen := read.result.HighWatermark
		read.result.Release()
		f.watches[i].Waiter = f
		if !read.p.Watch(&f.watches[i], seen) {
			f.wake()
		}
	}
}

// Progress implements [partition.Waiter].
func (f *fetch) Progress(bytes int) {
	if bytes < 0 || f.need.Add(-int64(bytes)) <= 0 {
		f.wake()
	}
}

// wake goes on with the fetch, once a wait, in a goroutine of its own: those
// who wake it are on the produce path.
func (f *fetch) wake() {
	if f.woken.CompareAndSwap(false, true) {
		go f.resume()
	}
}

// resume ends the wait and tries again.
func (f *fetch) resume() {
	f.mu.Lock() // wait may still be adding watches
	f.timer.Stop()
	f.unhook[0]()
	f.unhook[1]()
	for i := range f.watches {
		f.reads[i].p.Unwatch(&f.watches[i])
	}
	f.mu.Unlock()
	f.discard()
	if f.ticket.Request().Context().Err() != nil {
		f.refuse(kerr.UnknownServerError) // nobody reads it
		return
	}
	f.attempt()
}
