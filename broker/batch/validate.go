package batch

import (
	"fmt"
	"math"
)

// Limits that [Validate] takes where [Options] leaves them zero.
const (
	// DefaultBatchBytesMax is Kafka's default of message.max.bytes.
	DefaultBatchBytesMax = 1<<20 + uncountedSize

	// DefaultDecompressedBytesMax is the most that the records of any batch
	// may decompress to, unless Options say otherwise.
	DefaultDecompressedBytesMax = 128 << 20

	// A batch may decompress to so many times its largest size, and always to
	// decompressFloorMax.
	decompressRatioMax = 16
	decompressFloorMax = 1 << 20
)

// Options are the rules that [Validate] holds a batch to. The zero value is for
// a topic with Kafka's defaults, except that it checks no timestamps.
type Options struct {
	// BatchBytesMax bounds the batch as it stands, header included
	// (max.message.bytes). 0 means DefaultBatchBytesMax.
	BatchBytesMax int
	// DecompressedBytesMax bounds the decompressed records. 0 means 16 times
	// BatchBytesMax, at least 1 MiB and at most
	// DefaultDecompressedBytesMax.
	DecompressedBytesMax int
	// ForbidZstd refuses zstd, which producers have since Produce v7.
	ForbidZstd bool
	// AllowControl lets markers pass. No client may send them.
	AllowControl bool
	// RequireKey refuses records without a key (compacted topics).
	RequireKey bool
	// CheckTimestamps refuses records whose timestamp is outside
	// [TimestampMin, TimestampMax]; see [TimestampWindow]. NoTimestamp passes.
	// Leave it unset where the topic has LogAppendTime.
	CheckTimestamps            bool
	TimestampMin, TimestampMax int64
	// SkipRecords does not decompress nor look at the records: for batches
	// that this process built, and for leaders whose zone broker looked.
	SkipRecords bool
}

// TimestampWindow returns the allowed timestamps, given the time and the
// topic's message.timestamp.before.max.ms and .after.max.ms. None may be
// negative.
func TimestampWindow(nowMillis, beforeMaxMillis, afterMaxMillis int64) (minimum, maximum int64) {
	maximum = math.MaxInt64
	if afterMaxMillis < math.MaxInt64-nowMillis {
		maximum = nowMillis + afterMaxMillis
	}
	return nowMillis - beforeMaxMillis, maximum
}

// batchBytesMax returns the bound on the batch as it stands.
func (o *Options) batchBytesMax() int {
	if o.BatchBytesMax > 0 {
		return o.BatchBytesMax
	}
	return DefaultBatchBytesMax
}

// decompressedBytesMax returns the bound on the decompressed records.
func (o *Options) decompressedBytesMax() int {
	if o.DecompressedBytesMax > 0 {
		return o.DecompressedBytesMax
	}
	byRatio := decompressRatioMax * min(o.batchBytesMax(), DefaultDecompressedBytesMax)
	return min(max(byRatio, decompressFloorMax), DefaultDecompressedBytesMax)
}

// Info is what [Validate] learned about a batch.
type Info struct {
	// Header is the batch's header as sent.
	Header Header
	// MaxTimestamp is the largest timestamp of the records, which a
	// producer's header need not agree with. With SkipRecords it is what the
	// header says.
	MaxTimestamp int64
	// MaxTimestampDelta is the offset, relative to the batch's, of the first
	// record that has MaxTimestamp. With SkipRecords it is the last record's.
	MaxTimestampDelta int32
	// RecordsBytes is the size of the records, decompressed. With SkipRecords
	// it is their size as they stand.
	RecordsBytes int
}

