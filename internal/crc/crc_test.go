package crc

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestCombineEqualsOnePass(t *testing.T) {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "a")
		b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "b")
		whole := crc32.Checksum(append(append([]byte{}, a...), b...), castagnoli)
		if got := Combine(Of(a), Of(b), len(b)); got != whole {
			t.Fatalf("Combine = %08x, one pass gives %08x", got, whole)
		}
		if got := Update(Of(a), b); got != whole {
			t.Fatalf("Update = %08x, one pass gives %08x", got, whole)
		}
	})
}

func TestCombineReplacesPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "a")
		replaced := rapid.SliceOfN(rapid.Byte(), len(a), len(a)).Draw(t, "replaced")
		b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "b")
		before := Update(Of(a), b)
		want := Update(Of(replaced), b)
		if got := Combine(Of(a)^Of(replaced), before, len(b)); got != want {
			t.Fatalf("got %08x, want %08x", got, want)
		}
	})
}

func TestCombineLargeLengths(t *testing.T) {
	b := make([]byte, 5<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	head := []byte("head")
	for _, n := range []int{1 << 16, 1<<20 - 1, 1 << 20, len(b)} {
		want := Update(Of(head), b[:n])
		if got := Combine(Of(head), Of(b[:n]), n); got != want {
			t.Errorf("length %d: got %08x, want %08x", n, got, want)
		}
	}
}

// Lengths past what fits in memory are checked by associativity: shifting by
// n+m must be shifting by n, then by m.
func TestCombineShiftsAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum := rapid.Uint32().Draw(t, "crc")
		n := rapid.IntRange(0, 1<<61).Draw(t, "n")
		m := rapid.IntRange(0, 1<<61).Draw(t, "m")
		if got, want := Combine(sum, 0, n+m), Combine(Combine(sum, 0, n), 0, m); got != want {
			t.Fatalf("shift by %d+%d: got %08x, want %08x", n, m, got, want)
		}
	})
}

func TestCombineKnownVector(t *testing.T) {
	// "123456789" is the check value of every CRC catalogue.
	const want = 0xe3069283
	if got := Of([]byte("123456789")); got != want {
		t.Fatalf("Of = %08x, want %08x", got, want)
	}
	if got := Combine(Of([]byte("1234")), Of([]byte("56789")), 5); got != want {
		t.Fatalf("Combine = %08x, want %08x", got, want)
	}
}

func TestCombineRefusesNegativeLength(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	Combine(1, 2, -1)
}

func TestCombineDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { sink = Combine(1, 2, 1<<20-1) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

var sink uint32

func BenchmarkCombine(b *testing.B) {
	for _, bc := range []struct {
		name string
		n    int
	}{{"1KiB", 1100}, {"1MiB-1", 1<<20 - 1}, {"2GiB-1", 1<<31 - 1}} {
		b.Run(bc.name, func(b *testing.B) {
			for b.Loop() {
				sink = Combine(sink, 2, bc.n)
			}
		})
	}
}
