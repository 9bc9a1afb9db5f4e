package objfmt

import (
	"encoding/binary"
	"fmt"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
)

const magic = 0x53454157414c4f42 // "SEAWALOB"

// Footer is the end of an object: which it is and where its index lies.
type Footer struct {
	Object        ids.ObjectID
	Kind          ObjectKind
	IndexPosition int64
	IndexSize     int
	IndexCRC32C   uint32
}

// FirstFetch is the range of an object of size bytes to read first: ParseFooter
// takes what it gives.
func FirstFetch(size int64) (off int64, n int) {
	n = int(min(size, TailBytes))
	return size - int64(n), n
}

// ParseFooter reads the footer from tail, the last bytes of an object of size
// bytes.
func ParseFooter(tail []byte, size int64) (Footer, error) {
	if len(tail) < FooterSize || int64(len(tail)) > size {
		return Footer{}, corrupt("%d bytes of an object of %d, want at least %d", len(tail), size, FooterSize)
	}
	p := tail[len(tail)-FooterSize:]
	if binary.BigEndian.Uint64(p[40:]) != magic {
		return Footer{}, corrupt("no footer at the end")
	}
	if v := binary.BigEndian.Uint16(p[34:]); v > Version {
		return Footer{}, fmt.Errorf("objfmt: %w: it has version %d, this build reads up to %d", ErrNewer, v, Version)
	} else if v == 0 {
		return Footer{}, corrupt("version 0")
	}
	if n := binary.BigEndian.Uint16(p[32:]); n != FooterSize {
		return Footer{}, corrupt("footer of %d bytes", n)
	}
	if sum := binary.BigEndian.Uint32(p[36:]); sum != crc.Of(p[:36]) {
		return Footer{}, corrupt("footer CRC %08x, computed %08x", sum, crc.Of(p[:36]))
	}
	f := Footer{
		Object:        ids.ObjectID(binary.BigEndian.Uint64(p)),
		Kind:          ObjectKind(p[24]),
		IndexPosition: int64(binary.BigEndian.Uint64(p[8:])),
		IndexSize:     int(binary.BigEndian.Uint32(p[16:])),
		IndexCRC32C:   binary.BigEndian.Uint32(p[20:]),
	}
	return f, f.check(p[25:32], size)
}

func (f *Footer) check(reserved []byte, size int64) error {
	for _, b := range reserved {
		if b != 0 {
			return corrupt("reserved bytes % x in the footer", reserved)
		}
	}
	switch {
	case f.Kind == ZoneObject || f.Kind == CompositeObject:
		return fmt.Errorf("objfmt: %w: %v", ErrUnsupported, f.Kind)
	case f.Kind != StreamObject && f.Kind != StreamSetObject:
		return corrupt("object of unknown %v", f.Kind)
	case f.Object == 0:
		return corrupt("object id 0")
	case f.IndexSize > IndexBytesMax || f.IndexSize%EntrySize != 0:
		return corrupt("index of %d bytes", f.IndexSize)
	case f.IndexPosition < 0 || f.IndexPosition != size-FooterSize-int64(f.IndexSize):
		return corrupt("index of %d bytes at %d in an object of %d", f.IndexSize, f.IndexPosition, size)
	}
	return nil
}

// Index gives the bytes of the index if tail, the end of the object, holds them
// all. If not, the reader fetches IndexSize bytes at IndexPosition.
func (f Footer) Index(tail []byte) ([]byte, bool) {
	end := len(tail) - FooterSize
	if end < f.IndexSize {
		return nil, false
	}
	return tail[end-f.IndexSize : end], true
}

func (f Footer) append(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.Object))
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.IndexPosition))
	dst = binary.BigEndian.AppendUint32(dst, uint32(f.IndexSize))
	dst = binary.BigEndian.AppendUint32(dst, f.IndexCRC32C)
	dst = append(dst, byte(f.Kind), 0, 0, 0, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, FooterSize)
	dst = binary.BigEndian.AppendUint16(dst, Version)
	dst = binary.BigEndian.AppendUint32(dst, crc.Of(dst[start:]))
	return binary.BigEndian.AppendUint64(dst, magic)
}
