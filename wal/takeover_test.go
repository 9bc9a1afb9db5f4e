package wal

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// A node that was paused while another took its shared WAL over acknowledges
// nothing any more, though its write still goes well; all that it had
// acknowledged is in what the rescuer reads.
func TestLateFlushIsNotAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	o := testOwner
	o.Fence, o.AllowBuffered = walfmt.FenceShared, true
	v, err := volume.OpenFiles(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	area := createArea(t, v, 1)
	log := startLog(t, area, func(c *Config) { c.Fence = fence.NewShared(area.Device, 1) })
	append1 := func(base int64) error {
		w := newWaiter()
		if _, err := log.Append(dataRecord(1, base, 1, []byte("v")), w); err != nil {
			return err
		}
		return <-w.done
	}
	const acked = 20
	for base := range int64(acked) {
		if err := append1(base); err != nil {
			t.Fatal(err)
		}
	}
	f, err := volume.OpenForeignFiles(path, volume.ForeignOptions{
		Cluster: o.Cluster, Node: o.Node, Instance: area.Header.Instance, Fence: walfmt.FenceShared,
		Rescuer: 2, NodeEpoch: ids.NodeEpoch(2), AllowBuffered: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for base := int64(acked); base < acked+2; base++ {
		if err := append1(base); !errors.Is(err, ErrFenced) {
			t.Errorf("late append: %v", err)
		}
	}
	found := int64(0)
	rec, err := Recover(context.Background(), f.Area, Expect{Cluster: o.Cluster, Node: o.Node, Instance: area.Header.Instance},
		func(r *walfmt.Record) error { found = r.EndOffset; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if found < acked {
		t.Errorf("the rescuer finds %d records, %d were acknowledged", found, acked)
	}
	if err := errors.Join(rec.Close(), f.Release()); err != nil {
		t.Error(err)
	}
	if err := log.Close(); !errors.Is(err, ErrFenced) {
		t.Errorf("closed with %v", err)
	}
}
