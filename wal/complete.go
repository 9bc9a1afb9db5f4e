package wal

import (
	"fmt"
	"time"

	"github.com/seawallmq/seawall/wal/fence"
)

// partWritten takes the answer of one device write. When it was the flush's
// last, the next flush is started, and then the completions of the durable
// prefix are run, if nobody else runs them.
func (l *Log) partWritten(f *flush, err error) {
	l.mu.Lock()
	if err != nil && f.err == nil {
		f.err = err
	}
	if f.unsaid--; f.unsaid > 0 {
		l.mu.Unlock()
		return
	}
	f.written = true
	l.inFlight--
	took := l.cfg.Clock.Now().Sub(f.launchedAt)
	l.noteLatency(f, took)
	if l.failed == nil && f.err != nil {
		l.fail(f.err)
	}
	if l.failed == nil {
		l.noteWritten(f, took)
		l.advance()
	} else {
		l.noteProgress()
	}
	next := l.nextLaunch()
	l.mu.Unlock()

	l.start(next, false)
	l.deliver()
}

func (l *Log) noteWritten(f *flush, took time.Duration) {
	l.stats.Flushes++
	l.stats.FlushBytes += int64(f.bytes())
	if f.inline {
		l.stats.InlineFlushes++
	}
	if l.cfg.Observe != nil {
		l.cfg.Observe(FlushInfo{Bytes: f.bytes(), Records: int(f.records), Took: took, Inline: f.inline})
	}
}

// advance moves the durable prefix over every written flush at the front of
// the queue.
func (l *Log) advance() {
	n := 0
	for n < l.launched && l.queue[n].written {
		n++
	}
	if n == 0 {
		return
	}
	l.durable.Store(l.queue[n-1].end)
	l.ready = append(l.ready, l.queue[:n]...)
	kept := copy(l.queue, l.queue[n:])
	clear(l.queue[kept:])
	l.queue = l.queue[:kept]
	l.launched -= n
	l.pages.releaseBelow(l.durable.Load())
	l.noteProgress()
}

// deliver runs the completions of ready flushes, in order, until none is left.
// One goroutine does so at a time; others leave theirs to it.
func (l *Log) deliver() {
	l.mu.Lock()
	if l.running || len(l.ready) == 0 {
		l.mu.Unlock()
		return
	}
	l.running = true
	var batch []*flush
	for len(l.ready) > 0 {
		batch, l.ready = l.ready, l.spareReady(batch)
		l.mu.Unlock()
		l.acknowledge(batch)
		l.mu.Lock()
		for _, f := range batch {
			l.recycle(f)
		}
	}
	l.readyReuse = batch
	l.running = false
	l.noteProgress()
	l.mu.Unlock()
}

// spareReady is an empty slice for ready to go on with while batch is run.
func (l *Log) spareReady(batch []*flush) []*flush {
	if batch == nil {
		batch, l.readyReuse = l.readyReuse, nil
	}
	clear(batch)
	return batch[:0]
}

// acknowledge asks the fence once for the batch and tells every record's fate.
func (l *Log) acknowledge(batch []*flush) {
	var fenced error
	if batch[0].err == nil {
		fenced = l.checkFence()
	}
	for _, f := range batch {
		err := f.err
		if err == nil {
			err = fenced
		}
		for _, done := range f.completions {
			done.Durable(err)
		}
	}
}

// checkFence asks, after the durable write and before the acknowledgement,
// whether the log is still ours (I6).
func (l *Log) checkFence() error {
	cause := l.cfg.Fence.Check()
	if cause == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail(cause)
	return l.failed
}

// Fail fences the log for good, as a failed write does: its node has lost it.
func (l *Log) Fail(cause error) {
	l.mu.Lock()
	l.fail(cause)
	l.mu.Unlock()
	l.deliver()
}

// fail fences the log for good (I8): whatever is not acknowledged by now gets
// the error, whether or not its bytes will turn out to be durable. The caller
// delivers.
func (l *Log) fail(cause error) {
	if l.failed != nil {
		return
	}
	l.failed = fmt.Errorf("%w: %w", ErrFenced, fence.WriteError(cause))
	for _, f := range l.queue {
		// The device may still use f's operations, and its pages: both are
		// left to it for good.
		l.ready = append(l.ready, &flush{completions: f.completions, err: l.failed})
		f.completions = nil
	}
	l.queue, l.launched = nil, 0
	l.noteProgress()
	l.wake()
}

// hungError is the cause when a write did not return in time.
type hungError struct {
	position int64
	after    time.Duration
}

func (e *hungError) Error() string {
	return fmt.Sprintf("write at position %d did not return within %s", e.position, e.after)
}

// watch arms the watchdog while something is in flight. Its period bounds how
// late a hang is noticed; re-arming only when it fires keeps the hot path free
// of timers.
func (l *Log) watch() {
	if l.watching {
		return
	}
	l.watching = true
	l.cfg.Clock.AfterFunc(l.cfg.HangTimeout/4, l.checkHung)
}

func (l *Log) checkHung() {
	l.mu.Lock()
	l.watching = false
	if l.failed != nil || l.inFlight == 0 && !l.zero.writing() {
		l.mu.Unlock()
		return
	}
	now := l.cfg.Clock.Now()
	if took := now.Sub(l.zero.since); l.zero.writing() && took >= l.cfg.HangTimeout {
		l.hung = true // flushes may wait for it that are not in flight
		l.fail(&hungError{position: l.zero.from, after: took})
	}
	for _, f := range l.queue[:l.launched] {
		if took := now.Sub(f.launchedAt); !f.written && took >= l.cfg.HangTimeout {
			l.hung = true
			l.fail(&hungError{position: f.start, after: took})
			break
		}
	}
	if l.failed == nil {
		l.watch()
	}
	l.mu.Unlock()
	l.deliver()
}
