package logcache

import (
	"fmt"

	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// fromLog serves the first entry of plan, and those that lie close behind it,
// by one read of the log. It returns how many it served, 0 when the read ended
// within a stretch.
func (r *read) fromLog(plan []entry) (n int, err error) {
	start := plan[0].start()
	var ended bool
	if plan[0].isStretch() && plan[0].span > readRunBytesMax {
		n = 1
		ended, err = r.walkLong(&plan[0])
	} else {
		n, ended, err = r.fromRun(plan)
	}
	switch {
	case err != nil && start < r.w.trimmed.Load():
		return 0, ErrNotHere // uploaded, evicted and overwritten while we looked
	case err != nil:
		return 0, err
	case ended:
		return 0, nil
	}
	return n, nil
}

// fromRun reads entries that lie close together at once.
func (r *read) fromRun(plan []entry) (n int, ended bool, err error) {
	start, stop, n := plan[0].start(), plan[0].stop(), 1
	for ; n < len(plan); n++ {
		next := &plan[n]
		if next.start()-stop > readGapBytesMax || next.stop()-start > readRunBytesMax {
			break
		}
		stop = next.stop()
	}
	b, err := r.readLog(start, stop)
	if err != nil {
		return 0, false, err
	}
	for i := range plan[:n] {
		e := &plan[i]
		walk := walfmt.WalkLog(e.start(), b[e.start()-start:e.stop()-start])
		if ended, err := r.take(&walk); ended || err != nil {
			return 0, ended, err
		}
		if r.NextOffset != e.end {
			return 0, false, r.missing(e)
		}
	}
	return n, false, nil
}

// walkLong walks a stretch that is too long to be read at once, piece by piece,
// from where the last read of the stream left it.
func (r *read) walkLong(e *entry) (ended bool, err error) {
	at, piece := r.resume(e), int64(readRunBytesMax)
	for at < e.stop() {
		b, err := r.readLog(at, min(at+piece, e.stop()))
		if err != nil {
			return false, err
		}
		before := len(r.Segments)
		walk := walfmt.WalkLog(at, b)
		ended, err := r.take(&walk)
		next, need := walk.Position(), int64(readRunBytesMax)
		if next == at && err == nil && !ended {
			need, err = r.longer(e, b)
		}
		if len(r.Segments) == before {
			r.dropLastBuffer() // b is not ours any more
		}
		if ended || err != nil {
			return ended, err
		}
		at, piece = next, need
	}
	if r.NextOffset != e.end {
		return false, r.missing(e)
	}
	return false, nil
}

// longer is how many bytes the record takes that b begins with and is too short
// for: its header says.
func (r *read) longer(e *entry, b []byte) (int64, error) {
	h, err := walfmt.DecodeRecordHeader(b)
	need := walfmt.RecordHeaderBytes + int64(h.PayloadBytes)
	if err != nil || need <= int64(len(b)) {
		return 0, r.missing(e)
	}
	return need, nil
}

func (r *read) missing(e *entry) error {
	return fmt.Errorf("%w: stream %d, offset %d is missing at positions %d to %d", ErrCorrupt, r.stream, r.NextOffset, e.start(), e.stop())
}

// resume is where to begin to walk a stretch.
func (r *read) resume(e *entry) int64 {
	s := r.w.stream(r.stream)
	if s == nil {
		return e.start()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resumeOffset == r.NextOffset && s.resumeAt >= e.start() && s.resumeAt < e.stop() {
		return s.resumeAt
	}
	return e.start()
}

// leave notes where the next read is likely to begin.
func (r *read) leave(offset, position int64) {
	if s := r.w.stream(r.stream); s != nil {
		s.mu.Lock()
		s.resumeOffset, s.resumeAt = offset, position
		s.mu.Unlock()
	}
}

// readLog reads a stretch of the log into a buffer of the result's, with
// aligned ends, so that the device reads into the buffer itself.
func (r *read) readLog(start, stop int64) ([]byte, error) {
	from, to := start&^(readAlign-1), walfmt.Padded(stop, readAlign)
	var buf []byte
	if n := int(to - from); n <= runBytes {
		buf = (*runPool.Get().(*[]byte))[:n]
	} else {
		buf = device.Aligned(n)
	}
	r.bufs = append(r.bufs, buf)
	if err := r.w.source.ReadAt(buf, from); err != nil {
		return nil, err
	}
	return buf[start-from : stop-from], nil
}

// take adds the wanted records that the walk meets, to its end. It says
// whether bytesMax or upTo ended the read before.
func (r *read) take(walk *walfmt.Walker) (ended bool, err error) {
	for {
		rec, ok := walk.Next()
		if !ok {
			return false, nil
		}
		if rec.Stream != r.stream || rec.Kind != walfmt.KindData || rec.EndOffset <= r.from {
			continue
		}
		if rec.BaseOffset >= r.upTo || !r.fits(len(rec.Payload), r.Bytes) {
			r.leave(rec.BaseOffset, rec.Position)
			return true, nil
		}
		if !rec.Verify(r.w.seed) || rec.BaseOffset > r.NextOffset {
			return false, fmt.Errorf("%w: stream %d, position %d", ErrCorrupt, r.stream, rec.Position)
		}
		r.Segments = append(r.Segments, rec.Payload)
		r.add(rec.EndOffset, len(rec.Payload))
	}
}
