package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrSummaryVersion means a summary that a newer version wrote.
var ErrSummaryVersion = errors.New("unsupported summary version")

const summaryVersion = 1

// Flags of a summary, of a producer and of an aborted transaction.
const (
	flagSeeded   = 1
	flagComplete = 2

	flagTxnOpen      = 1
	flagTxnUncertain = 2

	flagAbortedUncertain = 1
)

// flag returns bit if set is true.
func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

// AppendTo appends the summary to dst in the format of the package comment.
func (s *Summary) AppendTo(dst []byte) []byte {
	dst = append(dst, summaryVersion, flag(s.Seeded, flagSeeded)|flag(s.ProducersComplete, flagComplete))
	dst = binary.AppendUvarint(dst, uint64(s.BaseOffset))
	dst = binary.AppendUvarint(dst, uint64(s.NextOffset-s.BaseOffset))
	dst = binary.AppendVarint(dst, s.MaxTimestamp)
	dst = binary.AppendUvarint(dst, uint64(s.MaxTimestampBase-s.BaseOffset))

	dst = binary.AppendUvarint(dst, uint64(len(s.Epochs)))
	before := EpochStart{StartOffset: s.BaseOffset}
	for _, e := range s.Epochs {
		dst = binary.AppendVarint(dst, int64(e.Epoch)-int64(before.Epoch))
		dst = binary.AppendUvarint(dst, uint64(e.StartOffset-before.StartOffset))
		before = e
	}

	dst = binary.AppendUvarint(dst, uint64(len(s.Times)))
	last := TimeEntry{BaseOffset: s.BaseOffset, MaxTimestamp: s.MaxTimestamp}
	for _, e := range s.Times {
		dst = binary.AppendUvarint(dst, uint64(e.BaseOffset-last.BaseOffset))
		dst = binary.AppendVarint(dst, e.MaxTimestamp-last.MaxTimestamp)
		last = e
	}
	dst = s.appendProducers(dst)
	return s.appendAborted(dst)
}

func (s *Summary) appendProducers(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.Producers)))
	lastID := int64(0)
	for i := range s.Producers {
		p := &s.Producers[i]
		dst = binary.AppendUvarint(dst, uint64(p.ID-lastID))
		lastID = p.ID
		dst = binary.AppendVarint(dst, int64(p.Epoch))
		dst = binary.AppendVarint(dst, int64(p.CoordinatorEpoch))
		dst = binary.AppendVarint(dst, p.LastTimestamp-s.MaxTimestamp)
		dst = append(dst, flag(p.TxnOpen, flagTxnOpen)|flag(p.TxnUncertain, flagTxnUncertain))
		if p.TxnOpen {
			dst = binary.AppendVarint(dst, p.TxnFirstOffset-s.BaseOffset)
		}
		dst = binary.AppendUvarint(dst, uint64(len(p.Batches)))
		lastBase := s.BaseOffset
		for _, b := range p.Batches {
			dst = binary.AppendVarint(dst, b.BaseOffset-lastBase)
			lastBase = b.BaseOffset
			dst = binary.AppendUvarint(dst, uint64(b.LastOffsetDelta))
			dst = binary.AppendUvarint(dst, uint64(b.BaseSequence))
		}
	}
	return dst
}

func (s *Summary) appendAborted(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.Aborted)))
	for _, a := range s.Aborted {
		dst = binary.AppendUvarint(dst, uint64(a.ProducerID))
		dst = append(dst, flag(a.Uncertain, flagAbortedUncertain))
		dst = binary.AppendVarint(dst, a.FirstOffset-s.BaseOffset)
		dst = binary.AppendUvarint(dst, uint64(a.LastOffset-s.BaseOffset))
	}
	return dst
}

// ParseSummary reads a summary that [Summary.AppendTo] wrote and that fills b. It
// returns ErrSummaryVersion for a newer one, and ErrCorrupt.
func ParseSummary(b []byte) (Summary, error) {
	if len(b) == 0 {
		return Summary{}, fmt.Errorf("%w: empty summary", ErrCorrupt)
	}
	if b[0] != summaryVersion {
		return Summary{}, fmt.Errorf("%w: %d, this release reads %d", ErrSummaryVersion, b[0], summaryVersion)
	}
	r := summaryReader{rest: b[1:]}
	s := Summary{}
	flags := r.byte()
	s.Seeded, s.ProducersComplete = flags&flagSeeded != 0, flags&flagComplete != 0
	s.BaseOffset = r.uint63()
	s.NextOffset = s.BaseOffset + r.uint63()
	s.MaxTimestamp = r.varint()
	s.MaxTimestampBase = s.BaseOffset + r.uint63()
	r.epochs(&s)
	r.times(&s)
	r.producers(&s)
	r.aborted(&s)
	if r.bad || len(r.rest) != 0 {
		return Summary{}, fmt.Errorf("%w: malformed summary", ErrCorrupt)
	}
	return s, nil
}

