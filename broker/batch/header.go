package batch

import (
	"encoding/binary"
	"fmt"
	"math"
)

// HeaderSize is the number of bytes of a batch before its records.
const HeaderSize = 61

// Magic is the only batch version that this package knows.
const Magic = 2

// Values of a batch that no idempotent producer wrote.
const (
	NoProducerID    int64 = -1
	NoProducerEpoch int16 = -1
	NoSequence      int32 = -1
)

// NoTimestamp stands where a producer gave none.
const NoTimestamp int64 = -1

// Where the fields stand; the package comment has the whole table.
const (
	atBaseOffset      = 0
	atBatchLength     = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21 // the CRC covers the batch from here on
	atLastOffsetDelta = 23
	atBaseTimestamp   = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atNumRecords      = 57
)

// uncountedSize is what the batch length leaves out: base offset and itself.
const uncountedSize = atBatchLength + 4

// Bits of the attributes.
const (
	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
)

// TimestampType says what the timestamps of a batch's records mean.
type TimestampType uint8

const (
	// CreateTime is the producer's time, record by record.
	CreateTime TimestampType = iota
	// LogAppendTime is the broker's time: the batch's MaxTimestamp is the
	// time of all its records.
	LogAppendTime
)

// Header is the fixed part of a batch.
type Header struct {
	// BaseOffset is the offset of the batch, and of its first record unless
	// compaction removed that.
	BaseOffset int64
	// BatchLength counts the bytes that follow it; see [Header.Size].
	BatchLength int32
	// PartitionLeaderEpoch is the epoch of the leader that appended the batch.
	PartitionLeaderEpoch int32
	Magic                int8
	// CRC is the CRC32C of the bytes from the attributes to the end.
	CRC             uint32
	Attributes      int16
	LastOffsetDelta int32
	// BaseTimestamp and MaxTimestamp are in ms since 1970.
	BaseTimestamp int64
	MaxTimestamp  int64
	ProducerID    int64
	ProducerEpoch int16
	BaseSequence  int32
	NumRecords    int32
}

// ParseHeader reads the header that b begins with. It checks that a header is
// there, that its magic is known and that its length can hold it; the records
// need not be in b. The errors are ErrTruncated, ErrUnsupportedFormat and
// ErrCorrupt.
func ParseHeader(b []byte) (Header, error) {
	// The magic stands at the same place in every version, so that an old
	// message set, which may be shorter than a header, is called by its name.
	if len(b) > atMagic && b[atMagic] != Magic {
		return Header{}, fmt.Errorf("%w: magic %d", ErrUnsupportedFormat, int8(b[atMagic]))
	}
	if len(b) < HeaderSize {
		return Header{}, ErrTruncated
	}
	b = b[:HeaderSize]
	h := Header{
		BaseOffset:           int64(binary.BigEndian.Uint64(b[atBaseOffset:])),
		BatchLength:          int32(binary.BigEndian.Uint32(b[atBatchLength:])),
		PartitionLeaderEpoch: int32(binary.BigEndian.Uint32(b[atLeaderEpoch:])),
		Magic:                int8(b[atMagic]),
		CRC:                  binary.BigEndian.Uint32(b[atCRC:]),
		Attributes:           int16(binary.BigEndian.Uint16(b[atAttributes:])),
		LastOffsetDelta:      int32(binary.BigEndian.Uint32(b[atLastOffsetDelta:])),
		BaseTimestamp:        int64(binary.BigEndian.Uint64(b[atBaseTimestamp:])),
		MaxTimestamp:         int64(binary.BigEndian.Uint64(b[atMaxTimestamp:])),
		ProducerID:           int64(binary.BigEndian.Uint64(b[atProducerID:])),
		ProducerEpoch:        int16(binary.BigEndian.Uint16(b[atProducerEpoch:])),
		BaseSequence:         int32(binary.BigEndian.Uint32(b[atBaseSequence:])),
		NumRecords:           int32(binary.BigEndian.Uint32(b[atNumRecords:])),
	}
	if h.BatchLength < HeaderSize-uncountedSize {
		return Header{}, fmt.Errorf("%w: batch length %d cannot hold a header", ErrCorrupt, h.BatchLength)
	}
	return h, nil
}

// AppendTo appends the header's 61 bytes to dst, as they stand in h.
func (h *Header) AppendTo(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.BaseOffset))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.BatchLength))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.PartitionLeaderEpoch))
	dst = append(dst, byte(h.Magic))
	dst = binary.BigEndian.AppendUint32(dst, h.CRC)
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.Attributes))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.LastOffsetDelta))
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.BaseTimestamp))
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.MaxTimestamp))
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.ProducerID))
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.ProducerEpoch))
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.BaseSequence))
	return binary.BigEndian.AppendUint32(dst, uint32(h.NumRecords))
}

// Size returns the bytes of the whole batch, header included.
func (h *Header) Size() int { return uncountedSize + int(h.BatchLength) }

// Codec returns how the records are compressed.
func (h *Header) Codec() Codec { return Codec(h.Attributes & attrCodec) }

// TimestampType returns what the records' timestamps mean.
func (h *Header) TimestampType() TimestampType {
	if h.Attributes&attrLogAppendTime != 0 {
		return LogAppendTime
	}
	return CreateTime
}

// IsTransactional reports whether the batch is part of a transaction.
func (h *Header) IsTransactional() bool { return h.Attributes&attrTransactional != 0 }

// IsControl reports whether the batch holds a marker rather than users'
// records.
func (h *Header) IsControl() bool { return h.Attributes&attrControl != 0 }

// HasProducerID reports whether an idempotent producer wrote the batch.
func (h *Header) HasProducerID() bool { return h.ProducerID > NoProducerID }

// LastOffset returns the offset of the last record.
func (h *Header) LastOffset() int64 { return h.BaseOffset + int64(h.LastOffsetDelta) }

// NextOffset returns the offset after the batch.
func (h *Header) NextOffset() int64 { return h.LastOffset() + 1 }

// LastSequence returns the sequence number of the last record, or NoSequence.
func (h *Header) LastSequence() int32 {
	if h.BaseSequence == NoSequence {
		return NoSequence
	}
	return AddSequence(h.BaseSequence, h.LastOffsetDelta)
}

// AddSequence returns the sequence number that comes n after sequence, both of
// them at least 0. After the largest int32 comes 0.
func AddSequence(sequence, n int32) int32 {
	return int32((int64(sequence) + int64(n)) & math.MaxInt32)
}
