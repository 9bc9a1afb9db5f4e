package partition

import (
	"context"
	"errors"
	"testing"

	"github.com/seawallmq/seawall/broker/batch"
)

func TestBatchesThatSpanSegments(t *testing.T) {
	var whole []byte
	for base := range int64(3) {
		b := batch.NewBuilder()
		b.Add(1000+base, []byte("key"), []byte("value"))
		raw := b.AppendTo(nil)
		batch.SetBaseOffset(raw, base)
		whole = append(whole, raw...)
	}
	for cut := range len(whole) {
		next := int64(0)
		more, err := walkSegments([][]byte{whole[:cut], whole[cut:]}, func(h *batch.Header, _ []byte) bool {
			if h.BaseOffset != next {
				t.Fatalf("cut at %d: batch %d, want %d", cut, h.BaseOffset, next)
			}
			next++
			return true
		})
		if err != nil || !more || next != 3 {
			t.Fatalf("cut at %d: %d batches, %v", cut, next, err)
		}
		if _, err := walkSegments([][]byte{whole[:len(whole)-1-cut/4]}, func(*batch.Header, []byte) bool { return true }); !errors.Is(err, batch.ErrTruncated) {
			t.Fatalf("an end within a batch: %v", err)
		}
	}
}

// notedTail is a partition of one batch, of producer 4, that a recovery noted
// and whose object store hangs.
func notedTail(memory Memory) (*Partition, *storedStream) {
	tails := NewTails(memory)
	raw := rawBatch(0, 4, 0, 0)
	tails.Record(7, 1, 0, 1, raw)
	s := &storedStream{hang: true}
	s.ends, s.batches, s.durable = []int64{1}, [][]byte{raw}, 1
	p := toRestore(s, memory)
	p.tail = tails.take(7, 0, 1)
	return p, s
}

// The upload of a tail may be committed while the partition is opened from what
// was noted of that tail: this is no reason to turn to the object store.
func TestCommitDuringARestoreFromMemory(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // whoever turns to the store fails at once
	p, stream := notedTail(&quota{1 << 20})
	plan := p.plan()
	stream.committed = 1
	if err := p.restore(ctx, plan); err != nil || plan.source != fromMemory {
		t.Fatalf("restored from source %d: %v", plan.source, err)
	}
	if got := p.Producers(); len(got) != 1 || got[0].ID != 4 || got[0].LastSequence != 0 {
		t.Errorf("producers %+v", got)
	}
}
