package partition

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
)

// closing is Streams whose closes fail so many times, after the ends are told.
type closing struct {
	Streams
	end      int64
	failures int
}

func (c *closing) HandOff(_ context.Context, openings []s3stream.Opening, ended func(ids.StreamID, int64)) error {
	for _, o := range openings {
		ended(o.Stream, c.end)
	}
	if c.failures--; c.failures >= 0 {
		return errors.New("not closed")
	}
	return nil
}

// The producers of a partition that is handed over outlast an attempt that
// fails.
func TestProducersAreKeptOverAttempts(t *testing.T) {
	memory := &quota{1 << 20}
	tails := NewTails(memory)
	set := NewSet(SetConfig{
		Base: &config.Config{}, Log: slog.New(slog.DiscardHandler), Image: image.New, Tails: tails, Clock: clock.Wall(),
		Streams: &closing{end: 1, failures: 1},
	})
	s := &memStream{}
	p := open(t, s, memory)
	set.add(p)
	mustProduce(t, p, 9, 0, 0, 1)
	s.settle(1, nil)
	set.handOff(t.Context(), []*Partition{p})
	set.handOffs.Wait()
	if f := tails.take(s.ID(), 0, 1); f == nil || len(f.producers.byID) != 1 {
		t.Errorf("kept: %+v", f)
	}
}
