package batch

import (
	"encoding/binary"
	"slices"

	"github.com/seawallmq/seawall/internal/crc"
)

// Builder builds one batch at a time. It is not safe for concurrent use.
//
// The exported fields describe the batch; they may be changed until AppendTo
// and are kept by Reset.
type Builder struct {
	BaseOffset           int64
	PartitionLeaderEpoch int32
	Codec                Codec
	// ProducerID, ProducerEpoch and BaseSequence are an idempotent producer's.
	ProducerID    int64
	ProducerEpoch int16
	BaseSequence  int32
	Transactional bool
	Control       bool

	records         []byte
	numRecords      int32
	lastOffsetDelta int32
	baseTimestamp   int64
	maxTimestamp    int64
}

// NewBuilder returns a Builder for uncompressed batches without a producer id,
// at offset 0 and leader epoch 0.
func NewBuilder() *Builder {
	return &Builder{
		ProducerID:    NoProducerID,
		ProducerEpoch: NoProducerEpoch,
		BaseSequence:  NoSequence,
	}
}

// Reset drops the records and keeps their memory and the exported fields.
func (b *Builder) Reset() {
	b.records = b.records[:0]
	b.numRecords = 0
}

// Add adds a record at the offset after the last one's. A nil key, value or
// header value is null. The slices are copied.
func (b *Builder) Add(timestampMillis int64, key, value []byte, headers ...RecordHeader) {
	delta := int32(0)
	if b.numRecords > 0 {
		delta = b.lastOffsetDelta + 1
	}
	b.AddAt(delta, timestampMillis, key, value, headers...)
}

// AddAt is Add at the offset BaseOffset+offsetDelta, for batches with gaps, as
// compaction leaves them. Deltas must rise.
func (b *Builder) AddAt(offsetDelta int32, timestampMillis int64, key, value []byte, headers ...RecordHeader) {
	if offsetDelta < 0 || b.numRecords > 0 && offsetDelta <= b.lastOffsetDelta {
		panic("batch: offset deltas must rise")
	}
	if b.numRecords == 0 {
		b.baseTimestamp, b.maxTimestamp = timestampMillis, timestampMillis
	}
	b.maxTimestamp = max(b.maxTimestamp, timestampMillis)
	b.records = appendRecord(b.records, offsetDelta, timestampMillis-b.baseTimestamp, key, value, headers)
	b.lastOffsetDelta = offsetDelta
	b.numRecords++
}

// NumRecords returns the number of records added since the last Reset.
func (b *Builder) NumRecords() int { return int(b.numRecords) }

// Size returns the size of the batch if it is not compressed.
func (b *Builder) Size() int { return HeaderSize + len(b.records) }

// AppendTo appends the batch to dst. The Builder keeps its records until Reset.
// It panics if there are none or if Codec is not one of Kafka's.
func (b *Builder) AppendTo(dst []byte) []byte {
	if b.numRecords == 0 {
		panic("batch: a batch needs a record")
	}
	start := len(dst)
	dst = slices.Grow(dst, b.Size())
	header := b.header()
	dst = header.AppendTo(dst)
	dst, err := Compress(dst, b.records, b.Codec)
	if err != nil {
		panic(err)
	}
	built := dst[start:]
	binary.BigEndian.PutUint32(built[atBatchLength:], uint32(len(built)-uncountedSize))
	binary.BigEndian.PutUint32(built[atCRC:], crc.Of(built[atAttributes:]))
	return dst
}

// header returns the batch's header without length and CRC.
func (b *Builder) header() Header {
	attributes := int16(b.Codec)
	if b.Transactional {
		attributes |= attrTransactional
	}
	if b.Control {
		attributes |= attrControl
	}
	return Header{
		BaseOffset:           b.BaseOffset,
		PartitionLeaderEpoch: b.PartitionLeaderEpoch,
		Magic:                Magic,
		Attributes:           attributes,
		LastOffsetDelta:      b.lastOffsetDelta,
		BaseTimestamp:        b.baseTimestamp,
		MaxTimestamp:         b.maxTimestamp,
		ProducerID:           b.ProducerID,
		ProducerEpoch:        b.ProducerEpoch,
		BaseSequence:         b.BaseSequence,
		NumRecords:           b.numRecords,
	}
}
