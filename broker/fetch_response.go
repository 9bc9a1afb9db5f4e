package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/broker/server"
)

// The answer to a fetch is encoded by hand: its records are no copy but refer
// to the pages of the log.

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
	hints := f.b.leaderHints(f.ticket.Request(), f.version >= fetchLeaderVersion)
	w.array(f.countTopics())
	f.cuts = f.cuts[:0]
	for i := 0; i < len(f.reads); {
		i = f.appendTopic(&w, i, &hints)
	}
	hints.appendNodes(&w)
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
func (f *fetch) appendTopic(w *wireWriter, i int, hints *leaderHints) int {
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
		f.appendPartition(w, i, hints)
	}
	w.noTags()
	return end
}

func (f *fetch) appendPartition(w *wireWriter, i int, hints *leaderHints) {
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
	if hints.due(code) {
		hints.appendLeader(w, fetchLeaderTag, r.part.id, r.part.topic, r.part.index)
	} else {
		w.noTags()
	}
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
		f.reads, f.watches, f.cuts, f.segments, f.head = nil, nil, nil, nil, nil
	}
	f.b, f.ticket, f.req, f.timer, f.unhook = nil, Ticket{}, nil, nil, [2]func() bool{}
	fetches.Put(f)
}
