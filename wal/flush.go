package wal

import (
	"time"

	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// flush is one group commit: gathering at the tail of the queue, then sealed,
// then launched, then written. It is reused.
type flush struct {
	start       int64
	bodyEnd     int64 // after the last record
	end         int64 // padded; zero while gathering
	records     uint32
	digest      uint32
	completions []Completion

	launchedAt time.Time
	inline     bool
	// A flush is one device write, or two where the ring comes round.
	ops     [2]device.Op
	parts   int
	unsaid  int   // parts whose completion is outstanding
	err     error // of a part, or why it failed as a whole
	written bool
}

func (f *flush) bytes() int { return int(f.end - f.start) }

// gathering is the flush that records are added to, or nil.
func (l *Log) gathering() *flush {
	if n := len(l.queue); n > 0 && l.queue[n-1].end == 0 {
		return l.queue[n-1]
	}
	return nil
}

// newFlush opens a flush at the head, which is at a block boundary. Its header
// is left blank until it is launched.
func (l *Log) newFlush() *flush {
	var f *flush
	if n := len(l.idle); n > 0 {
		f, l.idle = l.idle[n-1], l.idle[:n-1]
	} else {
		f = l.makeFlush()
	}
	f.start, f.bodyEnd, f.end = l.head, 0, 0
	f.records, f.digest = 0, 0
	f.err, f.written = nil, false
	l.head += walfmt.FlushHeaderBytes
	l.queue = append(l.queue, f)
	return f
}

func (l *Log) makeFlush() *flush {
	f := &flush{}
	for i := range f.ops {
		f.ops[i].Done = func(op *device.Op) { l.partWritten(f, op.Err) }
	}
	return f
}

// recycle takes a flush back when its completions were run.
func (l *Log) recycle(f *flush) {
	clear(f.completions)
	f.completions = f.completions[:0]
	for i := range f.ops {
		clear(f.ops[i].Bufs)
		f.ops[i].Bufs = f.ops[i].Bufs[:0]
	}
	if len(l.idle) < 2*l.cfg.Depth {
		l.idle = append(l.idle, f)
	}
}

// seal closes a flush to further records and pads it with zeros to the block
// boundary. Pages come with stale bytes, which must not reach the device.
func (l *Log) seal(f *flush) {
	f.end = walfmt.Padded(l.head, l.block)
	if pad := f.end - l.head; pad > 0 {
		clear(l.pages.at(l.head)[:pad])
	}
	l.head = f.end
}

// nextLaunch picks the flush to be written now, if there is one, and prepares
// it. The caller, having released mu, starts it.
func (l *Log) nextLaunch() *flush {
	if l.failed != nil || l.launched == len(l.queue) || l.inFlight >= l.cfg.Depth {
		return nil
	}
	f := l.queue[l.launched]
	if f.end == 0 {
		if l.gathers(l.head - f.start) {
			return nil
		}
		l.seal(f)
	}
	if l.zero.blocks(f.start, f.end) {
		return nil // the zeroer launches it when it is out of the way
	}
	l.prepare(f)
	return f
}

// slowDepth is how many small writes a slow device is given at a time: a cloud
// volume answers in about a millisecond and counts operations, so more would
// use up its IOPS and gain little.
const slowDepth = 3

// gathers says whether so many bytes wait for a write in flight, rather than
// become one more.
func (l *Log) gathers(bytes int64) bool {
	depth := slowDepth
	if l.isFast() {
		depth = 1
	}
	return l.inFlight >= depth && bytes < int64(l.cfg.GatherBytesMin)
}

// prepare fills in the header and the operations of a sealed flush.
func (l *Log) prepare(f *flush) {
	h := walfmt.FlushHeader{
		Instance: l.area.Header.Instance, NodeEpoch: l.area.Header.NodeEpoch,
		Position: f.start, DurableUpTo: l.durable.Load(),
		BodyBytes: uint32(f.bodyEnd - f.start - walfmt.FlushHeaderBytes),
		Records:   f.records, BodyDigest: f.digest,
	}
	h.Encode(l.pages.at(f.start))
	f.parts, f.ops[1].Took = 0, 0
	for at := f.start; at < f.end; {
		offset, contiguous := l.area.Map(at)
		to := min(f.end, at+contiguous)
		op := &f.ops[f.parts]
		op.Kind, op.Offset, op.Err, op.Took = device.Write, offset, nil, 0
		op.Bufs = l.pages.appendSlices(op.Bufs, at, to)
		f.parts++
		at = to
	}
	f.unsaid = f.parts
	f.inline = false
	f.launchedAt = l.cfg.Clock.Now()
	l.launched++
	l.inFlight++
	l.watch()
}

// isFast says whether the device answers small writes so quickly that waiting
// for it costs less than handing over, and gathering less than one more write.
func (l *Log) isFast() bool { return l.latency < l.cfg.InlineLatencyMax }

func (l *Log) inlineFits(f *flush) bool { return f.bytes() <= l.cfg.InlineBytesMax && l.isFast() }

// start writes a prepared flush, in this goroutine or the device's. It takes
// nil for nothing to do. It is called without locks.
func (l *Log) start(f *flush, inline bool) {
	if f == nil {
		return
	}
	f.inline = inline
	parts := f.parts // f may be reused as soon as its last part is started
	for i := range parts {
		op := &f.ops[i]
		if inline && l.area.Device.Inline(op) {
			l.partWritten(f, op.Err)
		} else {
			l.area.Device.Submit(op)
		}
	}
}

// noteLatency keeps an estimate of the median time of small writes. The median,
// and the device's own time where it tells: on a busy machine a mean says more
// about the scheduler than about the device, and taking a fast device for a
// slow one makes the machine busier still.
func (l *Log) noteLatency(f *flush, took time.Duration) {
	if f.bytes() > l.cfg.InlineBytesMax {
		return
	}
	if own := max(f.ops[0].Took, f.ops[1].Took); own > 0 {
		took = own
	}
	const steps = 16
	step := l.latency/steps + time.Microsecond
	switch {
	case l.latency == 0: // fast until shown otherwise
		l.latency = min(took, l.cfg.InlineLatencyMax/2)
	case took > l.latency:
		l.latency = min(l.latency+step, took)
	default:
		l.latency = max(l.latency-step, took)
	}
}
