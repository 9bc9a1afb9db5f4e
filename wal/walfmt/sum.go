package walfmt

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumUint64 extends a CRC by the big-endian bytes of v. Byte by byte, because
// a buffer handed to crc32.Update moves to the heap, and this is on the way of
// every record.
func sumUint64(sum uint32, v uint64) uint32 {
	return sumUint32(sumUint32(sum, uint32(v>>32)), uint32(v))
}

func sumUint32(sum, v uint32) uint32 {
	sum = ^sum
	for shift := 24; shift >= 0; shift -= 8 {
		sum = castagnoli[byte(sum)^byte(v>>shift)] ^ sum>>8
	}
	return ^sum
}