// summaryReader reads a summary field by field. A field that is not there or out
// of range makes it bad, and everything after it zero.
type summaryReader struct {
	rest []byte
	bad  bool
}

func (r *summaryReader) fail() {
	r.rest, r.bad = nil, true
}

func (r *summaryReader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *summaryReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// ranged reads a varint that must lie in [low, high].
func (r *summaryReader) ranged(low, high int64) int64 {
	v := r.varint()
	if v < low || v > high {
		r.fail()
		return 0
	}
	return v
}

// uint63 reads a uvarint that must fit an int64.
func (r *summaryReader) uint63() int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > math.MaxInt64 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return int64(v)
}

// uint31 reads a uvarint that must fit an int32.
func (r *summaryReader) uint31() int32 {
	v := r.uint63()
	if v > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int32(v)
}

// count reads the length of a list whose items take at least itemSize bytes
// each, so that nothing is allocated for items that cannot be there.
func (r *summaryReader) count(itemSize int) int {
	n := r.uint63()
	if n > int64(len(r.rest)/itemSize) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *summaryReader) epochs(s *Summary) {
	n := r.count(2)
	if n == 0 {
		return
	}
	s.Epochs = make([]EpochStart, n)
	before := EpochStart{StartOffset: s.BaseOffset}
	for i := range s.Epochs {
		epoch := int64(before.Epoch) + r.ranged(math.MinInt32, math.MaxUint32)
		if epoch < math.MinInt32 || epoch > math.MaxInt32 {
			r.fail()
			return
		}
		before = EpochStart{Epoch: int32(epoch), StartOffset: before.StartOffset + r.uint63()}
		s.Epochs[i] = before
	}
}

func (r *summaryReader) times(s *Summary) {
	n := r.count(2)
	if n == 0 {
		return
	}
	s.Times = make([]TimeEntry, n)
	last := TimeEntry{BaseOffset: s.BaseOffset, MaxTimestamp: s.MaxTimestamp}
	for i := range s.Times {
		last.BaseOffset += r.uint63()
		last.MaxTimestamp += r.varint()
		s.Times[i] = last
	}
}

func (r *summaryReader) producers(s *Summary) {
	n := r.count(6)
	if n == 0 {
		return
	}
	s.Producers = make([]Producer, n)
	lastID := int64(0)
	for i := range s.Producers {
		p := &s.Producers[i]
		p.ID = lastID + r.uint63()
		lastID = p.ID
		p.Epoch = int16(r.ranged(math.MinInt16, math.MaxInt16))
		p.CoordinatorEpoch = int32(r.ranged(math.MinInt32, math.MaxInt32))
		p.LastTimestamp = s.MaxTimestamp + r.varint()
		flags := r.byte()
		p.TxnOpen, p.TxnUncertain = flags&flagTxnOpen != 0, flags&flagTxnUncertain != 0
		if p.TxnOpen {
			p.TxnFirstOffset = s.BaseOffset + r.varint()
		}
		r.producerBatches(p, s.BaseOffset)
		if r.bad {
			return
		}
	}
}

func (r *summaryReader) producerBatches(p *Producer, lastBase int64) {
	n := r.count(3)
	if n > producerBatchesMax {
		r.fail()
		return
	}
	if n == 0 {
		return
	}
	p.Batches = make([]ProducerBatch, n)
	for i := range p.Batches {
		lastBase += r.varint()
		p.Batches[i] = ProducerBatch{BaseOffset: lastBase, LastOffsetDelta: r.uint31(), BaseSequence: r.uint31()}
	}
}

func (r *summaryReader) aborted(s *Summary) {
	n := r.count(4)
	if n == 0 {
		return
	}
	s.Aborted = make([]AbortedTxn, n)
	for i := range s.Aborted {
		a := &s.Aborted[i]
		a.ProducerID = r.uint63()
		a.Uncertain = r.byte()&flagAbortedUncertain != 0
		a.FirstOffset = s.BaseOffset + r.varint()
		a.LastOffset = s.BaseOffset + r.uint63()
	}
}
