package rescue

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/wal/walfmt"
)

func data(stream ids.StreamID, epoch ids.StreamEpoch, base, end int64) *walfmt.Record {
	return &walfmt.Record{RecordHeader: walfmt.RecordHeader{
		Kind: walfmt.KindData, Stream: stream, StreamEpoch: epoch, BaseOffset: base, EndOffset: end,
	}, Position: 4096}
}

func TestEndsAreFoundPastWhatObjectsHold(t *testing.T) {
	f := newFinder([]meta.Tail{
		{Stream: 1, Epoch: 3, Start: 10, End: meta.OpenEnd, CommittedEnd: 20},
		{Stream: 2, Epoch: 1, Start: 0, End: 5, CommittedEnd: 0},
		{Stream: 3, Epoch: 1, Start: 7, End: meta.OpenEnd, CommittedEnd: 7},
	})
	for _, tt := range []struct {
		r      *walfmt.Record
		needed bool
	}{
		{data(1, 3, 10, 20), false}, // in objects
		{data(1, 3, 20, 30), true},
		{data(1, 2, 30, 40), false}, // of an opening that is over
		{data(9, 1, 0, 1), false},   // of a stream that is gone
		{data(2, 1, 0, 5), true},
		{data(2, 1, 5, 9), false}, // past where it was closed
		{data(1, 3, 30, 33), true},
		{&walfmt.Record{RecordHeader: walfmt.RecordHeader{Kind: walfmt.KindMark, Stream: 1, StreamEpoch: 3}}, false},
	} {
		needed, err := f.record(tt.r)
		if err != nil || needed != tt.needed {
			t.Errorf("record %d of stream %d: needed %v, %v", tt.r.BaseOffset, tt.r.Stream, needed, err)
		}
	}
	ends, err := f.ends()
	if err != nil {
		t.Fatal(err)
	}
	want := []meta.TailEnd{{Stream: 1, Epoch: 3, End: 33}, {Stream: 3, Epoch: 1, End: 7}}
	if diff := cmp.Diff(want, ends); diff != "" {
		t.Error(diff)
	}
}

func TestMissingAcknowledgedRecordsAreAnError(t *testing.T) {
	var gap *GapError
	f := newFinder([]meta.Tail{{Stream: 1, Epoch: 1, Start: 0, End: meta.OpenEnd, CommittedEnd: 4}})
	if _, err := f.record(data(1, 1, 8, 9)); !errors.As(err, &gap) || gap.From != 4 || gap.To != 8 || gap.Position != 4096 {
		t.Errorf("a hole: %v", err)
	}
	f = newFinder([]meta.Tail{{Stream: 1, Epoch: 1, Start: 0, End: meta.OpenEnd, CommittedEnd: 4}})
	if _, err := f.record(data(1, 1, 3, 9)); !errors.As(err, &gap) {
		t.Errorf("a batch that objects hold half of: %v", err)
	}
	f = newFinder([]meta.Tail{{Stream: 1, Epoch: 1, Start: 0, End: 9, CommittedEnd: 0}})
	if _, err := f.record(data(1, 1, 0, 5)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ends(); !errors.As(err, &gap) || gap.From != 5 || gap.To != 9 || gap.Position != -1 {
		t.Errorf("a closed tail that ends early: %v", err)
	}
}
