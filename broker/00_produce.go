package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/broker/server"
	"github.com/seawallmq/seawall/internal/ids"
)

// Produce (key 0)
//
// Behavior:
//   - One batch a partition, validated (CRC, counts, sizes, sequence) before
//     it gets an offset; each partition succeeds or fails by itself.
//   - acks=1 and acks=-1 are answered alike, when the batch is durable: there
//     is one copy to wait for, and it is the WAL's. acks=0 gets no answer, and
//     a closed connection if anything failed, as from Kafka.
//   - Success is answered only while the lease lasts: a broker that was paused
//     past its session answers NOT_LEADER_OR_FOLLOWER, whatever became durable.
//     Its WAL may have been given up meanwhile, which no fence tells it of.
//   - A full WAL makes the request wait, and with it what follows on its
//     connection, for at most its time-out; then NOT_ENOUGH_REPLICAS, which
//     clients retry: nothing was appended.
//   - A partition that is led elsewhere is answered with its leader's id, epoch
//     and address (KIP-951).
//   - While a partition changes hands, the request waits at either broker, for
//     at most a second since that began: there is nowhere to send the client.
//   - A repetition by an idempotent producer gets the first answer's offset,
//     when that is durable.
//   - Transactional produce is refused until there are transactions.
//
// Versions:
//   - 3: record batches only. 5: log start offset. 7: zstd. 8: errors by
//     record. 9: flexible. 10: the current leader. 13: topic ids.
//   - 0 to 2 are advertised, because old clients gate features on them, and
//     refused.
//
// The request is decoded in place and by hand (produce_parse.go): its steady state
// allocates nothing for each batch, and record bytes are copied once, into the
// WAL's page. A large one is checked batch by batch while it comes, each still in
// the processor's cache.

const (
	produceMinVersion      = 3
	produceMaxVersion      = 13
	produceFlexibleVersion = 9
	produceLeaderVersion   = 10
)

// produceLeaderTag is a partition's tagged field that has its current leader.
const produceLeaderTag = 0

// produceRequest is one request on its way. It lives until its last partition
// is answered; then it is used again.
type produceRequest struct {
	b       *Broker
	ticket  Ticket
	version int16
	acks    int16
	timeout time.Duration

	topics []produceTopic
	parts  []producePart
	names  []byte // of topics, unless too long to be copied
	// namesInBody says that the body is needed for the answer.
	namesInBody bool
	// open counts the partitions not answered yet, and one for the decoder
	// while it still reads from the request.
	open atomic.Int32
	head []byte
}

// produceTopic is a topic of a request; its name lies in the request's names,
// or else in its body.
type produceTopic struct {
	id    ids.TopicID
	name  []byte
	parts int // how many entries of produceRequest.parts are its own
}

// producePart is one partition of a request.
type producePart struct {
	partition.Append
	req   *produceRequest
	topic int // its place in produceRequest.topics
	index int32
	p     *partition.Partition
	valid bool // the batch is checked
	err   error
}

var produceRequests = sync.Pool{New: func() any { return new(produceRequest) }}

// produce starts a request; it runs on the connection's reader.
func (b *Broker) produce(c *Ctx, t Ticket) {
	req := produceRequests.Get().(*produceRequest)
	req.b, req.ticket, req.version = b, t, c.Version
	now := b.Clock.Now()
	if err := req.parse(c.Body, c, now); err != nil {
		req.free()
		if errors.Is(err, server.ErrCut) {
			t.Done()
		} else {
			t.Abort(fmt.Errorf("produce v%d: %w", c.Version, err))
		}
		return
	}
	req.open.Store(int32(len(req.parts)) + 1)
	for i := range req.parts {
		part := &req.parts[i]
		err := part.err
		if err == nil {
			err = part.start(now)
		}
		if errors.Is(err, partition.ErrNotLeader) {
			err = part.follow(now)
		}
		if err != nil { // else AppendDone says, perhaps by now, what became of it
			part.err = err
			req.settle()
		}
	}
	// All batches are copied: the next request gets this memory while it is warm
	// in the processor's cache, and not a request that waits for a disk.
	if !req.namesInBody {
		t.Request().FreeBody()
	}
	b.Partitions.Flush(!c.More())
	req.settle()
}

