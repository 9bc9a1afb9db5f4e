package node

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

func TestReadRateOfAProbe(t *testing.T) {
	clk := clock.NewManual(time.Unix(1e9, 0))
	var reads atomic.Int64
	got, err := probeReadRate(clk, 100*probeChunk+512, func(dst []byte, position int64) error {
		if position%probeChunk != 0 || position > 107*probeChunk {
			t.Errorf("read of %d bytes at %d", len(dst), position)
		}
		if reads.Add(1) == 1 {
			clk.Advance(20 * time.Millisecond)
		}
		return nil
	})
	if want := int64(probeReads * probeChunk * 50); err != nil || got != want || reads.Load() != probeReads {
		t.Errorf("%d bytes a second, %v; want %d", got, err, want)
	}
	broken := errors.New("broken")
	if _, err := probeReadRate(clk, 0, func([]byte, int64) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
