package partition

import (
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
