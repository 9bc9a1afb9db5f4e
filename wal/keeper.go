package wal

import (
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const (
	// sparePages are held ready, touched, for the head to enter.
	sparePages = 2
	// zeroChunkBytes is one write of zeros: small, so that an append behind it
	// hardly feels it, and large enough to be worth its journal commit.
	zeroChunkBytes = 256 << 10
	// zeroFirstBytes are zeroed before a log is handed out.
	zeroFirstBytes = 2 << 20
	// zeroRestMax bounds the rest after a write of zeros.
	zeroRestMax = time.Second
	// zeroGuardBytes is how far ahead of the head a write of zeros must stay.
	zeroGuardBytes = 4 << 20
	// hintEveryBytes is how much is trimmed between two writes of the hint.
	hintEveryBytes = 64 << 20
)

// wake tells the keeper that there may be something to do.
func (l *Log) wake() {
	select {
	case l.wakeKeeper <- struct{}{}:
	default:
	}
}

// keep does what must not be done on the way of an append, until the log is
// closed or fenced.
func (l *Log) keep() {
	defer close(l.keeperDone)
	hinted := int64(0)
	for range l.wakeKeeper {
		for l.alive() && l.keepSpare() {
		}
		for l.alive() && l.zeroAhead() {
		}
		if !l.alive() {
			return
		}
		if t := l.trimmed.Load(); t-hinted >= hintEveryBytes {
			// Only a hint (I3): what fails here fails on the next append too.
			_ = l.area.WriteTrimHint(t)
			hinted = t
		}
	}
}

func (l *Log) alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed && l.failed == nil
}

// keepSpare adds one spare page if there are too few, and says whether to look
// again. The page is got without the lock: a fresh one is slow to touch.
func (l *Log) keepSpare() bool {
	l.mu.Lock()
	enough := len(l.spares) >= sparePages
	l.mu.Unlock()
	if enough {
		return false
	}
	p := l.cfg.Pages.Page()
	if p == nil {
		return false
	}
	l.mu.Lock()
	l.spares = append(l.spares, p)
	l.mu.Unlock()
	return true
}

// zeroer writes zeros ahead of the head in the first cycle of a file, whose
// space was only allocated: a durable write into written space changes no
// file-system metadata and takes half the time.
type zeroer struct {
	upTo     int64 // zeroed, or passed by the head
	from, to int64 // being zeroed; equal when none
	since    time.Time
	limit    int64 // end of the first cycle; 0 if zeroing does not pay
	chunk    []byte
}

func (z *zeroer) init(l *Log) {
	if l.area.Device.Geometry().ZeroAhead {
		z.limit = l.area.Header.Capacity
		z.chunk = device.Aligned(zeroChunkBytes)
	}
}

// blocks says whether zeros are in flight to a part of [start, end). Such a
// flush waits, or the zeros might land after it.
func (z *zeroer) blocks(start, end int64) bool { return start < z.to && z.from < end }

func (z *zeroer) writing() bool { return z.from < z.to }

// next picks the next chunk to be zeroed.
func (z *zeroer) next(head, ahead, endMax int64) bool {
	from := z.upTo
	if head > 0 {
		from = max(from, walfmt.Padded(head+zeroGuardBytes, zeroChunkBytes))
	}
	to := from + zeroChunkBytes
	if to > min(head+ahead, z.limit, endMax) {
		return false
	}
	z.from, z.to = from, to
	return true
}

// zeroFirst zeroes what the first appends will meet.
func (l *Log) zeroFirst() error {
	for l.zero.upTo < zeroFirstBytes {
		if more, _, err := l.zeroChunk(); err != nil || !more {
			return err
		}
	}
	return nil
}

// zeroAhead zeroes one chunk and rests in proportion, the longer the further
// ahead it is. It says whether to look again.
func (l *Log) zeroAhead() bool {
	more, took, err := l.zeroChunk()
	if err != nil {
		l.mu.Lock()
		l.fail(err)
		l.mu.Unlock()
		l.deliver()
		return false
	}
	if !more {
		return false
	}
	l.mu.Lock()
	lead := l.zero.upTo - l.head
	l.mu.Unlock()
	if lead > l.cfg.ZeroAheadBytes/4 {
		// A write that took very long says that the process was paused meanwhile.
		_ = clock.Sleep(l.resting, l.cfg.Clock, min(3*took, zeroRestMax)) // ends with Close
	}
	return true
}

// zeroChunk zeroes the next chunk, if one is due.
func (l *Log) zeroChunk() (more bool, took time.Duration, err error) {
	l.mu.Lock()
	if !l.zero.next(l.head, l.cfg.ZeroAheadBytes, l.area.EndMax(l.trimmed.Load())) {
		l.mu.Unlock()
		return false, 0, nil
	}
	from, to := l.zero.from, l.zero.to
	began := l.cfg.Clock.Now()
	l.zero.since = began
	l.watch()
	l.mu.Unlock()

	offset, _ := l.area.Map(from)
	err = device.Do(l.area.Device, &device.Op{Kind: device.Write, Offset: offset, Bufs: [][]byte{l.zero.chunk}})
	took = l.cfg.Clock.Now().Sub(began)

	l.mu.Lock()
	l.zero.from, l.zero.to, l.zero.upTo = 0, 0, to
	l.stats.ZeroedBytes += to - from
	launch := l.nextLaunch()
	l.mu.Unlock()
	l.start(launch, false)
	return true, took, err
}
