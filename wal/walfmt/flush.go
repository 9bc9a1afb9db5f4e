package walfmt

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

const (
	// FlushHeaderBytes is the length of a flush header.
	FlushHeaderBytes = 64

	flushMagic   = 0x5357464c // "SWFL"
	flushVersion = 1
)

// ErrInvalid says that bytes are not a valid flush, record or header of the
// log they were read for: torn, stale, foreign, or never written.
var ErrInvalid = errors.New("invalid WAL bytes")

// VersionError says that bytes are sound but of a version this program does
// not know.
type VersionError struct {
	What    string // "flush" or "header"
	Version int
	Known   int // the newest version this program reads
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("WAL %s has format version %d, this program reads up to %d: start the version that wrote it, or a newer one", e.What, e.Version, e.Known)
}

// FlushHeader is what stands before the records of one device write.
type FlushHeader struct {
	Instance    ids.WALInstance
	NodeEpoch   ids.NodeEpoch
	Position    int64
	DurableUpTo int64 // all positions below were durable when this was written
	BodyBytes   uint32
	Records     uint32
	BodyDigest  uint32
}

// End is the position after the last record, before padding.
func (h *FlushHeader) End() int64 { return h.Position + FlushHeaderBytes + int64(h.BodyBytes) }

// Encode writes the header to the first FlushHeaderBytes of dst.
func (h *FlushHeader) Encode(dst []byte) {
	_ = dst[FlushHeaderBytes-1]
	binary.BigEndian.PutUint32(dst, flushMagic)
	dst[4], dst[5] = flushVersion, 0
	binary.BigEndian.PutUint16(dst[6:], FlushHeaderBytes)
	copy(dst[8:24], h.Instance[:])
	binary.BigEndian.PutUint64(dst[24:], uint64(h.NodeEpoch))
	binary.BigEndian.PutUint64(dst[32:], uint64(h.Position))
	binary.BigEndian.PutUint64(dst[40:], uint64(h.DurableUpTo))
	binary.BigEndian.PutUint32(dst[48:], h.BodyBytes)
	binary.BigEndian.PutUint32(dst[52:], h.Records)
	binary.BigEndian.PutUint32(dst[56:], h.BodyDigest)
	binary.BigEndian.PutUint32(dst[60:], crc.Of(dst[:60]))
}

// HasFlushMagic says whether src may begin with a flush header: the cheap test
// before DecodeFlushHeader.
func HasFlushMagic(src []byte) bool {
	return len(src) >= FlushHeaderBytes && binary.BigEndian.Uint32(src) == flushMagic
}

// DecodeFlushHeader reads a flush header from the start of src. The error is
// ErrInvalid where there is none, *VersionError where there is a newer one.
func DecodeFlushHeader(src []byte) (FlushHeader, error) {
	if !HasFlushMagic(src) || binary.BigEndian.Uint32(src[60:]) != crc.Of(src[:60]) {
		return FlushHeader{}, ErrInvalid
	}
	if v := src[4]; v != flushVersion {
		return FlushHeader{}, &VersionError{What: "flush", Version: int(v), Known: flushVersion}
	}
	h := FlushHeader{
		NodeEpoch:   ids.NodeEpoch(binary.BigEndian.Uint64(src[24:])),
		Position:    int64(binary.BigEndian.Uint64(src[32:])),
		DurableUpTo: int64(binary.BigEndian.Uint64(src[40:])),
		BodyBytes:   binary.BigEndian.Uint32(src[48:]),
		Records:     binary.BigEndian.Uint32(src[52:]),
		BodyDigest:  binary.BigEndian.Uint32(src[56:]),
	}
	copy(h.Instance[:], src[8:24])
	if src[5] != 0 || binary.BigEndian.Uint16(src[6:]) != FlushHeaderBytes ||
		h.Position < 0 || h.DurableUpTo < 0 || h.DurableUpTo > h.Position {
		return FlushHeader{}, ErrInvalid
	}
	return h, nil
}

// Expect is what a flush must be to belong to the log being read.
type Expect struct {
	Instance  ids.WALInstance
	NodeEpoch ids.NodeEpoch
	Position  int64
}

// Check says whether the header is of the expected instance, epoch and place.
// A reason in the error says which was not.
func (h *FlushHeader) Check(want Expect) error {
	switch {
	case h.Instance != want.Instance:
		return fmt.Errorf("%w: flush of another instance %s", ErrInvalid, h.Instance)
	case h.NodeEpoch != want.NodeEpoch:
		return fmt.Errorf("%w: flush of node epoch %d, want %d", ErrInvalid, h.NodeEpoch, want.NodeEpoch)
	case h.Position != want.Position:
		return fmt.Errorf("%w: flush of position %d found at %d", ErrInvalid, h.Position, want.Position)
	}
	return nil
}

// VerifyBody checks every record of a flush and the digest over them. body
// must be BodyBytes long.
func (h *FlushHeader) VerifyBody(seed Seed, body []byte) error {
	var digest uint32
	var records uint32
	for it := IterateRecords(h.Position+FlushHeaderBytes, body); ; {
		r, ok, err := it.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if !r.Verify(seed) {
			return fmt.Errorf("%w: CRC of the record at %d", ErrInvalid, r.Position)
		}
		digest = AddToDigest(digest, r.CRC)
		records++
	}
	if digest != h.BodyDigest || records != h.Records {
		return fmt.Errorf("%w: body digest of the flush at %d", ErrInvalid, h.Position)
	}
	return nil
}

// AddToDigest extends a flush's body digest, which starts at zero, by the CRC
// of its next record.
func AddToDigest(digest, recordCRC uint32) uint32 {
	return sumUint32(digest, recordCRC)
}

// Padded is n rounded up to a multiple of the block, a power of two.
func Padded(n, block int64) int64 { return (n + block - 1) &^ (block - 1) }
