package load

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What says who sent a record and as what number is its id:
//
//	producer uint32, sequence uint64, big-endian
//
// It is the key; where the scenario has keys, it is the only header instead, and
// the key is the key's number as uint64. The value does not compress.
const (
	idBytes      = 12
	keyBytes     = 8
	headerName   = "i"
	contentBytes = 1 << 20 // from which values are cut
)

func putID(id []byte, producer uint32, seq uint64) {
	binary.BigEndian.PutUint32(id, producer)
	binary.BigEndian.PutUint64(id[4:], seq)
}

func parseID(id []byte) (producer uint32, seq uint64, ok bool) {
	if len(id) != idBytes {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(id), binary.BigEndian.Uint64(id[4:]), true
}

// identify reads a record's id.
func identify(r *kgo.Record) (producer uint32, seq uint64, ok bool) {
	if len(r.Headers) == 1 {
		return parseID(r.Headers[0].Value)
	}
	return parseID(r.Key)
}

// contents are the values of all records.
type contents struct {
	bytes  []byte
	length int // of a value
}

func newContents(recordBytes, keys int) *contents {
	c := &contents{length: recordBytes - idBytes}
	if keys > 0 {
		c.length -= keyBytes + len(headerName)
	}
	c.bytes = make([]byte, contentBytes+c.length)
	random := rand.NewChaCha8([32]byte{'s', 'e', 'a'})
	_, _ = random.Read(c.bytes) // never fails
	return c
}

// of is the value of a record: another one than those before it. It must not be
// changed.
func (c *contents) of(producer uint32, seq uint64) []byte {
	const stride = 4099 // a prime, so that no two records of a batch are alike
	at := (seq*stride + uint64(producer)) % contentBytes
	return c.bytes[at : at+uint64(c.length)]
}

// records are reused, so that the driver's collector does not disturb what is
// measured.
type records struct {
	pool     sync.Pool
	topics   []string
	layout   layout
	contents *contents
}

func newRecords(cfg *Config) *records {
	rs := &records{topics: cfg.Topics, layout: cfg.layout(), contents: newContents(cfg.Scenario.RecordBytes, cfg.Scenario.DistinctKeys)}
	rs.pool.New = func() any {
		id := make([]byte, idBytes)
		if rs.layout.keys == 0 {
			return &kgo.Record{Key: id}
		}
		return &kgo.Record{Key: make([]byte, keyBytes), Headers: []kgo.RecordHeader{{Key: headerName, Value: id}}}
	}
	return rs
}

// get is record seq of a producer, for put once it was answered.
func (rs *records) get(producer uint32, seq uint64) *kgo.Record {
	r := rs.pool.Get().(*kgo.Record)
	*r = kgo.Record{Key: r.Key, Headers: r.Headers, Value: rs.contents.of(producer, seq)}
	topic, partition := rs.layout.place(rs.layout.slot(seq))
	r.Topic, r.Partition = rs.topics[topic], partition
	id := r.Key
	if rs.layout.keys > 0 {
		binary.BigEndian.PutUint64(r.Key, rs.layout.key(seq))
		id = r.Headers[0].Value
	}
	putID(id, producer, seq)
	return r
}

func (rs *records) put(r *kgo.Record) { rs.pool.Put(r) }
