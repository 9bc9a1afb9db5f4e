package batch

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// varint32 reads a zigzag varint of 32 bits and returns the bytes it took, 0
// if p does not begin with one.
func varint32(p []byte) (v int32, n int) {
	if len(p) > 0 && p[0] < 0x80 { // by far the most common
		return int32(p[0]>>1) ^ -int32(p[0]&1), 1
	}
	var zigzag uint32
	for i, c := range p[:min(len(p), binary.MaxVarintLen32)] {
		zigzag |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			if i == binary.MaxVarintLen32-1 && c > math.MaxUint32>>28 {
				break // does not fit
			}
			return int32(zigzag>>1) ^ -int32(zigzag&1), i + 1
		}
	}
	return 0, 0
}

// varint64 reads a zigzag varint of 64 bits and returns the bytes it took, 0
// if p does not begin with one.
func varint64(p []byte) (v int64, n int) {
	if len(p) > 0 && p[0] < 0x80 {
		return int64(p[0]>>1) ^ -int64(p[0]&1), 1
	}
	v, n = binary.Varint(p)
	return v, max(n, 0)
}

// varintLen returns the bytes that v takes as a zigzag varint.
func varintLen(v int64) int {
	zigzag := uint64(v<<1) ^ uint64(v>>63)
	return (bits.Len64(zigzag|1) + 6) / 7
}
