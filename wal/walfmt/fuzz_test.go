package walfmt

import (
	"bytes"
	"testing"
)

// Whatever the bytes, decoding neither panics nor allocates by their say-so,
// and what decodes encodes to the same bytes.
func FuzzDecodeFlush(f *testing.F) {
	_, b := testFlush(4096, "hello", "", "world")
	f.Add(b)
	f.Add(b[:70])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeFlushHeader(b)
		if err != nil {
			return
		}
		again := make([]byte, FlushHeaderBytes)
		h.Encode(again)
		if !bytes.Equal(again, b[:FlushHeaderBytes]) {
			t.Fatalf("%x encodes to %x", b[:FlushHeaderBytes], again)
		}
		_ = h.VerifyBody(SeedOf(h.Instance), b[FlushHeaderBytes:])
	})
}

func FuzzWalkLog(f *testing.F) {
	_, b := testFlush(0, "hello", "", "world")
	f.Add(int64(64), b[FlushHeaderBytes:])
	f.Fuzz(func(t *testing.T, position int64, b []byte) {
		position &= 1<<40 - 1
		end := position + int64(len(b))
		for walk := WalkLog(position, b); ; {
			r, ok := walk.Next()
			if !ok {
				return
			}
			if r.Position < position || r.End() > end {
				t.Fatalf("record at %d to %d of %d to %d", r.Position, r.End(), position, end)
			}
			position = r.End()
			r.Verify(SeedOf(testInstance))
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	h := testHeader()
	b := make([]byte, SlotBytes)
	if err := h.Encode(b); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHeader(b)
		if err != nil {
			return
		}
		again := make([]byte, SlotBytes)
		if err := h.Encode(again); err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeHeader(again); err != nil {
			t.Fatal(err)
		}
	})
}
