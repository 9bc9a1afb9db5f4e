package s3sim

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever is taken and given in whatever order: nothing overlaps, nothing is
// lost, and neighbours become one.
func TestSpace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := space{max: 1 << 16}
		held := map[int64]int64{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(held) > 0 && rapid.Bool().Draw(t, "give") {
				for off, n := range held {
					s.give(off, n)
					delete(held, off)
					break
				}
			} else {
				n := rapid.Int64Range(1, 1<<13).Draw(t, "n")
				off, ok := s.take(n)
				if !ok {
					continue
				}
				for o, l := range held {
					if off < o+l && o < off+n {
						t.Fatalf("[%d,%d) overlaps [%d,%d)", off, off+n, o, o+l)
					}
				}
				held[off] = n
			}
			sum := int64(0)
			for _, n := range held {
				sum += n
			}
			for i, f := range s.free {
				sum += f.len
				if f.len <= 0 || i > 0 && s.free[i-1].off+s.free[i-1].len >= f.off {
					t.Fatalf("free: %v", s.free)
				}
			}
			if sum != s.end || s.end > s.max {
				t.Fatalf("%d bytes held and free, of %d", sum, s.end)
			}
		}
	})
}
