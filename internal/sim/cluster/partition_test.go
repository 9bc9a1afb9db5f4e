package cluster

import (
	"time"

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

	start, end    int64 // of the tail here
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
		return !x.closing && x.highWatermark == x.end
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
			x.begin(max(s.Epoch+1, ids.StreamEpoch(part.LeaderEpoch)), s.KnownEnd())
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
			x.begin(o.Epoch, o.Start)
		}
	})
}

func (x *partition) begin(epoch ids.StreamEpoch, start int64) {
	x.p.say("opens stream %d, epoch %d, at %d", x.stream, epoch, start)
	x.phase, x.epoch = loading, epoch
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
func (x *partition) produce(v value, size int, reply func(code, int64, ids.NodeID)) {
	if !x.mayAnswer() {
		reply(notLeader, 0, x.leader())
		return
	}
	known := &x.producers[v.producer]
	switch {
	case v.seq < known.seq:
		return // an old repetition, which nobody waits for
	case v.seq == known.seq && known.offset < x.highWatermark:
		x.p.w.oracle.acknowledged(x.p, x.stream, 0, known.offset, v)
		reply(ok, known.offset, x.p.id)
		return
	case v.seq == known.seq:
		x.waiting = append(x.waiting, waiter{known.offset, reply})
		return
	case v.seq > known.seq+1:
		x.p.w.oracle.gap(x, v, known)
		reply(notLeader, 0, image.NoLeader)
		return
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

// acknowledge makes a durable record visible and tells its producer.
func (p *proc) acknowledge(e *entry) {
	x := p.partitions[e.stream-1]
	if x.epoch != e.epoch {
		p.w.fail("order", "%s acknowledges under epoch %d of stream %d and is at %d", p, e.epoch, e.stream, x.epoch)
		return
	}
	x.highWatermark = e.base + 1
	p.w.oracle.acknowledged(p, e.stream, e.epoch, e.base, e.value)
	keep := x.waiting[:0]
	for _, waits := range x.waiting {
		if waits.offset > e.base {
			keep = append(keep, waits)
			continue
		}
		waits.reply(ok, waits.offset, p.id)
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
	case known != 0 && known != x.epoch:
		reply(answer{code: unknownEpoch})
	case from > x.end:
		reply(answer{code: pastEnd})
	case from < s.StartOffset:
		reply(answer{code: trimmedAway, start: s.StartOffset})
	case from >= x.highWatermark:
		reply(answer{code: ok})
	default:
		x.p.read(x.stream, from, x.highWatermark, func(found []entry) { reply(answer{code: ok, found: found}) })
	}
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
	x.p.w.counts.trims++
	x.p.submit(&image.TrimStreams{
		Node: x.p.id, NodeEpoch: x.p.epoch, Streams: []image.StreamStart{{Stream: x.stream, Epoch: x.epoch, Start: to}},
	}, nil)
}

const readMax = 6 // records

// read finds what a stream has from an offset on: in objects, in a WAL held
// here, or with whoever holds the tail. got may hear of nothing, when it is to
// be asked again, or not be called at all.
func (p *proc) read(stream ids.StreamID, from, upTo int64, got func([]entry)) {
	img := p.image()
	s, _ := img.Stream(stream)
	if from < s.CommittedEnd {
		got(p.w.readObjects(img, stream, from, min(upTo, s.CommittedEnd)))
		return
	}
	for _, t := range s.Tails {
		if from < t.Start || !t.IsOpen() && from >= t.End {
			continue
		}
		if !t.IsOpen() {
			upTo = min(upTo, t.End)
		}
		if h := p.held(t.WAL); h != nil {
			got(h.run(stream, t.Epoch, from, upTo))
			return
		}
		if !t.IsOpen() {
			p.readTail(img, stream, t, from, upTo, got)
			return
		}
	}
	got(nil)
}

// readTail asks the holder of a closed tail.
func (p *proc) readTail(img *image.Image, stream ids.StreamID, t image.Tail, from, upTo int64, got func([]entry)) {
	x, _ := img.WAL(t.WAL)
	holder, epoch := x.Holder()
	for _, peer := range p.w.procs {
		if peer.id != holder || peer.epoch != epoch {
			continue
		}
		p.w.net.send(p, peer, func() {
			h := peer.held(t.WAL)
			if h == nil {
				return
			}
			p.w.counts.tails++
			found := h.run(stream, t.Epoch, from, upTo)
			p.w.net.send(peer, p, func() { got(found) })
		})
		return
	}
	got(nil)
}

// run is what a WAL has of an opening from an offset on.
func (s *source) run(stream ids.StreamID, epoch ids.StreamEpoch, from, upTo int64) (found []entry) {
	for ; from < upTo && len(found) < readMax; from++ {
		e := s.find(stream, epoch, from)
		if e == nil {
			break
		}
		s.verify(e)
		found = append(found, *e)
	}
	return found
}

// readObjects reads what objects hold from an offset on, nil when the store
// does not answer.
func (w *world) readObjects(img *image.Image, stream ids.StreamID, from, upTo int64) (found []entry) {
	for r := range img.Ranges(stream, from) {
		o, _ := img.Object(r.Object)
		x, answers := w.store.get(o.Key)
		if !answers {
			break
		}
		if x == nil {
			w.fail("I4", "object %s of stream %d, offsets %d to %d, is not there", o.Key, stream, r.Start, r.End)
			break
		}
		for i := range x.records {
			if e := &x.records[i]; e.stream == stream && e.base == from && from < min(r.End, upTo) {
				found = append(found, *e)
				from++
			}
		}
		if len(found) >= readMax || from >= upTo {
			break
		}
	}
	return found
}
