package wal

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/internal/invariant"
)

// spacePoll is how often WaitSpace looks again for what it is not told of: a
// page given back by a reader, an older instance removed.
const spacePoll = 5 * time.Millisecond

// Trim lets the space below upTo be overwritten. upTo must have been returned
// by DurableUpTo, and the metadata must have committed it (I3).
func (l *Log) Trim(upTo int64) {
	invariant.Check(upTo <= l.durable.Load() && upTo%l.block == 0, "wal: trim at %d, durable up to %d", upTo, l.durable.Load())
	l.mu.Lock()
	if upTo > l.trimmed.Load() {
		l.trimmed.Store(upTo)
		l.noteProgress()
	}
	l.mu.Unlock()
	l.wake()
}

// WaitSpace returns when an append that got ErrFull is worth another try; with
// ctx's error when that is done, or the log's when it can never be.
func (l *Log) WaitSpace(ctx context.Context) error {
	l.mu.Lock()
	if l.failed != nil || l.closed {
		err := l.failed
		l.mu.Unlock()
		if err == nil {
			err = ErrClosed
		}
		return err
	}
	progress := l.progressChan()
	l.mu.Unlock()

	poll := make(chan struct{})
	timer := l.cfg.Clock.AfterFunc(spacePoll, func() { close(poll) })
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-progress:
	case <-poll:
	}
	return nil
}

// Stats is a snapshot of a log's counters.
type Stats struct {
	Records       int64
	PayloadBytes  int64
	Flushes       int64
	InlineFlushes int64 // written by the appender
	FlushBytes    int64 // with headers and padding
	ZeroedBytes   int64 // written ahead of the head
	Full          int64 // appends refused with ErrFull

	HeadPosition    int64
	DurablePosition int64
	TrimmedPosition int64
	InFlight        int           // device writes
	WriteLatency    time.Duration // moving median of small writes
}

// Stats returns a snapshot.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.HeadPosition, s.DurablePosition, s.TrimmedPosition = l.head, l.durable.Load(), l.trimmed.Load()
	s.InFlight, s.WriteLatency = l.inFlight, l.latency
	return s
}
