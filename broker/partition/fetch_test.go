package partition

import (
	"context"
	"testing"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/s3stream"
)

// lossyStream is a stream whose end was lost.
type lossyStream struct{ memStream }

func (*lossyStream) TryRead(int64, int64, s3stream.ReadOptions) (s3stream.Result, bool) {
	return s3stream.Result{}, false
}

func (*lossyStream) Read(_ context.Context, _, upTo int64, _ s3stream.ReadOptions) (s3stream.Result, error) {
	return s3stream.Result{NextOffset: upTo}, nil
}

// A reader goes on after what was lost, also if nothing follows it.
func TestFetchPassesAGapAtTheEnd(t *testing.T) {
	s := &lossyStream{}
	s.ends, s.batches, s.durable = []int64{10}, [][]byte{nil}, 1
	p := toRestore(s, &quota{1 << 20})
	p.epochs.begin(1, 0)
	p.epochs.begin(2, 9)
	p.epochs.begin(3, 10)
	if f, missed, err := p.Fetch(t.Context(), 4, FetchOptions{MaxBytes: 100}); !missed || err != nil || f.Bytes != 0 {
		t.Errorf("without a look: %d bytes, missed %v, %v", f.Bytes, missed, err)
	}
	f, missed, err := p.Fetch(t.Context(), 4, FetchOptions{MaxBytes: 100, Block: true})
	if err != nil || missed || len(f.Segments) != 1 || f.Bytes != len(f.Segments[0]) {
		t.Fatalf("%d segments, %d bytes, missed %v, %v", len(f.Segments), f.Bytes, missed, err)
	}
	h, err := batch.ParseHeader(f.Segments[0])
	if err != nil || h.BaseOffset != 4 || h.NextOffset() != 10 || h.NumRecords != 0 || h.PartitionLeaderEpoch != 2 {
		t.Errorf("batch %+v, %v", h, err)
	}
	f.Release()
	f.Release()
	if f, _, err := p.Fetch(t.Context(), 10, FetchOptions{MaxBytes: 100, Block: true}); err != nil || f.Bytes != 0 {
		t.Errorf("at the high watermark: %d bytes, %v", f.Bytes, err)
	}
}