// Validate checks that b is one batch and nothing else, fit to be appended to a
// log: its shape, its CRC, its header and, unless told not to, every record. The
// base offset is the producer's and not looked at. Validate neither changes b
// nor keeps it, and allocates nothing for an uncompressed batch without faults.
//
// Faults that concern single records come as a *[RecordsError]. All errors match
// one of the package's: ErrTruncated, ErrCorrupt, ErrTooLarge,
// ErrUnsupportedFormat, ErrUnsupportedCodec, ErrInvalidTimestamp or
// ErrInvalidRecord.
func Validate(b []byte, opts Options) (Info, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return Info{}, err
	}
	if err := checkSize(b, &h, &opts); err != nil {
		return Info{}, err
	}
	if err := CheckCRC(b, &h); err != nil {
		return Info{}, err
	}
	if err := checkHeader(&h, &opts); err != nil {
		return Info{}, err
	}

	records := b[HeaderSize:]
	info := Info{
		Header:            h,
		MaxTimestamp:      h.MaxTimestamp,
		MaxTimestampDelta: h.LastOffsetDelta,
		RecordsBytes:      len(records),
	}
	if opts.SkipRecords {
		return info, nil
	}
	if h.Codec() != CodecNone {
		scratch := getScratch()
		defer putScratch(scratch)
		if records, err = Decompress(*scratch, records, h.Codec(), opts.decompressedBytesMax()); err != nil {
			return Info{}, err
		}
		*scratch = records
	}
	if err := checkRecords(records, &info, &opts); err != nil {
		return Info{}, err
	}
	return info, nil
}

// checkSize checks the batch against the bytes that there are and may be.
func checkSize(b []byte, h *Header, opts *Options) error {
	size := h.Size()
	if limit := opts.batchBytesMax(); size > limit {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, size, limit)
	}
	if size > len(b) {
		return ErrTruncated
	}
	if size < len(b) {
		return fmt.Errorf("%w: %d bytes after the batch, exactly one is allowed", ErrInvalidRecord, len(b)-size)
	}
	return nil
}

// checkHeader checks what the header says against itself and the rules.
func checkHeader(h *Header, opts *Options) error {
	codec := h.Codec()
	switch {
	case h.NumRecords <= 0:
		return fmt.Errorf("%w: %d records in a batch", ErrInvalidRecord, h.NumRecords)
	case int64(h.NumRecords) != int64(h.LastOffsetDelta)+1:
		return fmt.Errorf("%w: %d records, but last offset delta %d", ErrInvalidRecord, h.NumRecords, h.LastOffsetDelta)
	case !codec.known(), codec == CodecZstd && opts.ForbidZstd:
		return fmt.Errorf("%w: %v", ErrUnsupportedCodec, codec)
	case h.IsControl() && !opts.AllowControl:
		return fmt.Errorf("%w: clients may not write control batches", ErrInvalidRecord)
	case h.TimestampType() == LogAppendTime:
		return fmt.Errorf("%w: producers may not set LogAppendTime", ErrInvalidTimestamp)
	case h.HasProducerID() && (h.BaseSequence < 0 || h.ProducerEpoch < 0):
		return fmt.Errorf("%w: producer %d with epoch %d and sequence %d", ErrInvalidRecord, h.ProducerID, h.ProducerEpoch, h.BaseSequence)
	case h.IsTransactional() && !h.HasProducerID():
		return fmt.Errorf("%w: transactional batch without a producer id", ErrInvalidRecord)
	}
	return nil
}

// checkRecords walks over the decompressed records, checks each, and puts what
// it learned into info.
func checkRecords(records []byte, info *Info, opts *Options) error {
	h := &info.Header
	info.RecordsBytes = len(records)
	var (
		record rawRecord
		faults *RecordsError
	)
	for i := range h.NumRecords {
		n, err := record.parse(records)
		if err == nil && record.offsetDelta != i {
			err = errOffsetDelta
		}
		if err != nil { // the rest cannot be trusted
			faults = faults.with(ErrInvalidRecord, int(i), err.Error())
			return faults
		}
		records = records[n:]

		timestamp := h.BaseTimestamp + record.timestampDelta
		if i == 0 || timestamp > info.MaxTimestamp {
			info.MaxTimestamp, info.MaxTimestampDelta = timestamp, i
		}
		if opts.CheckTimestamps && timestamp != NoTimestamp &&
			(timestamp < opts.TimestampMin || timestamp > opts.TimestampMax) {
			faults = faults.with(ErrInvalidTimestamp, int(i), "timestamp is out of range")
		}
		if opts.RequireKey && record.key == nil {
			faults = faults.with(ErrInvalidRecord, int(i), "compacted topic cannot accept message without key")
		}
	}
	if len(records) != 0 {
		return errRecordCount
	}
	if faults != nil {
		return faults
	}
	return nil
}
