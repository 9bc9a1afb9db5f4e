package walfmt

import (
	"encoding/binary"
	"fmt"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

const (
	// SlotBytes is the length of one header slot.
	SlotBytes = 4096
	// FenceCellOffset is the device offset of the fence cell's block.
	FenceCellOffset = 2 * SlotBytes
	// DataOffset is the device offset of the ring.
	DataOffset = 1 << 20
	// CapacityUnit divides every capacity and base, so that a page never wraps.
	CapacityUnit = 1 << 20
	// EarlierMax bounds the table of earlier instances.
	EarlierMax = 60

	headerMagic   = "SEAWALL\n"
	headerVersion = 1
	earlierOffset = 112
	earlierBytes  = 64
)

// FenceKind says what keeps a second writer from a WAL.
type FenceKind uint8

// The kinds of fences.
const (
	FenceExclusive   FenceKind = 1 // single attachment and a lock
	FenceReservation FenceKind = 2 // the device refuses the old holder
	FenceShared      FenceKind = 3 // the fence cell
)

func (k FenceKind) String() string {
	switch k {
	case FenceExclusive:
		return "exclusive"
	case FenceReservation:
		return "reservation"
	case FenceShared:
		return "shared"
	}
	return fmt.Sprintf("fence %d", uint8(k))
}

// Header says what a WAL is and where its current instance lies.
type Header struct {
	Cluster    ids.UUID
	Node       ids.NodeID
	Fence      FenceKind
	BlockBytes uint32
	Generation uint64
	Capacity   int64 // bytes of the ring
	Life
	TrimHint int64
	Earlier  []Earlier // oldest first
}

// Life is one instance in a ring.
type Life struct {
	Instance    ids.WALInstance
	NodeEpoch   ids.NodeEpoch
	Base        int64 // bytes from the ring's origin to position 0; not reduced by the capacity
	WindowBytes int64 // the most bytes ever in flight past durableUpTo
}

// Earlier is an instance that is no longer appended to but still needed.
type Earlier struct {
	Life
	From, End int64 // positions that the ring must keep
}

// Offset is where a position lies on the device.
func (l *Life) Offset(position, capacity int64) int64 {
	return DataOffset + (l.Base+position)%capacity
}

// Newer says whether h counts when other is valid as well.
func (h *Header) Newer(other *Header) bool {
	if h.NodeEpoch != other.NodeEpoch {
		return h.NodeEpoch > other.NodeEpoch
	}
	return h.Generation > other.Generation
}

// Encode writes the header to dst, which is SlotBytes long.
func (h *Header) Encode(dst []byte) error {
	if len(h.Earlier) > EarlierMax {
		return fmt.Errorf("walfmt: %d earlier instances in a WAL header, the most is %d", len(h.Earlier), EarlierMax)
	}
	dst = dst[:SlotBytes]
	clear(dst)
	copy(dst, headerMagic)
	binary.BigEndian.PutUint16(dst[8:], headerVersion)
	dst[10] = byte(h.Fence)
	binary.BigEndian.PutUint32(dst[12:], h.BlockBytes)
	copy(dst[16:], h.Cluster[:])
	binary.BigEndian.PutUint32(dst[32:], uint32(h.Node))
	binary.BigEndian.PutUint64(dst[40:], uint64(h.NodeEpoch))
	binary.BigEndian.PutUint64(dst[48:], h.Generation)
	binary.BigEndian.PutUint64(dst[56:], uint64(h.Capacity))
	copy(dst[64:], h.Instance[:])
	binary.BigEndian.PutUint64(dst[80:], uint64(h.Base))
	binary.BigEndian.PutUint64(dst[88:], uint64(h.WindowBytes))
	binary.BigEndian.PutUint64(dst[96:], uint64(h.TrimHint))
	binary.BigEndian.PutUint32(dst[104:], uint32(len(h.Earlier)))
	for i := range h.Earlier {
		h.Earlier[i].encode(dst[earlierOffset+i*earlierBytes:])
	}
	binary.BigEndian.PutUint32(dst[SlotBytes-4:], crc.Of(dst[:SlotBytes-4]))
	return nil
}

func (e *Earlier) encode(dst []byte) {
	copy(dst, e.Instance[:])
	binary.BigEndian.PutUint64(dst[16:], uint64(e.NodeEpoch))
	binary.BigEndian.PutUint64(dst[24:], uint64(e.Base))
	binary.BigEndian.PutUint64(dst[32:], uint64(e.WindowBytes))
	binary.BigEndian.PutUint64(dst[40:], uint64(e.From))
	binary.BigEndian.PutUint64(dst[48:], uint64(e.End))
}

func decodeEarlier(src []byte) (e Earlier) {
	copy(e.Instance[:], src)
	e.NodeEpoch = ids.NodeEpoch(binary.BigEndian.Uint64(src[16:]))
	e.Base = int64(binary.BigEndian.Uint64(src[24:]))
	e.WindowBytes = int64(binary.BigEndian.Uint64(src[32:]))
	e.From = int64(binary.BigEndian.Uint64(src[40:]))
	e.End = int64(binary.BigEndian.Uint64(src[48:]))
	return e
}

// DecodeHeader reads one header slot. The error is ErrInvalid where there is
// none, *VersionError where there is a newer one.
func DecodeHeader(src []byte) (Header, error) {
	if len(src) < SlotBytes {
		return Header{}, fmt.Errorf("%w: header slot of %d bytes", ErrInvalid, len(src))
	}
	src = src[:SlotBytes]
	if string(src[:8]) != headerMagic {
		return Header{}, fmt.Errorf("%w: no WAL header", ErrInvalid)
	}
	if binary.BigEndian.Uint32(src[SlotBytes-4:]) != crc.Of(src[:SlotBytes-4]) {
		return Header{}, fmt.Errorf("%w: CRC of the WAL header", ErrInvalid)
	}
	if v := binary.BigEndian.Uint16(src[8:]); v != headerVersion {
		return Header{}, &VersionError{What: "header", Version: int(v), Known: headerVersion}
	}
	h := Header{
		Fence:      FenceKind(src[10]),
		BlockBytes: binary.BigEndian.Uint32(src[12:]),
		Node:       ids.NodeID(binary.BigEndian.Uint32(src[32:])),
		Generation: binary.BigEndian.Uint64(src[48:]),
		Capacity:   int64(binary.BigEndian.Uint64(src[56:])),
		TrimHint:   int64(binary.BigEndian.Uint64(src[96:])),
	}
	copy(h.Cluster[:], src[16:])
	h.NodeEpoch = ids.NodeEpoch(binary.BigEndian.Uint64(src[40:]))
	copy(h.Instance[:], src[64:])
	h.Base = int64(binary.BigEndian.Uint64(src[80:]))
	h.WindowBytes = int64(binary.BigEndian.Uint64(src[88:]))
	n := binary.BigEndian.Uint32(src[104:])
	if n > EarlierMax {
		return Header{}, fmt.Errorf("%w: %d earlier instances", ErrInvalid, n)
	}
	for i := range int(n) {
		h.Earlier = append(h.Earlier, decodeEarlier(src[earlierOffset+i*earlierBytes:]))
	}
	return h, h.check()
}

// check refuses values that no writer of this version makes.
func (h *Header) check() error {
	if h.Capacity <= 0 || h.Capacity%CapacityUnit != 0 || h.TrimHint < 0 ||
		h.BlockBytes == 0 || h.BlockBytes > CapacityUnit || h.BlockBytes&(h.BlockBytes-1) != 0 {
		return fmt.Errorf("%w: WAL header of capacity %d, block %d, trim hint %d", ErrInvalid, h.Capacity, h.BlockBytes, h.TrimHint)
	}
	if err := h.Life.check(); err != nil {
		return err
	}
	for i := range h.Earlier {
		e := &h.Earlier[i]
		if err := e.Life.check(); err != nil {
			return err
		}
		if e.From < 0 || e.End < e.From {
			return fmt.Errorf("%w: earlier instance %s from %d to %d", ErrInvalid, e.Instance, e.From, e.End)
		}
	}
	return nil
}

func (l *Life) check() error {
	if l.Base < 0 || l.Base%CapacityUnit != 0 || l.WindowBytes < 0 || l.Instance.IsZero() {
		return fmt.Errorf("%w: instance %s at %d, window %d", ErrInvalid, l.Instance, l.Base, l.WindowBytes)
	}
	return nil
}

// PickHeader decodes both slots and returns the header that counts and the
// slot it stands in. A slot of a newer version is never passed over.
func PickHeader(slots [2][]byte) (Header, int, error) {
	var best Header
	at := -1
	var first error
	for i, slot := range slots {
		h, err := DecodeHeader(slot)
		if _, newer := err.(*VersionError); newer {
			return Header{}, -1, err
		}
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if at < 0 || h.Newer(&best) {
			best, at = h, i
		}
	}
	if at < 0 {
		return Header{}, -1, first
	}
	return best, at, nil
}
