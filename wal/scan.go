package wal

import (
	"fmt"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const (
	// scanChunkBytes is one read of a scan: large, because a device's
	// bandwidth is only had by large reads.
	scanChunkBytes = 4 << 20
	// scanDepth is how many of them are in flight once a scan is under way.
	scanDepth = 4
	// eachStepBytes are looked through at a time for flush headers.
	eachStepBytes = 256 << 10
)

// scanner reads an area from a position on, ahead of its reader, in large
// parallel reads.
type scanner struct {
	area  *volume.Area
	limit int64 // nothing is read from here on

	issued int64 // positions below are read or being read
	ahead  int   // chunks to keep in flight; grows as the scan goes on
	chunks []*chunk
	spare  []*chunk
	joined []byte // for ranges that lie in more than one chunk
}

// chunkPool has the buffers of chunks.
var chunkPool = sync.Pool{New: func() any {
	b := device.Aligned(scanChunkBytes)
	return &b
}}

type chunk struct {
	position int64
	op       device.Op
	buf      *[]byte
	bytes    []byte // of buf, once done
	done     chan struct{}
}

func (c *chunk) end() int64 { return c.position + int64(len(c.bytes)) }

// newScanner starts at from, a block boundary.
func newScanner(area *volume.Area, from, limit int64) *scanner {
	return &scanner{area: area, limit: limit, issued: from, ahead: 1}
}

// bytes returns [from, to) in one piece, valid until the next call. Positions
// below from are given up. ok is false where the range passes the limit.
func (s *scanner) bytes(from, to int64) (b []byte, ok bool, err error) {
	if to > s.limit {
		return nil, false, nil
	}
	s.giveUpBelow(from)
	for s.issued < to || len(s.chunks) < s.ahead && s.issued < s.limit {
		s.issue()
	}
	first := s.chunks[0]
	if err := first.wait(); err != nil {
		return nil, false, err
	}
	if to <= first.end() {
		return first.bytes[from-first.position : to-first.position], true, nil
	}
	s.joined = s.joined[:0]
	for _, c := range s.chunks {
		if c.position >= to {
			break
		}
		if err := c.wait(); err != nil {
			return nil, false, err
		}
		s.joined = append(s.joined, c.bytes[max(from-c.position, 0):min(to, c.end())-c.position]...)
	}
	return s.joined, true, nil
}

func (c *chunk) wait() error {
	<-c.done
	return c.op.Err
}

// giveUpBelow reuses the chunks that end at or below position, and reads
// further ahead from then on.
func (s *scanner) giveUpBelow(position int64) {
	for len(s.chunks) > 0 && s.chunks[0].end() <= position {
		<-s.chunks[0].done // its buffer is the device's until then
		s.spare = append(s.spare, s.chunks[0])
		s.chunks = s.chunks[1:]
		s.ahead = min(2*s.ahead, scanDepth)
	}
}

// issue starts the next read.
func (s *scanner) issue() {
	var c *chunk
	if n := len(s.spare); n > 0 {
		c, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		c = &chunk{buf: chunkPool.Get().(*[]byte)}
	}
	offset, contiguous := s.area.Map(s.issued)
	n := min(scanChunkBytes, contiguous, s.limit-s.issued)
	c.position, c.bytes, c.done = s.issued, (*c.buf)[:n], make(chan struct{})
	done := c.done
	c.op = device.Op{Kind: device.Read, Offset: offset, Bufs: [][]byte{c.bytes}, Done: func(*device.Op) { close(done) }}
	s.issued += n
	s.chunks = append(s.chunks, c)
	s.area.Device.Submit(&c.op)
}

// close waits for reads in flight and gives back the buffers.
func (s *scanner) close() {
	for _, c := range s.chunks {
		<-c.done
		chunkPool.Put(c.buf)
	}
	for _, c := range s.spare {
		chunkPool.Put(c.buf)
	}
	s.chunks, s.spare = nil, nil
}

// flushReader decodes the flushes of one instance, one after another.
type flushReader struct {
	*scanner
	life  walfmt.Life
	block int64
	seed  walfmt.Seed
}

func newFlushReader(area *volume.Area, from int64) *flushReader {
	h := &area.Header
	return &flushReader{
		scanner: newScanner(area, from, from+h.Capacity),
		life:    h.Life, block: int64(h.BlockBytes), seed: walfmt.SeedOf(h.Instance),
	}
}

// header reads the flush header at position, without its body. An error that
// wraps walfmt.ErrInvalid says that there is none of this instance there.
func (r *flushReader) header(position int64) (walfmt.FlushHeader, error) {
	b, ok, err := r.bytes(position, position+walfmt.FlushHeaderBytes)
	if err != nil {
		return walfmt.FlushHeader{}, err
	}
	if !ok {
		return walfmt.FlushHeader{}, fmt.Errorf("%w: end of the ring", walfmt.ErrInvalid)
	}
	h, err := walfmt.DecodeFlushHeader(b)
	if err != nil {
		return walfmt.FlushHeader{}, err
	}
	return h, h.Check(walfmt.Expect{Instance: r.life.Instance, NodeEpoch: r.life.NodeEpoch, Position: position})
}

// flush reads and verifies the flush at position. The body is valid until the
// next call.
func (r *flushReader) flush(position int64) (walfmt.FlushHeader, []byte, error) {
	h, err := r.header(position)
	if err != nil {
		return h, nil, err
	}
	if h.End()-position > r.life.WindowBytes+walfmt.FlushHeaderBytes {
		return h, nil, fmt.Errorf("%w: flush of %d bytes, the window is %d", walfmt.ErrInvalid, h.End()-position, r.life.WindowBytes)
	}
	b, ok, err := r.bytes(position, h.End())
	if err != nil {
		return h, nil, err
	}
	if !ok {
		return h, nil, fmt.Errorf("%w: flush past the end of the ring", walfmt.ErrInvalid)
	}
	body := b[walfmt.FlushHeaderBytes:]
	return h, body, h.VerifyBody(r.seed, body)
}

// next is where the flush after h begins.
func (r *flushReader) next(h *walfmt.FlushHeader) int64 { return walfmt.Padded(h.End(), r.block) }

// witness looks past a hole for a flush that proves that something behind the
// hole had been acknowledged (I7): any that was written when the hole's place
// was durable already. Flush headers alone bear witness: their bodies may be
// torn. It looks no further than the window, within which every later flush
// must have one.
func (r *flushReader) witness(hole int64) (found *walfmt.FlushHeader, err error) {
	end := min(hole+r.life.WindowBytes+scanChunkBytes, r.limit)
	err = r.each(hole, end, func(h *walfmt.FlushHeader, at int64) bool {
		want := walfmt.Expect{Instance: r.life.Instance, NodeEpoch: r.life.NodeEpoch, Position: at}
		if h.DurableUpTo > hole && h.Check(want) == nil {
			found = h
		}
		return found == nil
	})
	return found, err
}

// each calls f with whatever is a sound flush header at a block of [from, to),
// of any instance and cycle, until it says no.
func (r *flushReader) each(from, to int64, f func(h *walfmt.FlushHeader, at int64) bool) error {
	for from < to {
		stop := min(from+eachStepBytes, to)
		b, _, err := r.bytes(from, stop)
		if err != nil {
			return err
		}
		for at := from; int64(len(b)) >= r.block; at, b = at+r.block, b[r.block:] {
			if !walfmt.HasFlushMagic(b) {
				continue
			}
			h, err := walfmt.DecodeFlushHeader(b)
			if err != nil && !isNoFlush(err) {
				return err
			}
			if err == nil && !f(&h, at) {
				return nil
			}
		}
		from = stop
	}
	return nil
}

// CorruptionError says that acknowledged records cannot be read back: a valid
// flush past a hole was written when the hole's place was already durable.
type CorruptionError struct {
	Instance ids.WALInstance
	// HolePosition is where the valid log ends.
	HolePosition int64
	// Reason is why it ends there.
	Reason error
	// WitnessPosition is the flush that proves it, which says that everything
	// below WitnessDurable had been durable.
	WitnessPosition int64
	WitnessDurable  int64
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("WAL instance %s is corrupt: no valid flush at position %d (%v), but the flush at position %d was written when everything below %d was durable: acknowledged records are lost or damaged; nothing was changed; look with: seawall wal dump",
		e.Instance, e.HolePosition, e.Reason, e.WitnessPosition, e.WitnessDurable)
}
func (e *CorruptionError) Unwrap() error { return e.Reason }
