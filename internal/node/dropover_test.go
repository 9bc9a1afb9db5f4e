package node

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/wal/volume"
)

// kept is a volume with instances in it.
type kept struct {
	volume.Volume
	there []volume.Instance
}

func (k *kept) put(instance ids.WALInstance) {
	k.there = append(k.there, volume.Instance{Live: true})
	k.there[len(k.there)-1].Instance = instance
}

func (k *kept) Instances() []volume.Instance { return slices.Clone(k.there) }

func (k *kept) Remove(instance ids.WALInstance) error {
	k.there = slices.DeleteFunc(k.there, func(i volume.Instance) bool { return i.Instance == instance })
	return nil
}

// What a running node keeps for another to rescue goes once it is over, however
// that came: a log of its whole capacity would stay until the next start.
func TestWhatIsOverElsewhereIsDropped(t *testing.T) {
	img, seq := image.New(), uint64(0)
	do := func(cmd image.Command) {
		t.Helper()
		seq++
		var a *image.Answer
		img, _, a = image.Apply(img, seq, &image.Request{
			ID: image.CommandID{Issuer: ids.UUID{1}, Sequence: seq}, AckedBelow: seq, Command: cmd,
		})
		if a.Refusal != nil {
			t.Fatal(a.Refusal)
		}
	}
	old := func(i byte) ids.WALInstance { return ids.WALInstance{7, i} }
	do(&image.FormatCluster{ClusterID: ids.UUID{1}, Features: image.LatestFeatures()})
	do(&image.RegisterNode{Node: 2, Incarnation: ids.UUID{2}, Reach: []string{"file:///wal/"}})
	do(&image.RegisterNode{Node: 1, Incarnation: ids.UUID{3}})
	for i := range byte(4) {
		do(&image.OpenWAL{Node: 1, NodeEpoch: 1, Instance: old(i), Kind: "shared", Location: "file:///wal/x"})
	}
	do(&image.RegisterNode{Node: 1, Incarnation: ids.UUID{4}, Previous: 1})
	v := &kept{}
	for i := range byte(4) {
		v.put(old(i))
		v.there[i].Live = i == 3
	}
	n := &Node{cfg: &config.Config{}, volume: v, log: slog.New(slog.DiscardHandler)}
	n.cfg.Node.ID = 1

	do(&image.AssignRescuers{Rescuers: []image.WALRescuer{{Instance: old(0), Rescuer: 2}}})
	do(&image.RescueWAL{Node: 2, NodeEpoch: 1, Instance: old(0)})
	n.dropOver(img)
	if len(v.there) != 4 {
		t.Fatalf("what is still needed is gone: %+v", v.there)
	}
	do(&image.RetireWAL{Node: 2, NodeEpoch: 1, Instance: old(0)})
	do(&image.AbandonWAL{Instance: old(1), Holder: 1, HolderEpoch: 1})
	do(&image.RescueWAL{Node: 1, NodeEpoch: 2, Instance: old(2)})
	do(&image.RetireWAL{Node: 1, NodeEpoch: 2, Instance: old(2)})
	do(&image.AbandonWAL{Instance: old(3), Holder: 1, HolderEpoch: 1})
	n.dropOver(img)
	if len(v.there) != 2 || v.there[0].Instance != old(2) || v.there[1].Instance != old(3) {
		t.Errorf("left are %+v; want what it retires itself, and the live one", v.there)
	}
}
