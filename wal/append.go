package wal

import (
	"fmt"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// Record is what is appended.
type Record struct {
	Kind        walfmt.Kind
	Stream      ids.StreamID
	StreamEpoch ids.StreamEpoch
	BaseOffset  int64
	EndOffset   int64 // after the last
	// Payload is copied before Append returns.
	Payload []byte
	// PayloadCRC is the payload's CRC32C, if HasCRC says that the caller has
	// it: large payloads are then not summed again.
	PayloadCRC uint32
	HasCRC     bool
	// Hold leaves the record to gather: the caller has more to append, or holds
	// a lock that must not wait for a device, and calls Flush soon. A write
	// may start all the same, by others or when much has gathered.
	Hold bool
}

// Appended says where a record went.
type Appended struct {
	Position        int64 // of the record's header
	PayloadPosition int64
	PayloadBytes    int
}

// sumOutsideBytesMin is from where on the payload is summed before the lock is
// taken.
const sumOutsideBytesMin = 16 << 10

// Append takes a record and returns once it is in memory, in its place in the
// order. done is called when it is durable, which may be before Append
// returns. On an error nothing was taken and done is not called: ErrFull,
// ErrTooLarge, ErrClosed, or one that wraps ErrFenced.
func (l *Log) Append(rec *Record, done Completion) (Appended, error) {
	h := walfmt.RecordHeader{
		Kind: rec.Kind, Stream: rec.Stream, StreamEpoch: rec.StreamEpoch,
		BaseOffset: rec.BaseOffset, EndOffset: rec.EndOffset, PayloadBytes: uint32(len(rec.Payload)),
	}
	if err := h.Check(); err != nil {
		return Appended{}, err
	}
	sum, summed := rec.PayloadCRC, rec.HasCRC
	if !summed && len(rec.Payload) >= sumOutsideBytesMin {
		sum, summed = crc.Of(rec.Payload), true
	}
	l.mu.Lock()
	f, err := l.room(walfmt.RecordHeaderBytes + int64(len(rec.Payload)))
	if err != nil {
		l.mu.Unlock()
		return Appended{}, err
	}
	at := l.place(f, &h, rec.Payload, sum, summed)
	f.completions = append(f.completions, done)
	if rec.Hold && l.launched == len(l.queue)-1 && l.head-f.start < int64(l.cfg.GatherBytesMin) {
		l.mu.Unlock()
		return at, nil
	}
	l.startNext(!rec.Hold)
	return at, nil
}

// Flush sees to it that what was appended on Hold is on its way to the device.
// It may write in this goroutine if inline is set, which is the quickest way
// when the device is idle and fast; a caller with more to do at once leaves it
// unset, and the write to the device's workers.
func (l *Log) Flush(inline bool) {
	l.mu.Lock()
	l.startNext(inline)
}

// startNext releases mu, and starts the flush whose turn it is.
func (l *Log) startNext(inline bool) {
	alone := l.inFlight == 0
	launch := l.nextLaunch()
	inline = inline && launch != nil && alone && l.inlineFits(launch)
	l.mu.Unlock()
	l.start(launch, inline)
}

// place writes a record at the head, for which room was made.
func (l *Log) place(f *flush, h *walfmt.RecordHeader, payload []byte, sum uint32, summed bool) Appended {
	at := Appended{
		Position:        l.head,
		PayloadPosition: l.head + walfmt.RecordHeaderBytes,
		PayloadBytes:    len(payload),
	}
	known := &sum
	if !summed {
		known = nil
	}
	walfmt.EncodeRecord(&l.scratch, l.seed, l.head, h, payload, known)
	l.fill(l.scratch[:])
	l.fill(payload)
	f.digest = walfmt.AddToDigest(f.digest, h.CRC)
	f.records++
	f.bodyEnd = l.head
	l.stats.Records++
	l.stats.PayloadBytes += int64(len(payload))
	if l.cfg.Sink != nil {
		l.cfg.Sink.Appended(Entry{
			Kind: h.Kind, Stream: h.Stream, BaseOffset: h.BaseOffset, EndOffset: h.EndOffset,
			PayloadPosition: at.PayloadPosition, PayloadBytes: len(payload),
		})
	}
	return at
}

// room makes sure that n more bytes can be filled in at the head, and returns
// the flush they belong to.
func (l *Log) room(n int64) (*flush, error) {
	switch {
	case l.failed != nil:
		return nil, l.failed
	case l.closed:
		return nil, ErrClosed
	case 2*n > min(l.window, l.area.Header.Capacity):
		return nil, fmt.Errorf("%w: %d bytes, window is %d and capacity %d", ErrTooLarge, n, l.window, l.area.Header.Capacity)
	}
	f := l.gathering()
	if f != nil && l.head-f.start >= int64(l.cfg.FlushBytesMax) {
		l.seal(f)
		f = nil
	}
	if f == nil {
		n += walfmt.FlushHeaderBytes
	}
	end := walfmt.Padded(l.head+n, l.block)
	if end > l.area.EndMax(l.trimmed.Load()) || end-l.durable.Load() > l.window {
		l.stats.Full++
		return nil, ErrFull
	}
	if !l.openPages(l.head + n) {
		l.stats.Full++
		return nil, ErrFull
	}
	if f == nil {
		f = l.newFlush()
	}
	return f, nil
}

// openPages makes sure that there are pages for all positions below end. On
// false the pages gained so far are kept as spares.
func (l *Log) openPages(end int64) bool {
	missing := int((end+page.Size-1)/page.Size - l.pages.endPage())
	if missing <= 0 {
		return true
	}
	for len(l.spares) < missing {
		p := l.cfg.Pages.Page()
		if p == nil {
			return false
		}
		l.spares = append(l.spares, p)
	}
	for range missing {
		last := len(l.spares) - 1
		p := l.spares[last]
		l.spares[last] = nil
		l.spares = l.spares[:last]
		position := l.pages.push(p)
		if l.cfg.Sink != nil {
			l.cfg.Sink.Opened(position, p)
		}
	}
	l.wake()
	return true
}

// fill copies b to the head and moves the head past it.
func (l *Log) fill(b []byte) {
	for len(b) > 0 {
		n := copy(l.pages.at(l.head), b)
		b = b[n:]
		l.head += int64(n)
	}
}
