package partition

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// lostAnswer is a stream whose trims reach the metadata without an answer.
type lostAnswer struct{ memStream }

func (s *lostAnswer) Trim(context.Context, int64) error { return context.DeadlineExceeded }

// A DeleteRecords whose client gave up before its outcome was known moves the
// log's start all the same, once the metadata says so.
func TestTrimOfUnknownOutcomeIsFollowed(t *testing.T) {
	set := NewSet(SetConfig{Base: &config.Config{}, Log: slog.New(slog.DiscardHandler), Image: image.New, Streams: noStreams{}})
	lost := &lostAnswer{}
	p := open(t, &lost.memStream, &quota{1 << 20})
	p.stream = lost
	set.add(p)
	mustProduce(t, p, 1, 0, 0, 3)
	lost.settle(1, nil)
	p.mu.Lock()
	p.epochs.begin(9, 2)
	p.mu.Unlock()

	if _, err := p.DeleteRecords(t.Context(), 3); !errors.Is(err, context.DeadlineExceeded) || p.Offsets().Start != 0 {
		t.Fatalf("start %d, %v", p.Offsets().Start, err)
	}
	set.Changed(image.New(), image.New(), image.Delta{Records: []image.Record{&image.Stream{ID: lost.ID(), StartOffset: 3}}})
	if got := p.Offsets().Start; got != 3 {
		t.Errorf("the log starts at %d", got)
	}
	if _, end := p.EndOffsetForEpoch(3); end != 3 {
		t.Errorf("the epoch of what was deleted ends at %d, below the log's start", end)
	}
	set.Changed(image.New(), image.New(), image.Delta{Records: []image.Record{&image.Stream{ID: lost.ID(), StartOffset: 1}}})
	if got := p.Offsets().Start; got != 3 {
		t.Errorf("the log's start went back to %d", got)
	}
	if _, _, err := p.Fetch(t.Context(), 0, FetchOptions{MaxBytes: 1}); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("a deleted record is read: %v", err)
	}
}
