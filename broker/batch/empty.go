package batch

import (
	"encoding/binary"
	"math"

	"github.com/seawallmq/seawall/internal/crc"
)

// AppendEmpty appends a batch without records that stands for the offsets from
// base to next, which have none any more, or for as many of them as one batch
// can. It is what Kafka's log cleaner leaves of a batch whose records are all
// gone: consumers go on after it.
func AppendEmpty(dst []byte, base, next int64, leaderEpoch int32) []byte {
	h := Header{
		BaseOffset:           base,
		BatchLength:          HeaderSize - uncountedSize,
		PartitionLeaderEpoch: leaderEpoch,
		Magic:                Magic,
		LastOffsetDelta:      int32(min(next-base-1, math.MaxInt32)),
		BaseTimestamp:        NoTimestamp,
		MaxTimestamp:         NoTimestamp,
		ProducerID:           NoProducerID,
		ProducerEpoch:        NoProducerEpoch,
		BaseSequence:         NoSequence,
	}
	start := len(dst)
	dst = h.AppendTo(dst)
	binary.BigEndian.PutUint32(dst[start+atCRC:], crc.Of(dst[start+atAttributes:]))
	return dst
}
