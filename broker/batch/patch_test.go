package batch

import (
	"bytes"
	"errors"
	"testing"

	"github.com/seawallmq/seawall/internal/crc"
	"pgregory.net/rapid"
)

func TestPatchOutsideCRC(t *testing.T) {
	b := buildBatch(CodecNone, 3, 10)
	SetBaseOffset(b, 1<<40)
	SetLeaderEpoch(b, 77)
	h := mustParse(t, b)
	if h.BaseOffset != 1<<40 || h.PartitionLeaderEpoch != 77 {
		t.Fatalf("got %+v", h)
	}
	if err := CheckCRC(b, &h); err != nil {
		t.Fatal(err)
	}
}

func TestSetLogAppendTimeFixesCRC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "records")
		size := rapid.IntRange(0, 500).Draw(t, "value size")
		ts := rapid.Int64().Draw(t, "timestamp")
		b := buildBatch(rapid.SampledFrom(allCodecs).Draw(t, "codec"), n, size)
		payload := bytes.Clone(b[HeaderSize:])

		SetLogAppendTime(b, ts)
		h, err := ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		if h.TimestampType() != LogAppendTime || h.MaxTimestamp != ts {
			t.Fatalf("got %+v", h)
		}
		if err := CheckCRC(b, &h); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[HeaderSize:], payload) {
			t.Fatal("the payload changed")
		}
	})
}

func TestSetLogAppendTimeNeedsOnlyTheHeader(t *testing.T) {
	b := buildBatch(CodecZstd, 10, 100)
	header := bytes.Clone(b[:HeaderSize])
	SetLogAppendTime(header, 123)
	SetLogAppendTime(b, 123)
	if !bytes.Equal(header, b[:HeaderSize]) {
		t.Fatal("the header alone is patched differently")
	}
}

func TestSetLogAppendTimeKeepsFaultyCRCFaulty(t *testing.T) {
	b := buildBatch(CodecNone, 10, 100)
	b[len(b)-1] ^= 1
	SetLogAppendTime(b, 123)
	if h := mustParse(t, b); CheckCRC(b, &h) == nil {
		t.Fatal("a corrupt batch was made to look intact")
	}
}

func TestSetMaxTimestampKeepsType(t *testing.T) {
	b := buildBatch(CodecNone, 2, 10)
	SetMaxTimestamp(b, 5)
	h := mustParse(t, b)
	if h.TimestampType() != CreateTime || h.MaxTimestamp != 5 {
		t.Fatalf("got %+v", h)
	}
	if err := CheckCRC(b, &h); err != nil {
		t.Fatal(err)
	}
}

func TestWholeCRC(t *testing.T) {
	for _, codec := range allCodecs {
		b := buildBatch(codec, 10, 100)
		SetBaseOffset(b, 99)
		SetLogAppendTime(b, 123)
		if got, want := WholeCRC(b), crc.Of(b); got != want {
			t.Errorf("%v: got %08x, want %08x", codec, got, want)
		}
	}
}

func TestCheckCRCOfPartialBatch(t *testing.T) {
	b := buildBatch(CodecNone, 1, 10)
	h := mustParse(t, b)
	if err := CheckCRC(b[:len(b)-1], &h); !errors.Is(err, ErrTruncated) {
		t.Fatalf("got %v", err)
	}
}

func TestPatchDoesNotAllocate(t *testing.T) {
	b := buildBatch(CodecNone, 10, 100)
	if n := testing.AllocsPerRun(100, func() {
		SetBaseOffset(b, 1)
		SetLeaderEpoch(b, 1)
		SetLogAppendTime(b, 1)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkSetLogAppendTime1MiB(b *testing.B) {
	p := buildBatch(CodecNone, 1024, 1000)
	for b.Loop() {
		SetLogAppendTime(p, 123)
	}
}
