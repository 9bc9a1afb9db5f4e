package batch

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

func TestVarints(t *testing.T) {
	values := []int64{0, -1, 1, 63, -64, 64, -65, 8191, 8192, math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MinInt32 - 1, math.MaxInt64, math.MinInt64}
	for _, want := range values {
		p := binary.AppendVarint(nil, want)
		if varintLen(want) != len(p) {
			t.Errorf("varintLen(%d) = %d, it takes %d", want, varintLen(want), len(p))
		}
		followed := append(bytes.Clone(p), 0xff, 0)
		if v, n := varint64(followed); v != want || n != len(p) {
			t.Errorf("varint64 of %d: %d in %d bytes", want, v, n)
		}
		v, n := varint32(followed)
		if fits := want >= math.MinInt32 && want <= math.MaxInt32; fits && (int64(v) != want || n != len(p)) || !fits && n != 0 {
			t.Errorf("varint32 of %d: %d in %d bytes", want, v, n)
		}
		for cut := range p {
			if _, n := varint64(p[:cut]); n != 0 {
				t.Errorf("varint64 of %d cut at %d takes %d bytes", want, cut, n)
			}
			if _, n := varint32(p[:cut]); n != 0 {
				t.Errorf("varint32 of %d cut at %d takes %d bytes", want, cut, n)
			}
		}
	}
	if _, n := varint32([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0}); n != 0 {
		t.Error("varint32 takes six bytes")
	}
	if _, n := varint32([]byte{0xff, 0xff, 0xff, 0xff, 0x1f}); n != 0 {
		t.Error("varint32 takes 33 bits")
	}
}
