package batch

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// goldenBatch is two records, the second with a null value and a header:
// checked field by field against the layout in the package comment.
const goldenBatch = "" +
	"0000000000000007" + // base offset
	"0000004a" + // batch length
	"00000003" + // leader epoch
	"02" + // magic
	"42a48d40" + // CRC32C
	"0010" + // attributes: transactional
	"00000001" + // last offset delta
	"0000018bcfe56800" + // base timestamp
	"0000018bcfe56805" + // max timestamp
	"0000000000000fa1" + // producer id
	"0002" + // producer epoch
	"0000002a" + // base sequence
	"00000002" + // number of records
	"18" + "00" + "00" + "00" + "026b" + "0a68656c6c6f" + "00" + // record 0
	"16" + "00" + "0a" + "02" + "026b" + "01" + "02" + "0268" + "0278" // record 1

func goldenBuilder() *Builder {
	b := NewBuilder()
	b.BaseOffset, b.PartitionLeaderEpoch = 7, 3
	b.ProducerID, b.ProducerEpoch, b.BaseSequence = 4001, 2, 42
	b.Transactional = true
	b.Add(1_700_000_000_000, []byte("k"), []byte("hello"))
	b.Add(1_700_000_000_005, []byte("k"), nil, RecordHeader{Key: "h", Value: []byte("x")})
	return b
}

func TestGoldenBytes(t *testing.T) {
	got := goldenBuilder().AppendTo(nil)
	if hex.EncodeToString(got) != goldenBatch {
		t.Fatalf("built\n%x\nwant\n%s", got, goldenBatch)
	}
}

func TestHeaderAgreesWithKmsg(t *testing.T) {
	b := goldenBuilder().AppendTo(nil)
	var k kmsg.RecordBatch
	if err := k.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
	h := mustParse(t, b)
	want := Header{
		BaseOffset: k.FirstOffset, BatchLength: k.Length, PartitionLeaderEpoch: k.PartitionLeaderEpoch,
		Magic: k.Magic, CRC: uint32(k.CRC), Attributes: k.Attributes, LastOffsetDelta: k.LastOffsetDelta,
		BaseTimestamp: k.FirstTimestamp, MaxTimestamp: k.MaxTimestamp, ProducerID: k.ProducerID,
		ProducerEpoch: k.ProducerEpoch, BaseSequence: k.FirstSequence, NumRecords: k.NumRecords,
	}
	if h != want {
		t.Fatalf("got %+v, kmsg says %+v", h, want)
	}
	if !bytes.Equal(k.AppendTo(nil), b) {
		t.Fatal("kmsg writes the batch differently")
	}
	if !bytes.Equal(h.AppendTo(nil), b[:HeaderSize]) {
		t.Fatal("the header does not survive a round trip")
	}
}

func TestHeaderAccessors(t *testing.T) {
	b := goldenBuilder()
	b.Codec = CodecLZ4
	h := mustParse(t, b.AppendTo(nil))
	if h.Codec() != CodecLZ4 || !h.IsTransactional() || h.IsControl() || !h.HasProducerID() || h.TimestampType() != CreateTime {
		t.Errorf("attributes %04x misread", h.Attributes)
	}
	if h.LastOffset() != 8 || h.NextOffset() != 9 || h.LastSequence() != 43 {
		t.Errorf("last offset %d, next %d, last sequence %d", h.LastOffset(), h.NextOffset(), h.LastSequence())
	}
	h.BaseSequence = NoSequence
	if h.LastSequence() != NoSequence {
		t.Errorf("a batch without sequence has last sequence %d", h.LastSequence())
	}
}

func TestAddSequenceWraps(t *testing.T) {
	for _, c := range []struct{ sequence, n, want int32 }{
		{0, 0, 0}, {5, 3, 8}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 5, 3},
	} {
		if got := AddSequence(c.sequence, c.n); got != c.want {
			t.Errorf("AddSequence(%d, %d) = %d, want %d", c.sequence, c.n, got, c.want)
		}
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	good := goldenBuilder().AppendTo(nil)
	with := func(at int, bytes ...byte) []byte {
		b := append([]byte{}, good...)
		copy(b[at:], bytes)
		return b
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":              {nil, ErrTruncated},
		"one byte short":     {good[:HeaderSize-1], ErrTruncated},
		"old message set":    {with(atMagic, 1)[:30], ErrUnsupportedFormat},
		"next version":       {with(atMagic, 3), ErrUnsupportedFormat},
		"negative length":    {with(atBatchLength, 0xff, 0xff, 0xff, 0xff), ErrCorrupt},
		"length of a header": {with(atBatchLength, 0, 0, 0, HeaderSize-uncountedSize-1), ErrCorrupt},
	} {
		if _, err := ParseHeader(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestParseHeaderDoesNotAllocate(t *testing.T) {
	b := goldenBuilder().AppendTo(nil)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ParseHeader(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
