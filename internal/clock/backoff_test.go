package clock

import (
	"testing"
	"time"
)

func TestBackoffDoublesUpToItsMost(t *testing.T) {
	b := Backoff{Min: 3 * time.Second, Max: 10 * time.Second}
	for _, want := range []time.Duration{3, 6, 10, 10} {
		if got := b.Next(); got != want*time.Second {
			t.Errorf("pause %v, want %v s", got, int64(want))
		}
	}
	b.Reset()
	if got := b.Next(); got != b.Min {
		t.Errorf("after a reset: %v", got)
	}
}

func TestJitterTakesUpToHalf(t *testing.T) {
	const second = uint64(time.Second)
	for random, want := range map[uint64]time.Duration{0: time.Second, second / 2: time.Second / 2, second/2 + 1: time.Second} {
		b := Backoff{Min: time.Second, Max: time.Second, Random: func() uint64 { return random }}
		if got := b.Next(); got != want {
			t.Errorf("random %d: %v, want %v", random, got, want)
		}
	}
}
