package wal

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device/multihost"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/reserve"
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

// The same on a device that refuses the write: the log is fenced by that, and
// says so as it does of a shared one.
func TestWriteRefusedByReservation(t *testing.T) {
	disk := multihost.New(9 * mib)
	take := func(host string, c reserve.Claim) *multihost.Host {
		t.Helper()
		h := disk.Host(host)
		if err := reserve.Take(h.Ioctl, c); err != nil {
			t.Fatal(err)
		}
		return h
	}
	node := testOwner.Node
	log := startLog(t, createArea(t, deviceVolume(t, take("a", reserve.Claim{Node: node, Epoch: 1}), 8*mib), 1), nil)
	appendWait(t, log, dataRecord(1, 0, 1, []byte("v")))
	take("b", reserve.Claim{Node: node, Epoch: 2, Rescue: true, Since: 1})
	w := newWaiter()
	if _, err := log.Append(dataRecord(1, 1, 1, []byte("v")), w); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{<-w.done, log.Failed(), log.Close()} {
		if !errors.Is(err, ErrFenced) || !errors.Is(err, fence.ErrFenced) {
			t.Errorf("told: %v", err)
		}
	}
}
