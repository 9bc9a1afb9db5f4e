package cluster

import (
	"math"
	"time"

	partitions "github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// partition is one partition on one process, which leads it or does not.
type partition struct {
	p      *proc
	index  int32
	stream ids.StreamID
	phase  partitionPhase
	epoch  ids.StreamEpoch // of its opening here

	known         *image.Image // when it was opened
	start, end    int64        // of the tail here
	highWatermark int64
	producers     [producersMax]produced // what is known of each, appended or loaded
	waiting       []waiter

	loaded  int64         // producers are known up to here
	asked   time.Duration // when a peer was asked, 0 when none is
	closing bool          // CloseStreams is under way
}

// produced is a producer's latest record, as idempotence needs it.
type produced struct {
	seq    uint32
	offset int64
}

// waiter waits for a record to be acknowledged.
type waiter struct {
	offset int64
	reply  func(code code, offset int64, leader ids.NodeID)
}

type partitionPhase uint8

const (
	notLed  partitionPhase = iota
	opening                // OpenStreams is under way
	loading                // learns from the log what producers have sent
	leading
	handingOff // appends are refused; closes when all is acknowledged
)

// code is what a client is answered.
type code uint8

const (
	ok code = iota
	notLeader
	tryAgain
	pastEnd
	trimmedAway // the answer says where the log begins
	unknownEpoch
	outOfOrder // records of the producer before this one are missing
)

// answer is what a fetch gets.
type answer struct {
	code   code
	leader ids.NodeID // as far as the node knows
	start  int64
	found  []entry
}

func (x *partition) canStep() bool {
	switch x.phase {
	case loading:
		return x.asked == 0 || x.p.w.now-x.asked > callTimeout
	case handingOff:
		return !x.closing && (x.highWatermark == x.end || x.p.log.failed && x.p.log.isSettled())
	}
	return false
}

// govern compares what the metadata asks for with what is.
func (x *partition) govern(img *image.Image) {
	part, _ := img.Partition(topicID, x.index)
	leads := part.Leader == x.p.id
	switch x.phase {
	case notLed:
		if leads && x.p.log != nil {
			x.open(img, part)
		}
	case loading, leading:
		// The epoch too: it was given away and back before this node heard of it,
		// and others know it by the new one.
		if !leads || x.epoch != ids.StreamEpoch(part.LeaderEpoch) {
			x.p.say("hands off stream %d at %d", x.stream, x.end)
			x.phase = handingOff
			x.closing = false
		}
	}
}

// open asks for the stream once its last tail is closed.
func (x *partition) open(img *image.Image, part *image.Partition) {
	s, _ := img.Stream(x.stream)
	if _, isOpen := s.OpenTail(); isOpen {
		if x.p.w.mistake == openBeforeClose {
			x.begin(img, max(s.Epoch+1, ids.StreamEpoch(part.LeaderEpoch)), s.KnownEnd())
		}
		return // the image that closes it will come
	}
	x.phase = opening
	x.p.submit(&image.OpenStreams{
		Node: x.p.id, NodeEpoch: x.p.epoch, WAL: x.p.log.life.Instance,
		Streams: []image.OpenStream{{Stream: x.stream, Expected: s.Epoch}},
	}, func(r image.Result, refused *image.Refusal) {
		x.phase = notLed
		x.p.restless = true
		if refused != nil {
			return
		}
		if o := r.(*image.OpenedStreams).Streams[0]; o.Refused == image.NotRefused {
			x.begin(img, o.Epoch, o.Start)
		}
	})
}

func (x *partition) begin(img *image.Image, epoch ids.StreamEpoch, start int64) {
	x.p.say("opens stream %d, epoch %d, at %d", x.stream, epoch, start)
	x.phase, x.epoch, x.known = loading, epoch, img
	x.start, x.end, x.highWatermark = start, start, start
	x.loaded, x.asked = 0, 0
	x.producers = [producersMax]produced{}
	x.waiting = nil
}

func (x *partition) step() {
	switch x.phase {
	case loading:
		x.load()
	case handingOff:
		x.close()
	}
}

// load reads the log up to where the tail begins: what was acknowledged by
// others must be known before anything is appended.
func (x *partition) load() {
	s, _ := x.p.image().Stream(x.stream)
	x.loaded = max(x.loaded, s.StartOffset)
	x.loaded, _ = x.p.image().LostUpTo(x.stream, x.loaded)
	if x.loaded >= x.start {
		x.phase = leading
		return
	}
	epoch, from := x.epoch, x.loaded
	x.asked = x.p.w.now
	x.p.read(x.stream, from, x.start, func(found []entry) {
		if x.epoch != epoch || x.phase != loading || x.loaded != from {
			return
		}
		x.asked = 0
		for i := range found {
			x.loaded = found[i].base + 1
			x.producers[found[i].value.producer] = produced{found[i].value.seq, found[i].base}
		}
	})
}

// close ends the tail, so that the next leader may open.
func (x *partition) close() {
	x.closing = true
	if x.highWatermark < x.end && x.p.w.mistake != closeAtAppended { // the rest will not become durable, or nobody will know of it
		s, _ := x.p.image().Stream(x.stream)
		x.end = max(x.highWatermark, s.CommittedEnd)
		x.p.w.saw(evClosedShort)
	}
	x.p.submit(&image.CloseStreams{
		Node: x.p.id, NodeEpoch: x.p.epoch, Streams: []image.StreamEnd{{Stream: x.stream, Epoch: x.epoch, End: x.end}},
	}, func(image.Result, *image.Refusal) {
		x.phase = notLed
		x.p.restless = true
	})
}

// mayAnswer says whether clients are served here.
func (x *partition) mayAnswer() bool { return x.phase == leading && x.p.hasLease() }

// leader is who leads as far as this process knows.
func (x *partition) leader() ids.NodeID {
	part, _ := x.p.image().Partition(topicID, x.index)
	return part.Leader
}

// produce appends a record, unless it has it.
func (x *partition) produce(v value, size int, anew bool, reply func(code, int64, ids.NodeID)) {
	if !x.mayAnswer() {
		x.p.w.saw(evNotLeader)
		reply(notLeader, 0, x.leader())
		return
	}
	known := &x.producers[v.producer]
	switch {
	case v.seq < known.seq:
		return // an old repetition, which nobody waits for
	case v.seq == known.seq && x.isLost(known.offset):
		if !anew {
			reply(outOfOrder, 0, x.p.id)
			return
		}
	case v.seq == known.seq && known.offset < x.highWatermark:
		x.p.w.saw(evRepetition)
		x.p.w.oracle.acknowledged(x.p, x.stream, 0, known.offset, v)
		reply(ok, known.offset, x.p.id)
		return
	case v.seq == known.seq:
		x.waiting = append(x.waiting, waiter{known.offset, reply})
		return
	case v.seq > known.seq+1:
		x.p.w.oracle.skipped(x, v, known)
		if !anew {
			reply(outOfOrder, 0, x.p.id)
			return
		}
	}
	e := entry{stream: x.stream, epoch: x.epoch, base: x.end, value: v, size: size}
	if !x.p.log.append(e) {
		reply(tryAgain, 0, x.p.id)
		return
	}
	*known = produced{v.seq, x.end}
	x.waiting = append(x.waiting, waiter{x.end, reply})
	x.end++
}

// isLost says whether a record was lost with a WAL that was given up, as far as
// the process knows.
func (x *partition) isLost(offset int64) bool {
	_, lost := x.p.image().LostUpTo(x.stream, offset)
	return lost && x.p.w.mistake != repeatLost
}

// acknowledge makes a durable record visible and tells its producer.
func (p *proc) acknowledge(e *entry) {
	x := p.partitions[e.stream-1]
	if x.epoch != e.epoch {
		p.w.fail("order", "%s acknowledges under epoch %d of stream %d and is at %d", p, e.epoch, e.stream, x.epoch)
		return
	}
	x.highWatermark = e.base + 1
	p.w.oracle.shows(e.stream, e.base)
	answer := ok
	if p.hasLease() || p.w.mistake == ackPastLease {
		p.w.oracle.acknowledged(p, e.stream, e.epoch, e.base, e.value)
	} else {
		p.w.saw(evAckHeldBack)
		answer = notLeader
	}
	keep := x.waiting[:0]
	for _, waits := range x.waiting {
		if waits.offset > e.base {
			keep = append(keep, waits)
			continue
		}
		waits.reply(answer, waits.offset, p.id)
	}
	x.waiting = keep
}

// fetch answers a consumer. known is the leader epoch it knows, 0 if it tells
// none.
func (x *partition) fetch(from int64, known ids.StreamEpoch, reply func(answer)) {
	s, _ := x.p.image().Stream(x.stream)
	switch {
	case !x.mayAnswer():
		reply(answer{code: notLeader, leader: x.leader()})
	case known != 0 && known != x.epoch && !x.hidesEpoch():
		x.p.w.saw(evUnknownEpoch)
		reply(answer{code: unknownEpoch})
	case from > x.end:
		reply(answer{code: pastEnd})
	case from < s.StartOffset:
		x.p.w.saw(evTrimmedAway)
		reply(answer{code: trimmedAway, start: s.StartOffset})
	case from >= x.highWatermark:
		reply(answer{code: ok})
	default:
		x.p.read(x.stream, from, x.highWatermark, func(found []entry) { reply(answer{code: ok, found: found}) })
	}
}

// endOf answers up to where the log has records of an epoch or of earlier ones,
// and of which epoch the last of them is.
func (x *partition) endOf(epoch, known ids.StreamEpoch, reply func(code, ids.StreamEpoch, int64)) {
	switch {
	case !x.mayAnswer():
		reply(notLeader, 0, 0)
	case known != x.epoch:
		reply(unknownEpoch, 0, 0)
	case x.p.w.mistake == tellNobody:
		reply(ok, epoch, math.MaxInt64)
	default:
		last, end := partitions.EndOffsetForEpoch(x.known, x.stream, int32(x.epoch), x.start, int32(epoch), x.highWatermark)
		reply(ok, ids.StreamEpoch(last), end)
	}
}

// hidesEpoch lets clients take a leader after the loss of the stream's end for
// the one before: a planted mistake.
func (x *partition) hidesEpoch() bool {
	return x.p.w.mistake == sameEpoch && len(x.p.w.oracle.logs[x.stream-1].cuts) > 0
}

// trim deletes records, but for the latest of each producer, which a leader in
// the model knows from the log alone.
func (x *partition) trim() {
	to := x.highWatermark
	for _, known := range x.producers {
		switch {
		case known.seq == 0:
		case known.offset >= x.highWatermark: // it may be lost yet, and the one before counts
			return
		default:
			to = min(to, known.offset)
		}
	}
	s, _ := x.p.image().Stream(x.stream)
	if x.phase != leading || to <= s.StartOffset {
		return
	}
	to -= x.p.w.rng.Int64N(to - s.StartOffset)
	x.p.w.oracle.trims(x.stream, to)
	x.p.w.saw(evTrim)
	x.p.submit(&image.TrimStreams{
		Node: x.p.id, NodeEpoch: x.p.epoch, Streams: []image.StreamStart{{Stream: x.stream, Epoch: x.epoch, Start: to}},
	}, nil)
}
