package batch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seawallmq/seawall/internal/crc"
)

const testDecompressedMax = 8 << 20

var allCodecs = []Codec{CodecNone, CodecGzip, CodecSnappy, CodecLZ4, CodecZstd}

// buildBatch returns a batch of n records with values of valueSize bytes that
// compress to about half.
func buildBatch(codec Codec, n, valueSize int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(valueSize)))
	b := NewBuilder()
	b.Codec = codec
	value := make([]byte, valueSize)
	for i := range n {
		for j := range value {
			value[j] = "abcdefghijklmnop"[rng.IntN(16)]
		}
		b.Add(1_700_000_000_000+int64(i), fmt.Appendf(nil, "key-%d", i), value, RecordHeader{Key: "h", Value: []byte("v")})
	}
	return b.AppendTo(nil)
}

// fixCRC makes the CRC of a batch that a test changed right.
func fixCRC(b []byte) []byte {
	binary.BigEndian.PutUint32(b[atCRC:], crc.Of(b[atAttributes:]))
	return b
}

// wrapRecords returns an uncompressed batch around encoded records, which may be
// malformed.
func wrapRecords(numRecords int32, codec Codec, records []byte) []byte {
	h := Header{
		BatchLength:     int32(HeaderSize - uncountedSize + len(records)),
		Magic:           Magic,
		Attributes:      int16(codec),
		LastOffsetDelta: numRecords - 1,
		ProducerID:      NoProducerID,
		ProducerEpoch:   NoProducerEpoch,
		BaseSequence:    NoSequence,
		NumRecords:      numRecords,
	}
	return fixCRC(append(h.AppendTo(nil), records...))
}

func mustParse(t testing.TB, b []byte) Header {
	t.Helper()
	h, err := ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// copyOf is a copy of one record, headers included.
type copyOf struct {
	offset, timestamp int64
	key, value        string
	nullKey, nullVal  bool
	headers           string
}

func readAllRecords(t fataler, b []byte) []copyOf {
	t.Helper()
	rs, err := OpenRecords(b, nil, testDecompressedMax)
	if err != nil {
		t.Fatal(err)
	}
	var all []copyOf
	for rs.Next() {
		r := rs.Record()
		c := copyOf{offset: r.Offset, timestamp: r.Timestamp, key: string(r.Key), value: string(r.Value), nullKey: r.Key == nil, nullVal: r.Value == nil}
		for k, v := range r.Headers() {
			c.headers += fmt.Sprintf("%s=%s(%v);", k, v, v == nil)
		}
		all = append(all, c)
	}
	if err := rs.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}
