package partition

import (
	"context"
	"log/slog"
	"testing"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
)

// uploads are Streams of which what is uploaded and closed is noted.
type uploads struct {
	Streams
	uploaded int
	closed   []ids.StreamID
	away     chan struct{} // closed once the store is there
}

func (u *uploads) AwaitStore(ctx context.Context) error {
	<-u.away
	return nil
}

func (u *uploads) Upload(context.Context) error {
	u.uploaded++
	return nil
}

func (u *uploads) HandOff(_ context.Context, openings []s3stream.Opening, _ func(ids.StreamID, int64)) error {
	for _, o := range openings {
		u.closed = append(u.closed, o.Stream)
	}
	return nil
}

// modeSet is a set that serves one partition, whose topic asks for a mode.
func modeSet(t *testing.T, isDirect, diskless bool) (*Set, *Partition, *uploads) {
	t.Helper()
	streams := &uploads{}
	set := NewSet(SetConfig{
		Base: &config.Config{}, Log: slog.New(slog.DiscardHandler), Image: image.New, Clock: clock.Wall(), Streams: streams,
	})
	p := open(t, &memStream{direct: isDirect}, &quota{1 << 20})
	set.add(p)
	p.settings.Store(&config.Topic{Diskless: diskless})
	return set, p, streams
}

var topicT = map[string]struct{}{"t": {}}

func TestAPartitionLeavesObjectStorageThatIsThere(t *testing.T) {
	set, p, streams := modeSet(t, true, false)
	streams.away = make(chan struct{})
	set.followModes(t.Context(), topicT)
	mustProduce(t, p, -1, 0, 0, 1) // while the store is away, nothing changes
	select {
	case <-set.modes.prepared:
		t.Fatal("it does not wait for the store")
	default:
	}
	close(streams.away)
	left := set.leavePrepared(t.Context(), <-set.modes.prepared)
	set.handOffs.Wait()
	if len(left) != 1 || left[0] != p || len(streams.closed) != 1 || streams.uploaded > 0 {
		t.Errorf("left %v, closed %v, %d uploads", left, streams.closed, streams.uploaded)
	}
	if !set.Settles(p.TopicID, p.Index) {
		t.Error("requests in between are not held")
	}
	if _, err := produce(t, p, -1, 0, 0, 1, 1); err == nil {
		t.Error("it still takes appends")
	}
}

func TestAPartitionLeavesTheWALAfterAnUpload(t *testing.T) {
	set, p, streams := modeSet(t, false, true)
	set.followModes(t.Context(), topicT)
	mustProduce(t, p, -1, 0, 0, 1) // appends go on
	set.followModes(t.Context(), topicT)
	left := set.leavePrepared(t.Context(), <-set.modes.prepared)
	set.handOffs.Wait()
	if len(left) != 1 || len(streams.closed) != 1 || streams.uploaded != 1 {
		t.Errorf("left %v, closed %v, %d uploads", left, streams.closed, streams.uploaded)
	}
}

func TestAModeThatIsChangedBackInTimeChangesNothing(t *testing.T) {
	set, p, streams := modeSet(t, false, true)
	set.followModes(t.Context(), topicT)
	p.settings.Store(&config.Topic{})
	left := set.leavePrepared(t.Context(), <-set.modes.prepared)
	set.handOffs.Wait()
	if len(left) > 0 || len(streams.closed) > 0 || len(set.modes.preparing) > 0 {
		t.Errorf("left %v, closed %v", left, streams.closed)
	}
	mustProduce(t, p, -1, 0, 0, 1)
}

// Of two logs, the later part may be summarized first: its state stays known.
func TestSummariesKeepWhatIsPast(t *testing.T) {
	var s summaries
	s.seed(10, newProducers())
	s.note(20, nil)
	s.note(30, nil)
	s.note(15, nil)
	for _, end := range []int64{10, 15, 20, 30} {
		if _, ok := s.at(end); !ok {
			t.Errorf("the state at %d is forgotten", end)
		}
	}
}
