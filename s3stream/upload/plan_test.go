package upload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/s3stream/meta"
)

func TestPlanSplitsLargeStreamsAndGathersSmallOnes(t *testing.T) {
	a1 := Extent{Stream: 1, Epoch: 1, Start: 0, End: 10, Bytes: 6}
	a2 := Extent{Stream: 1, Epoch: 2, Start: 10, End: 20, Bytes: 6}
	b := Extent{Stream: 2, Epoch: 1, Start: 5, End: 6, Bytes: 5}
	c := Extent{Stream: 3, Epoch: 1, Start: 0, End: 6, Bytes: 6}
	d := Extent{Stream: 4, Epoch: 1, Start: 0, End: 1, Bytes: 1}
	got := Plan([]Extent{d, a2, c, a1, b}, Limits{SplitBytes: 10, SetBytes: 9})
	want := []PlannedObject{
		{Kind: meta.StreamObject, Extents: []Extent{a1, a2}, Bytes: 12},
		{Kind: meta.StreamSetObject, Extents: []Extent{b}, Bytes: 5},
		{Kind: meta.StreamSetObject, Extents: []Extent{c, d}, Bytes: 7},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := Plan(nil, Limits{SplitBytes: 1, SetBytes: 1}); len(got) != 0 {
		t.Errorf("objects out of nothing: %v", got)
	}
}

func TestTriggers(t *testing.T) {
	all := Triggers{Bytes: 100, Interval: time.Minute, FillPercent: 50, RescueTarget: 2 * time.Second, ReadBandwidth: 40}
	for _, tt := range []struct {
		name string
		load Load
		want Reason
	}{
		{"nothing to seal", Load{Untrimmed: 900, Capacity: 1000, Age: time.Hour}, NotYet},
		{"young and small", Load{Unsealed: 10, Untrimmed: 10, Capacity: 1000}, NotYet},
		{"bytes", Load{Unsealed: 100, Untrimmed: 100, Capacity: 1000}, ByBytes},
		{"interval", Load{Unsealed: 1, Untrimmed: 1, Capacity: 1000, Age: time.Minute}, ByInterval},
		{"fill", Load{Unsealed: 36, Untrimmed: 70, Capacity: 140}, ByFill},
		{"rescue", Load{Unsealed: 40, Untrimmed: 100, Capacity: 1000}, ByRescue},
		{"most is on its way", Load{Unsealed: 10, Untrimmed: 90, Capacity: 100}, NotYet},
	} {
		if got := all.Decide(tt.load); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := (Triggers{}).Decide(Load{Unsealed: 1 << 40, Untrimmed: 1 << 40, Capacity: 1, Age: time.Hour}); got != NotYet {
		t.Errorf("everything off: %q", got)
	}
}
