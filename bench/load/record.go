package load

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A record's key says who sent it and as what number:
//
//	producer uint32, sequence uint64, big-endian
//
// The value is the same for all records of a length, and does not compress.
const keyBytes = 12

func putKey(key []byte, producer uint32, seq uint64) {
	binary.BigEndian.PutUint32(key, producer)
	binary.BigEndian.PutUint64(key[4:], seq)
}

func parseKey(key []byte) (producer uint32, seq uint64, ok bool) {
	if len(key) != keyBytes {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(key), binary.BigEndian.Uint64(key[4:]), true
}

// valueOf is the value of every record of a length.
func valueOf(recordBytes int) []byte {
	value := make([]byte, recordBytes-keyBytes)
	random := rand.NewChaCha8([32]byte{'s', 'e', 'a'})
	_, _ = random.Read(value) // never fails
	return value
}

// partitionOf is round robin: every partition gets every Partitions-th record.
func partitionOf(seq uint64, partitions int) int32 { return int32(seq % uint64(partitions)) }

// records are reused, so that the driver's collector does not disturb what is
// measured.
type records struct {
	pool  sync.Pool
	value []byte
}

func newRecords(recordBytes int) *records {
	return &records{
		pool:  sync.Pool{New: func() any { return &kgo.Record{Key: make([]byte, keyBytes)} }},
		value: valueOf(recordBytes),
	}
}

func (rs *records) get(producer uint32, seq uint64, partition int32) *kgo.Record {
	r := rs.pool.Get().(*kgo.Record)
	*r = kgo.Record{Key: r.Key, Value: rs.value, Partition: partition}
	putKey(r.Key, producer, seq)
	return r
}

func (rs *records) put(r *kgo.Record) { rs.pool.Put(r) }
