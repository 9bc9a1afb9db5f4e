package broker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/clock"
)

// Fetch (key 1)
//
// Behavior:
//   - Answers from memory at once, on the connection's reader, when there are
//     min bytes; records leave straight from the log's pages.
//   - Else it waits for the high watermarks of its partitions, at most max
//     wait; no goroutine waits with it.
//   - History that is not in memory is read by a bounded set of readers. What
//     is in memory need not wait for it, though every second answer does.
//   - The first partition with data gives one batch even if that is over the
//     limits, so that a large batch is never in the way (KIP-74).
//   - Sessions as in KIP-227, bounded in number and bytes.
//   - Both isolation levels end at the high watermark while there are no
//     transactions.
//
// Versions:
//   - 4: isolation level. 5: log start offset. 7: sessions. 9: leader epochs.
//     11: rack. 12: flexible. 13: topic ids. 15 to 18: fields for replicas,
//     which Seawall has none of; a fetch by a replica is refused.

const (
	fetchMinVersion      = 4
	fetchMaxVersion      = 18
	fetchFlexibleVersion = 12
)

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
	mu      sync.Mutex   // held by wait, so that resume finds it finished
	need    atomic.Int64 // bytes missing until min bytes
	woken   atomic.Bool
	started time.Time
	timer   clock.Timer
	unhook  func() bool // from the connection's end
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
	switch {
	case cold && f.historyIsDue():
		f.b.readers.Go(func() error { f.readCold(); return nil })
	case f.enough():
		f.answer()
	default:
		f.wait()
	}
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

// readCold reads again, now blocking; it runs on one of the bounded readers.
func (f *fetch) readCold() {
	f.discard()
	f.readAll(f.ticket.Request().Context(), true)
	if f.enough() {
		f.answer()
		return
	}
	f.wait()
}

// enough says whether the answer need not wait: min bytes, an error, an
// expired wait, or nothing to wait for.
func (f *fetch) enough() bool {
	if f.bytes >= int(f.req.MinBytes) || len(f.reads) == 0 || f.remaining() <= 0 {
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
// not block, cold says that some data was not in memory.
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
		opt := partition.FetchOptions{MaxBytes: limit, MinOne: f.bytes == 0, Block: block}
		read.result, read.missed, read.err = read.p.Fetch(ctx, part.offset, opt)
		cold = cold || read.missed
		f.bytes += read.result.Bytes
	}
	return cold
}

