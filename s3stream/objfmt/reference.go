package objfmt

import (
	"encoding/binary"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
)

// The content of a reference block:
//
//	0  version      u16   1
//	2  reserved     u16   0
//	4  count        u32   of references
//	8  reference…, 96 bytes each:
//	    0  first offset  i64   that the leader gave to the batch
//	    8  zone object   u64   its id
//	   16  position      u64   of the batch in the zone object
//	   24  offsets       u32   how many the batch takes
//	   28  length        u32   of the batch, bytes
//	   32  header        61 bytes, the batch's final one
//	   93  reserved      3 bytes of 0
const (
	referenceVersion    = 1
	referencesHeader    = 8
	referenceSize       = 96
	referenceHeaderFrom = 32
	referencesPerBlock  = (BlockBytesMax - referencesHeader) / referenceSize
)

// BatchHeaderSize is the size of a record batch's header, in bytes.
const BatchHeaderSize = 61

// Reference gives offsets to a batch that lies in a zone object. The header is
// the batch's final one: with the offset, the leader epoch and, where the
// leader stamps time, the timestamps that the zone's broker could not know.
type Reference struct {
	FirstOffset int64
	Offsets     uint32
	ZoneObject  ids.ObjectID
	Position    int64
	Length      uint32
	Header      [BatchHeaderSize]byte
}

// AppendReferences appends the content of a reference block.
func AppendReferences(dst []byte, refs []Reference) []byte {
	dst = binary.BigEndian.AppendUint16(dst, referenceVersion)
	dst = binary.BigEndian.AppendUint16(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(refs)))
	for i := range refs {
		r := &refs[i]
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.FirstOffset))
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.ZoneObject))
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.Position))
		dst = binary.BigEndian.AppendUint32(dst, r.Offsets)
		dst = binary.BigEndian.AppendUint32(dst, r.Length)
		dst = append(dst, r.Header[:]...)
		dst = append(dst, 0, 0, 0)
	}
	return dst
}

// ParseReferences reads the content of a reference block.
func ParseReferences(p []byte) ([]Reference, error) {
	if len(p) < referencesHeader {
		return nil, corrupt("reference block of %d bytes", len(p))
	}
	if v := binary.BigEndian.Uint16(p); v > referenceVersion {
		return nil, fmt.Errorf("objfmt: %w: a reference block has version %d, this build reads up to %d", ErrNewer, v, referenceVersion)
	} else if v == 0 || binary.BigEndian.Uint16(p[2:]) != 0 {
		return nil, corrupt("reference block begins % x", p[:4])
	}
	n := int64(binary.BigEndian.Uint32(p[4:]))
	if n < 1 || n > referencesPerBlock || n*referenceSize != int64(len(p)-referencesHeader) {
		return nil, corrupt("%d references in a block of %d bytes", n, len(p))
	}
	refs := make([]Reference, n)
	end := int64(0)
	for i := range refs {
		if err := refs[i].parse(p[referencesHeader+i*referenceSize:]); err != nil {
			return nil, err
		}
		if refs[i].FirstOffset < end {
			return nil, corrupt("reference to offset %d after one that ends at %d", refs[i].FirstOffset, end)
		}
		end = refs[i].FirstOffset + int64(refs[i].Offsets)
	}
	return refs, nil
}

func (r *Reference) parse(p []byte) error {
	r.FirstOffset = int64(binary.BigEndian.Uint64(p))
	r.ZoneObject = ids.ObjectID(binary.BigEndian.Uint64(p[8:]))
	r.Position = int64(binary.BigEndian.Uint64(p[16:]))
	r.Offsets = binary.BigEndian.Uint32(p[24:])
	r.Length = binary.BigEndian.Uint32(p[28:])
	copy(r.Header[:], p[referenceHeaderFrom:])
	pad := p[referenceHeaderFrom+BatchHeaderSize : referenceSize]
	switch {
	case pad[0]|pad[1]|pad[2] != 0:
		return corrupt("reserved bytes % x in a reference", pad)
	case r.FirstOffset < 0 || r.Offsets == 0 || r.FirstOffset+int64(r.Offsets) < 0:
		return corrupt("reference to %d offsets at %d", r.Offsets, r.FirstOffset)
	case r.ZoneObject == 0 || r.Length < BatchHeaderSize || r.Length > BlockBytesMax || r.Position < 0 || r.Position+int64(r.Length) < 0:
		return corrupt("reference to %d bytes at %d of object %v", r.Length, r.Position, r.ZoneObject)
	}
	return nil
}
