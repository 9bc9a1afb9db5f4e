package walfmt

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

const (
	// RecordHeaderBytes is the length of a record header.
	RecordHeaderBytes = 40
	// PayloadBytesMax bounds a payload: Kafka's largest request.
	PayloadBytesMax = 100 << 20

	recordMagic = 'R'

	// combineBytesMin is from where on combining with the payload's known CRC
	// is cheaper than summing the payload.
	combineBytesMin = 16 << 10
)

// Kind says what a record's payload is.
type Kind uint8

// The kinds of records.
const (
	KindData      Kind = 1 // record batches
	KindReference Kind = 2 // offsets given to slices of a zone object
	KindMark      Kind = 3 // a note on a stream, for who recovers it
	KindControl   Kind = 4 // of the log itself
)

func (k Kind) String() string {
	switch k {
	case KindData:
		return "data"
	case KindReference:
		return "reference"
	case KindMark:
		return "mark"
	case KindControl:
		return "control"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

func (k Kind) valid() bool { return k >= KindData && k <= KindControl }

// Seed is the CRC over an instance's identity, with which every checksum of a
// record starts.
type Seed uint32

// SeedOf is the seed of one instance.
func SeedOf(instance ids.WALInstance) Seed { return Seed(crc.Of(instance[:])) }

// RecordHeader is what stands before a payload.
type RecordHeader struct {
	Kind         Kind
	Stream       ids.StreamID
	StreamEpoch  ids.StreamEpoch
	BaseOffset   int64
	EndOffset    int64 // the offset after the last; at most 2^32-1 past BaseOffset
	PayloadBytes uint32
	CRC          uint32 // set by EncodeRecord
}

// Check says whether the header can be encoded.
func (h *RecordHeader) Check() error {
	switch {
	case !h.Kind.valid():
		return fmt.Errorf("walfmt: record of %s", h.Kind)
	case h.PayloadBytes > PayloadBytesMax:
		return fmt.Errorf("walfmt: payload of %d bytes, the most is %d", h.PayloadBytes, PayloadBytesMax)
	case h.EndOffset < h.BaseOffset || h.EndOffset-h.BaseOffset > math.MaxUint32:
		return fmt.Errorf("walfmt: offsets %d to %d", h.BaseOffset, h.EndOffset)
	}
	return nil
}

// EncodeRecord writes the header of a record that stands at position to dst
// and sets its CRC. payloadCRC is the payload's CRC32C where the caller has
// it, which spares large payloads a second pass; nil where not.
func EncodeRecord(dst *[RecordHeaderBytes]byte, seed Seed, position int64, h *RecordHeader, payload []byte, payloadCRC *uint32) {
	dst[0], dst[1], dst[2], dst[3] = recordMagic, byte(h.Kind), 0, 0
	binary.BigEndian.PutUint32(dst[4:], h.PayloadBytes)
	binary.BigEndian.PutUint64(dst[8:], uint64(h.Stream))
	binary.BigEndian.PutUint64(dst[16:], uint64(h.StreamEpoch))
	binary.BigEndian.PutUint64(dst[24:], uint64(h.BaseOffset))
	binary.BigEndian.PutUint32(dst[32:], uint32(h.EndOffset-h.BaseOffset))
	sum := headerCRC(seed, position, dst[:36])
	if payloadCRC != nil && len(payload) >= combineBytesMin {
		h.CRC = crc.Combine(sum, *payloadCRC, len(payload))
	} else {
		h.CRC = crc.Update(sum, payload)
	}
	binary.BigEndian.PutUint32(dst[36:], h.CRC)
}

// headerCRC sums all that stands before the payload.
func headerCRC(seed Seed, position int64, header []byte) uint32 {
	return crc.Update(sumUint64(uint32(seed), uint64(position)), header)
}

// DecodeRecordHeader reads a record header from the start of src. It checks
// the fields, not the CRC, for which the payload is needed: see Record.Verify.
func DecodeRecordHeader(src []byte) (RecordHeader, error) {
	if len(src) < RecordHeaderBytes || src[0] != recordMagic || src[2] != 0 || src[3] != 0 {
		return RecordHeader{}, ErrInvalid
	}
	h := RecordHeader{
		Kind:         Kind(src[1]),
		PayloadBytes: binary.BigEndian.Uint32(src[4:]),
		Stream:       ids.StreamID(binary.BigEndian.Uint64(src[8:])),
		StreamEpoch:  ids.StreamEpoch(binary.BigEndian.Uint64(src[16:])),
		BaseOffset:   int64(binary.BigEndian.Uint64(src[24:])),
		CRC:          binary.BigEndian.Uint32(src[36:]),
	}
	delta := int64(binary.BigEndian.Uint32(src[32:]))
	if !h.Kind.valid() || h.PayloadBytes > PayloadBytesMax || h.BaseOffset > math.MaxInt64-delta {
		return RecordHeader{}, ErrInvalid
	}
	h.EndOffset = h.BaseOffset + delta
	return h, nil
}

// Record is one record as it lies in a log.
type Record struct {
	RecordHeader
	Position int64  // of the record's header
	Payload  []byte // of the reader's buffer

	header []byte
}

// PayloadPosition is where the payload begins.
func (r *Record) PayloadPosition() int64 { return r.Position + RecordHeaderBytes }

// End is the position after the payload.
func (r *Record) End() int64 { return r.PayloadPosition() + int64(len(r.Payload)) }

// Verify says whether header and payload are what was written at this position
// of the instance that seed stands for.
func (r *Record) Verify(seed Seed) bool {
	return crc.Update(headerCRC(seed, r.Position, r.header[:36]), r.Payload) == r.CRC
}

// DecodeRecord reads the record that stands at position from the start of src,
// which may hold more. It does not verify the CRC.
func DecodeRecord(position int64, src []byte) (Record, error) {
	h, err := DecodeRecordHeader(src)
	if err != nil {
		return Record{}, err
	}
	if int64(len(src)) < RecordHeaderBytes+int64(h.PayloadBytes) {
		return Record{}, fmt.Errorf("%w: record at %d reaches past its flush", ErrInvalid, position)
	}
	return Record{
		RecordHeader: h,
		Position:     position,
		Payload:      src[RecordHeaderBytes : RecordHeaderBytes+int(h.PayloadBytes)],
		header:       src[:RecordHeaderBytes],
	}, nil
}

// Iterator walks the records of a flush's body.
type Iterator struct {
	position int64
	rest     []byte
}

// IterateRecords starts at the first record of body, which stands at position.
func IterateRecords(position int64, body []byte) Iterator {
	return Iterator{position: position, rest: body}
}

// Next returns the next record, or false after the last. It does not verify
// CRCs.
func (it *Iterator) Next() (Record, bool, error) {
	if len(it.rest) == 0 {
		return Record{}, false, nil
	}
	r, err := DecodeRecord(it.position, it.rest)
	if err != nil {
		return Record{}, false, err
	}
	it.rest = it.rest[r.End()-it.position:]
	it.position = r.End()
	return r, true, nil
}
