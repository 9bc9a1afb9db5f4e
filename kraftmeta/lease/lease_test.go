package lease

import (
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

const s = time.Second

// nodes is an image with these nodes registered, in turn.
func nodes(t *testing.T, img *image.Image, registered ...ids.NodeID) *image.Image {
	t.Helper()
	do := func(cmd image.Command) {
		index := img.Index() + 1
		next, _, answer := image.Apply(img, index, &image.Request{
			ID: image.CommandID{Issuer: ids.UUID{9}, Sequence: index}, AckedBelow: index, Command: cmd,
		})
		if answer.Refusal != nil {
			t.Fatal(answer.Refusal)
		}
		img = next
	}
	if img.Index() == 0 {
		do(&image.FormatCluster{ClusterID: ids.UUID{1}})
	}
	for _, id := range registered {
		do(&image.RegisterNode{Node: id, Incarnation: ids.UUID{2, byte(id), byte(img.Index())}, Previous: img.EpochOf(id)})
	}
	return img
}

func expect(t *testing.T, l *Leases, img *image.Image, now time.Duration, want ...ids.NodeID) {
	t.Helper()
	var got []ids.NodeID
	for _, n := range l.Expired(img, now) {
		got = append(got, n.ID)
	}
	if len(got) != len(want) {
		t.Fatalf("at %v expired %v, want %v", now, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("at %v expired %v, want %v", now, got, want)
		}
	}
}

func TestSilentNodesExpire(t *testing.T) {
	img := nodes(t, image.New(), 1, 2, 3)
	l := New(10 * s)
	expect(t, l, img, 100*s) // a new controller gives everybody a whole session
	l.Beat(2, 1, 105*s)
	l.Beat(3, 1, 105*s)
	expect(t, l, img, 109*s)
	if at, ok := l.Next(img, 109*s); !ok || at != 110*s {
		t.Errorf("next at %v, %v", at, ok)
	}
	expect(t, l, img, 110*s, 1)
	if at, ok := l.Next(img, 110*s); !ok || at != 115*s {
		t.Errorf("next after the first at %v, %v", at, ok)
	}
	l.Beat(1, 1, 111*s) // it was only slow, and nobody fenced it yet
	expect(t, l, img, 115*s, 2, 3)
}

func TestABeatOfAnEarlierLifeDoesNotCount(t *testing.T) {
	img := nodes(t, image.New(), 1)
	l := New(10 * s)
	expect(t, l, img, 0)
	img = nodes(t, img, 1) // registered anew, at epoch 2
	expect(t, l, img, 9*s) // which gives it a session of its own
	l.Beat(1, 1, 15*s)     // a late one of its former process
	expect(t, l, img, 18*s)
	expect(t, l, img, 19*s, 1)
}
