package batch

import (
	"encoding/binary"

	"github.com/seawallmq/seawall/internal/crc"
)

// SetBaseOffset gives the batch that b begins with its offset. It lies outside
// the CRC. Panics if b is shorter than a header.
func SetBaseOffset(b []byte, offset int64) {
	binary.BigEndian.PutUint64(b[:HeaderSize][atBaseOffset:], uint64(offset))
}

// SetLeaderEpoch gives the batch that b begins with its leader epoch. It lies
// outside the CRC. Panics if b is shorter than a header.
func SetLeaderEpoch(b []byte, epoch int32) {
	binary.BigEndian.PutUint32(b[:HeaderSize][atLeaderEpoch:], uint32(epoch))
}

// SetLogAppendTime makes tsMillis the timestamp of all records of the batch
// that b begins with. The CRC is adjusted without reading the records: b need
// hold no more than the header. What was wrong with the CRC before stays wrong.
// Panics if b is shorter than a header.
func SetLogAppendTime(b []byte, tsMillis int64) {
	attributes := binary.BigEndian.Uint16(b[atAttributes:])
	setTimestamp(b, attributes|attrLogAppendTime, tsMillis)
}

// SetMaxTimestamp corrects the largest timestamp in the header of the batch
// that b begins with, as [SetLogAppendTime] does and without changing the
// timestamps' type.
func SetMaxTimestamp(b []byte, tsMillis int64) {
	setTimestamp(b, binary.BigEndian.Uint16(b[atAttributes:]), tsMillis)
}

// setTimestamp rewrites attributes and max timestamp. A CRC is linear: a
// change of some bytes changes it by the CRC of the difference, carried over
// the bytes that follow, whatever those are.
func setTimestamp(b []byte, attributes uint16, tsMillis int64) {
	b = b[:HeaderSize]
	changed := b[atAttributes:atProducerID]
	before := crc.Of(changed)
	binary.BigEndian.PutUint16(b[atAttributes:], attributes)
	binary.BigEndian.PutUint64(b[atMaxTimestamp:], uint64(tsMillis))

	size := uncountedSize + int(binary.BigEndian.Uint32(b[atBatchLength:]))
	sum := crc.Combine(before^crc.Of(changed), binary.BigEndian.Uint32(b[atCRC:]), size-atProducerID)
	binary.BigEndian.PutUint32(b[atCRC:], sum)
}