// follow finds a partition by the name or the id that a fetch has for it.
func (b *Broker) follow(k fetchKey) (*partition.Partition, error) {
	if k.topic != "" {
		return b.Partitions.ByName([]byte(k.topic), k.index)
	}
	p, err := b.Partitions.ByID(k.id, k.index)
	if errors.Is(err, partition.ErrUnknown) {
		return nil, kerr.UnknownTopicID
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
	f.unhook = context.AfterFunc(f.ticket.Request().Context(), f.wake)
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
	f.unhook()
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

// refuse answers with an error for the whole request.
func (f *fetch) refuse(err *kerr.Error) {
	f.endSession()
	w := wireWriter{b: f.head[:0], flexible: f.version >= fetchFlexibleVersion}
	f.appendStart(&w, err.Code, 0)
	w.array(0)
	w.noTags()
	f.head = w.b
	f.ticket.Respond(server.Response{Head: f.head, Owner: f})
}

func (f *fetch) endSession() {
	if f.session != nil {
		f.session.mu.Unlock()
		f.session = nil
	}
}

// answer encodes and sends what was read. Record bytes are not copied here:
// the response refers to them.
func (f *fetch) answer() {
	w := wireWriter{b: f.head[:0], flexible: f.version >= fetchFlexibleVersion}
	f.appendStart(&w, 0, f.session.id)
	f.markUnchanged()
	w.array(f.countTopics())
	f.cuts = f.cuts[:0]
	for i := 0; i < len(f.reads); {
		i = f.appendTopic(&w, i)
	}
	w.noTags()
	f.head = w.b
	f.session.rotate()
	f.endSession()
	f.ticket.Respond(f.response())
}

func (f *fetch) appendStart(w *wireWriter, code int16, session int32) {
	w.int32(0) // throttle time
	if f.version >= 7 {
		w.int16(code)
		w.int32(session)
	}
}

// markUnchanged notes which partitions an incremental answer leaves out, and
// what the consumer is told of the others.
func (f *fetch) markUnchanged() {
	for i := range f.reads {
		r := &f.reads[i]
		code, _ := answer(r.err)
		part, res := r.part, &r.result
		r.skipped = f.incremental && res.Bytes == 0 && code == 0 && part.toldErr == 0 &&
			part.toldHW == res.HighWatermark && part.toldStart == res.Start
		part.gave, part.left = res.Bytes > 0, r.missed
		part.toldErr, part.toldHW, part.toldStart = code, res.HighWatermark, res.Start
	}
}

// sameTopic says whether two reads stand under one topic in the answer.
func sameTopic(a, b *fetchRead) bool {
	return a.part.id == b.part.id && a.part.topic == b.part.topic
}

// nextRead is the first read at or behind i that the answer has.
func (f *fetch) nextRead(i int) int {
	for i < len(f.reads) && f.reads[i].skipped {
		i++
	}
	return i
}

func (f *fetch) countTopics() (n int) {
	var last *fetchRead
	for i := f.nextRead(0); i < len(f.reads); i = f.nextRead(i + 1) {
		if last == nil || !sameTopic(last, &f.reads[i]) {
			n++
		}
		last = &f.reads[i]
	}
	return n
}

// appendTopic encodes the run of partitions of one topic that begins at or
// behind i, and returns where it ends.
func (f *fetch) appendTopic(w *wireWriter, i int) int {
	i = f.nextRead(i)
	if i == len(f.reads) {
		return i
	}
	first, n, end := &f.reads[i], 0, i
	for j := i; j < len(f.reads) && sameTopic(first, &f.reads[j]); j = f.nextRead(j + 1) {
		n, end = n+1, j+1
	}
	if f.version >= 13 {
		w.uuid(first.part.id)
	} else {
		w.string(first.part.topic)
	}
	w.array(n)
	for ; i < end; i = f.nextRead(i + 1) {
		f.appendPartition(w, i)
	}
	w.noTags()
	return end
}

func (f *fetch) appendPartition(w *wireWriter, i int) {
	r := &f.reads[i]
	code := r.part.toldErr
	o := r.result.Offsets
	if code != 0 {
		o = partition.Offsets{Start: -1, HighWatermark: -1, LastStable: -1}
	}
	w.int32(r.part.index)
	w.int16(code)
	w.int64(o.HighWatermark)
	w.int64(o.LastStable)
	if f.version >= 5 {
		w.int64(o.Start)
	}
	w.array(-1) // aborted transactions
	if f.version >= 11 {
		w.int32(-1) // preferred read replica
	}
	w.array(r.result.Bytes)
	if r.result.Bytes > 0 {
		f.cuts = append(f.cuts, fetchCut{at: len(w.b), read: i})
	}
	w.noTags()
}

// fetchCut says behind which byte of the head a read's records stand.
type fetchCut struct{ at, read int }

// response joins the encoded head and the records into one answer.
func (f *fetch) response() server.Response {
	if len(f.cuts) == 0 {
		return server.Response{Head: f.head, Owner: f}
	}
	f.segments = f.segments[:0]
	for i, cut := range f.cuts {
		f.segments = append(f.segments, f.reads[cut.read].result.Segments...)
		end := len(f.head)
		if i+1 < len(f.cuts) {
			end = f.cuts[i+1].at
		}
		f.segments = append(f.segments, f.head[cut.at:end])
	}
	return server.Response{Head: f.head[:f.cuts[0].at], Segments: f.segments, Owner: f}
}

// fetchKeep bounds what a fetch in the pool keeps, in partitions.
const fetchKeep = 256

// Release implements server.Releaser: the answer was sent.
func (f *fetch) Release() {
	f.discard()
	clear(f.watches)
	clear(f.segments)
	if cap(f.reads) > fetchKeep || cap(f.segments) > 16*fetchKeep {
		// Not the whole of f: a timer that lost a race with other news may still
		// try to wake it, and must find it woken.
		f.reads, f.cuts, f.segments, f.watches, f.head = nil, nil, nil, nil, nil
	}
	f.b, f.ticket, f.req, f.timer, f.unhook = nil, Ticket{}, nil, nil, nil
	fetches.Put(f)
}
