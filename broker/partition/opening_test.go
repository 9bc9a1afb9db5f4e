package partition

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
)

// storedStream is a stream that is in objects, whose store answers as told.
type storedStream struct {
	memStream
	hang bool
	err  error
}

func (s *storedStream) Attachments(ctx context.Context, _, _ int64) iter.Seq2[s3stream.Attachment, error] {
	return func(yield func(s3stream.Attachment, error) bool) {
		if s.hang {
			<-ctx.Done()
			yield(s3stream.Attachment{}, ctx.Err())
			return
		}
		z := batch.NewSummarizer()
		z.Complete = true
		z.Seed([]batch.Producer{{ID: 9, LastTimestamp: 1}})
		b := batch.NewBuilder()
		b.Add(1, nil, []byte("v"))
		if err := z.Add(b.AppendTo(nil)); err != nil {
			panic(err)
		}
		yield(s3stream.Attachment{End: 1, Summary: z.AppendTo(nil)}, s.err)
	}
}

// toRestore is a partition as it is before it is restored.
func toRestore(s Stream, memory Memory) *Partition {
	return &Partition{stream: s, memory: memory, end: s.End(), hw: s.End(), producers: newProducers(), where: nowhere}
}

// nowhere is of a partition that no other node knows of.
func nowhere() whereabouts { return whereabouts{closer: image.NoLeader} }

// Partitions that wait for the object store, however many, are not in the way
// of those that do not.
func TestHangingStoreHoldsUpNoOtherPartition(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s := newOpenings(func(*Partition) {})
	for i := range int32(3 * restoresMax) {
		away := &storedStream{hang: true}
		away.committed = 1
		s.begin(ctx, key{index: i}, toRestore(away, &quota{1 << 20}))
	}
	s.begin(ctx, key{index: 1000}, toRestore(&memStream{}, &quota{1 << 20}))
	if n := s.turns[fromObjects].running; n != restoresMax {
		t.Errorf("%d restores wait for the store at once", n)
	}
	if o := <-s.done; o.key.index != 1000 || s.finish(ctx, o) != nil {
		t.Fatalf("partition %d was restored: %v", o.key.index, o.err)
	}
	if len(s.byKey) != 3*restoresMax {
		t.Errorf("%d partitions are waiting", len(s.byKey))
	}
	cancel()
	s.wait()
}

// A partition whose tail goes into objects while it waits for its turn at the
// log is restored in its turn at the store, and holds up none that reads logs.
func TestCommitWhileWaitingForATurn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newOpenings(func(*Partition) {})
	inLog := func() *storedStream {
		stream := &storedStream{hang: true}
		stream.ends, stream.batches, stream.durable = []int64{1}, [][]byte{rawBatch(0, 4, 0, 0)}, 1
		return stream
	}
	committed := make([]*storedStream, restoresMax)
	for i := range committed {
		committed[i] = inLog()
		o := &opening{key: key{index: int32(i)}, p: toRestore(committed[i], &quota{1 << 20})}
		o.plan = o.p.plan()
		s.byKey[o.key] = o
		s.turns[fromLog].queue = append(s.turns[fromLog].queue, o)
		committed[i].committed = 1
	}
	s.begin(ctx, key{index: 1000}, toRestore(inLog(), &quota{1 << 20}))
	if logs, stores := s.turns[fromLog].running, s.turns[fromObjects].running; logs != 1 || stores != restoresMax {
		t.Errorf("%d read logs, %d wait for the store; want 1 and %d", logs, stores, restoresMax)
	}
	if o := <-s.done; o.key.index != 1000 || s.finish(ctx, o) != nil {
		t.Errorf("partition %d: %v", o.key.index, o.err)
	}
	cancel()
	s.wait()
}

// A partition that is given up while it is restored gives back what it took.
func TestAbandonedInMidRestore(t *testing.T) {
	ctx := t.Context()
	s := newOpenings(func(*Partition) {})
	hung := &storedStream{hang: true}
	hung.committed = 1
	s.begin(ctx, key{index: 1}, toRestore(hung, &quota{1 << 20}))
	s.abandon(s.byKey[key{index: 1}])
	again := &storedStream{} // the same partition, opened anew
	again.committed = 1
	memory := &quota{1 << 20}
	s.begin(ctx, key{index: 1}, toRestore(again, memory))
	s.wait()
	for range 2 {
		o := <-s.done
		if err := s.finish(ctx, o); o.abandoned != errors.Is(err, context.Canceled) {
			t.Errorf("abandoned %v: %v", o.abandoned, err)
		}
		if !o.abandoned && memory.left != 1<<20-producerBytes {
			t.Errorf("%d bytes are charged for one producer", 1<<20-memory.left)
		}
		if o.p.stop(); memory.left > 1<<20 {
			t.Error("more was given back than taken")
		}
	}
	if memory.left != 1<<20 || len(s.byKey) != 0 {
		t.Errorf("%d bytes are left, %d partitions waiting", memory.left, len(s.byKey))
	}
}

// What fails rests until it is tried again, unless it is given up meanwhile.
func TestFailedRestoreIsTriedAgain(t *testing.T) {
	ctx := t.Context()
	s := newOpenings(func(*Partition) {})
	streams := make([]*storedStream, 2)
	for i := range streams {
		streams[i] = &storedStream{err: errDisk}
		streams[i].committed = 1
		s.begin(ctx, key{index: int32(i)}, toRestore(streams[i], &quota{1 << 20}))
	}
	for range streams {
		if err := s.finish(ctx, <-s.done); !errors.Is(err, errDisk) {
			t.Errorf("restored from a store that is away: %v", err)
		}
	}
	s.abandon(s.byKey[key{index: 0}])
	streams[1].err = nil
	s.again(ctx)
	s.wait()
	if o := <-s.done; o.key.index != 1 || s.finish(ctx, o) != nil || len(s.byKey) != 0 {
		t.Errorf("partition %d: %v; %d are waiting", o.key.index, o.err, len(s.byKey))
	}
	if len(s.done) != 0 {
		t.Error("the one that was given up was restored")
	}
}

func TestRetryPauses(t *testing.T) {
	manual := clock.NewManual(time.Unix(0, 0))
	r := newRetry(manual, func() uint64 { return 1<<63 - 1 })
	var pauses []time.Duration
	for range 7 {
		began := manual.Now()
		r.later()
		r.later() // changes nothing
		at, _ := manual.Next()
		manual.Advance(at.Sub(began))
		<-r.due
		r.ended()
		pauses = append(pauses, at.Sub(began))
	}
	for i, p := range pauses {
		whole := min(retryAfterFirst<<i, retryAfterMost)
		if p > whole || p < whole/2 {
			t.Errorf("pause %d is %v", i, p)
		}
	}
	if r.reset(); r.later() > retryAfterFirst {
		t.Error("a success does not shorten the pause")
	}
}