var errNoBatch = refuse(kerr.InvalidRecord, "A partition must have one record batch.")

// validate checks the batch. An error is the partition's answer.
func (part *producePart) validate(now time.Time) error {
	if len(part.Batch) == 0 {
		return errNoBatch
	}
	settings := part.p.Settings()
	opts := batch.Options{
		BatchBytesMax: settings.MaxMessageBytes,
		ForbidZstd:    part.req.version < 7,
		RequireKey:    settings.Compact,
	}
	if !settings.LogAppendTime {
		opts.CheckTimestamps = true
		opts.TimestampMin, opts.TimestampMax = batch.TimestampWindow(
			now.UnixMilli(), settings.TimestampBeforeMaxMs, settings.TimestampAfterMaxMs)
	}
	info, err := part.req.b.validate(part.Batch, opts)
	if err != nil {
		return err
	}
	if info.Header.IsTransactional() {
		return kerr.InvalidTxnState
	}
	part.Info, part.valid = info, true
	return nil
}

// start appends the batch, which it checks first if the partition was not known
// when it came. An error is the partition's answer.
func (part *producePart) start(now time.Time) error {
	if !part.valid {
		if err := part.validate(now); err != nil {
			return err
		}
	}
	part.Done = part
	err := part.p.Append(&part.Append, now.UnixMilli())
	if errors.Is(err, partition.ErrFull) {
		return part.waitForRoom(now)
	}
	return err
}

// validate checks a batch. What it is decompressed to is charged to no account:
// so at most as many batches as there are processors are decompressed at once,
// each to a bounded size (I9).
func (b *Broker) validate(raw []byte, opts batch.Options) (batch.Info, error) {
	if h, err := batch.ParseHeader(raw); err == nil && h.Codec() != batch.CodecNone {
		b.decompressing <- struct{}{}
		defer func() { <-b.decompressing }()
	}
	return batch.Validate(raw, opts)
}

// produceWaitMax bounds how long a produce waits for room in the WAL, whatever
// its time-out: meanwhile its connection stands still.
const produceWaitMax = 30 * time.Second

// waitForRoom tries again whenever room is made, until the request's time-out.
// It holds up the connection's reader: that is the back-pressure (I9).
func (part *producePart) waitForRoom(now time.Time) error {
	req := part.req
	ctx, cancel := context.WithTimeout(req.ticket.Request().Context(), min(req.timeout, produceWaitMax))
	defer cancel()
	defer context.AfterFunc(req.b.Stopped, cancel)()
	for {
		req.b.Partitions.Flush(false) // what this request appended before must not wait for what it could not
		if err := part.p.WaitSpace(ctx); err != nil {
			return partition.ErrFull
		}
		if err := part.p.Append(&part.Append, now.UnixMilli()); !errors.Is(err, partition.ErrFull) {
			return err
		}
	}
}

// follow tries again while the partition changes hands with this broker. Like
// waitForRoom it holds up the connection's reader.
func (part *producePart) follow(now time.Time) error {
	req := part.req
	t := &req.topics[part.topic]
	ctx, cancel := context.WithTimeout(req.ticket.Request().Context(), min(req.timeout, produceWaitMax))
	defer cancel()
	defer context.AfterFunc(req.b.Stopped, cancel)()
	for {
		req.b.Partitions.Flush(false) // what this request appended before is not to wait
		waited := req.b.settle(ctx, t.id, string(t.name), part.index)
		err := part.lookUp(t) // if it did not wait, the change may be over since the last look
		if err == nil {
			err = part.start(now)
		}
		if !waited || !errors.Is(err, partition.ErrNotLeader) {
			return err
		}
	}
}

