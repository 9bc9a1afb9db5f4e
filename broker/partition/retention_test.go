package partition

import (
	"context"
	"iter"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
)

// awayStream is a stream whose object store does not answer.
type awayStream struct {
	memStream
	asked chan struct{}
}

func (s *awayStream) Attachments(ctx context.Context, _, _ int64) iter.Seq2[s3stream.Attachment, error] {
	return func(yield func(s3stream.Attachment, error) bool) {
		s.asked <- struct{}{}
		<-ctx.Done()
		yield(s3stream.Attachment{}, ctx.Err())
	}
}

// noStreams opens nothing.
type noStreams struct{ Streams }

func (noStreams) Drop([]ids.StreamID) {}
func (noStreams) Flush(bool)          {}

// Retention that waits for an object store that is away does not keep the set
// from following the metadata.
func TestRetentionDoesNotHoldUpTheMetadata(t *testing.T) {
	manual := clock.NewManual(time.Unix(1e6, 0))
	base := &config.Config{}
	base.Topics.RetentionCheckInterval, base.Topics.ProducerIDCheckEvery = time.Minute, time.Hour
	set := NewSet(SetConfig{
		Base: base, Clock: manual, Log: slog.New(slog.DiscardHandler), Image: image.New, Streams: noStreams{},
		Memory: &quota{1 << 20},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan struct{})
	set.noteAll()
	go func() { set.Run(ctx); close(ended) }()
	for taken := false; !taken; runtime.Gosched() { // the comparison of everything, which ends p
		set.notice.mu.Lock()
		taken = !set.notice.pending.everything
		set.notice.mu.Unlock()
	}
	set.Changed(image.New(), image.New(), image.Delta{Index: 1})
	if err := set.Await(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for at, ok := manual.Next(); !ok || at.After(manual.Now().Add(time.Minute)); at, ok = manual.Next() {
		runtime.Gosched() // until retention waits for its time
	}
	away := &awayStream{asked: make(chan struct{}, 1)}
	p := open(t, &away.memStream, &quota{1 << 20})
	p.stream = away
	p.settings.Store(&config.Topic{Delete: true, RetentionMs: 1, RetentionBytes: -1})
	set.add(p)
	manual.Advance(2 * time.Minute)
	<-away.asked
	set.Changed(image.New(), image.New(), image.Delta{Index: 5})
	if err := set.Await(ctx, 5); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
}
