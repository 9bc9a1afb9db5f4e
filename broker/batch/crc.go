package batch

import (
	"encoding/binary"
	"fmt"

	"github.com/seawallmq/seawall/internal/crc"
)

// CheckCRC verifies the CRC of the batch that b begins with, given its header.
// It returns ErrTruncated if b does not hold the batch, and ErrCorrupt if the
// CRC does not match.
func CheckCRC(b []byte, h *Header) error {
	if h.Size() > len(b) {
		return ErrTruncated
	}
	if sum := crc.Of(b[atAttributes:h.Size()]); sum != h.CRC {
		return fmt.Errorf("%w: CRC %08x, computed %08x", ErrCorrupt, h.CRC, sum)
	}
	return nil
}

// WholeCRC returns the CRC32C of all of the batch that b begins with, offset and
// epoch included. It takes the CRC that stands in b for true and reads only the
// header: the records are not summed again.
func WholeCRC(b []byte) uint32 {
	size := uncountedSize + int(binary.BigEndian.Uint32(b[atBatchLength:]))
	covered := binary.BigEndian.Uint32(b[atCRC:])
	return crc.Combine(crc.Of(b[:atAttributes]), covered, size-atAttributes)
}