// AppendDone implements the end of a [partition.Append].
func (part *producePart) AppendDone(a *partition.Append) {
	part.err = a.Err
	part.req.settle()
}

// settle counts one partition out; the last one answers.
func (req *produceRequest) settle() {
	if req.open.Add(-1) > 0 {
		return
	}
	if req.acks == 0 {
		req.endUnacked()
		return
	}
	req.checkLease()
	req.head = req.appendResponse(req.head[:0])
	req.ticket.Respond(server.Response{Head: req.head, Owner: req})
}

// checkLease takes back what is not to be acknowledged any more. Of what is
// durable nobody else may know: a WAL that nobody reaches is given up unread, and
// is not fenced by that (A21).
func (req *produceRequest) checkLease() {
	if lease := req.b.Lease; lease == nil || lease.Valid() {
		return
	}
	for i := range req.parts {
		if part := &req.parts[i]; part.err == nil {
			part.err = partition.ErrNotLeader
		}
	}
}

// endUnacked ends a request that gets no answer.
func (req *produceRequest) endUnacked() {
	t := req.ticket
	for i := range req.parts {
		if part := &req.parts[i]; part.err != nil {
			err := fmt.Errorf("produce with acks=0: partition %d: %w", part.index, part.err)
			req.free()
			t.Abort(err)
			return
		}
	}
	req.free()
	t.Done()
}

// Release implements server.Releaser: the response was sent.
func (req *produceRequest) Release() { req.free() }

// produceKeepParts bounds what a request in the pool keeps.
const produceKeepParts = 256

func (req *produceRequest) free() {
	clear(req.topics)
	clear(req.parts)
	if cap(req.parts) > produceKeepParts {
		req.parts, req.topics, req.names, req.head = nil, nil, nil, nil
	}
	req.topics, req.names, req.parts = req.topics[:0], req.names[:0], req.parts[:0]
	req.b, req.ticket, req.namesInBody = nil, Ticket{}, false
	produceRequests.Put(req)
}

// appendResponse encodes the answer.
func (req *produceRequest) appendResponse(dst []byte) []byte {
	w := wireWriter{b: dst, flexible: req.version >= produceFlexibleVersion}
	hints := req.b.leaderHints(req.ticket.Request(), req.version >= produceLeaderVersion)
	w.array(len(req.topics))
	next := 0
	for i := range req.topics {
		t := &req.topics[i]
		if req.version >= 13 {
			w.uuid(t.id)
		} else {
			w.string(string(t.name))
		}
		w.array(t.parts)
		for range t.parts {
			req.parts[next].appendTo(&w, t, &hints)
			next++
		}
		w.noTags()
	}
	w.int32(0) // throttle time
	hints.appendNodes(&w)
	return w.b
}

func (part *producePart) appendTo(w *wireWriter, t *produceTopic, hints *leaderHints) {
	version := part.req.version
	code, message := answer(part.err)
	base, appendTime := part.BaseOffset, part.LogAppendTimeMs
	if code != 0 {
		base, appendTime = -1, -1
	}
	start := int64(-1)
	if part.p != nil {
		start = part.p.Offsets().Start
	}
	w.int32(part.index)
	w.int16(code)
	w.int64(base)
	w.int64(appendTime)
	if version >= 5 {
		w.int64(start)
	}
	if version >= 8 {
		var faults *batch.RecordsError
		if errors.As(part.err, &faults) {
			w.array(len(faults.Records))
			for _, f := range faults.Records {
				w.int32(int32(f.Index))
				w.nullableString(f.Message)
				w.noTags()
			}
		} else {
			w.array(0)
		}
		w.nullableString(message)
	}
	if hints.due(code) {
		hints.appendLeader(w, produceLeaderTag, t.id, string(t.name), part.index)
	} else {
		w.noTags()
	}
}
