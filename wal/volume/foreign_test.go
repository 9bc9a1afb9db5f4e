package volume

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/walfmt"
)

func foreignOf(n byte, kind walfmt.FenceKind) ForeignOptions {
	return ForeignOptions{
		Cluster: owner.Cluster, Node: owner.Node, Instance: ids.UUID{n}, Fence: kind, Rescuer: 2, NodeEpoch: ids.NodeEpoch(n) + 1, Depth: 2,
	}
}

// names of instance n at the start of its data.
func holds(t *testing.T, a *Area, n byte) {
	t.Helper()
	buf := device.Aligned(int(a.Header.BlockBytes))
	offset, _ := a.Map(0)
	if err := device.Do(a.Device, &device.Op{Kind: device.Read, Offset: offset, Bufs: [][]byte{buf}}); err != nil {
		t.Fatal(err)
	}
	if a.Header.Instance != (ids.UUID{n}) || ids.UUID(buf[:16]) != (ids.UUID{n}) {
		t.Errorf("the area of instance %d is %s and holds %x", n, a.Header.Instance, buf[:16])
	}
}

// A shared WAL is taken from a node that lives, and does not know it yet: its
// next look at the fence tells.
func TestSharedWALIsTakenFromTheLiving(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	o := owner
	o.Fence = walfmt.FenceShared
	v, err := OpenFiles(path, o)
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, v, 1)
	put(t, a, 0)
	guard := fence.NewShared(a.Device, 1)
	if err := guard.Check(); err != nil {
		t.Fatalf("a fresh instance: %v", err)
	}
	f, err := OpenForeignFiles(path, foreignOf(1, walfmt.FenceShared))
	if err != nil {
		t.Fatal(err)
	}
	if err := guard.Check(); !errors.Is(err, fence.ErrFenced) {
		t.Errorf("after the take-over: %v", err)
	}
	holds(t, f.Area, 1)

	// The node is back, and opens another instance beside the old one, which
	// another rescuer finds under its new name.
	b := create(t, v, 2, Kept{Instance: ids.UUID{1}, Elsewhere: true})
	put(t, b, 0)
	if err := fence.NewShared(b.Device, 2).Check(); err != nil {
		t.Errorf("the new instance: %v", err)
	}
	if b.EndMax(0) != o.CapacityBytes {
		t.Errorf("the new instance has %d bytes", b.EndMax(0))
	}
	again, err := OpenForeignFiles(path, foreignOf(1, walfmt.FenceShared))
	if err != nil {
		t.Fatal(err)
	}
	holds(t, f.Area, 1)
	holds(t, again.Area, 1)
	for _, x := range []*Foreign{f, again} {
		if err := errors.Join(x.Area.Close(), x.Remove(), x.Release()); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(asidePath(path, ids.UUID{1})); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the retired file is still there: %v", err)
	}
	if err := (&Foreign{path: path, opts: foreignOf(2, walfmt.FenceShared)}).Remove(); err != nil {
		t.Error(err)
	}
	holds(t, b, 2)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a file in use was removed: %v", err)
	}
	_ = b.Close()
	_ = v.Close()
}

// A raw device is taken as a file is: from the dead, and whole until the rescuer
// closes it.
func TestForeignBlockDevice(t *testing.T) {
	path := loopDevice(t, 9*mib)
	o := owner
	o.CapacityBytes = 0
	v, err := OpenBlock(path, o)
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, v, 1)
	put(t, a, 0)
	ask := foreignOf(1, walfmt.FenceExclusive)
	if _, err := OpenForeignBlock(path, ask); !errors.Is(err, device.ErrLocked) {
		t.Fatalf("while its node lives: %v", err)
	}
	closeAll(t, a, v)
	f, err := OpenForeignBlock(path, ask)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBlock(path, o); !errors.Is(err, device.ErrLocked) {
		t.Errorf("its node opens it while the rescuer still serves it: %v", err)
	}
	holds(t, f.Area, 1)
	if err := errors.Join(f.Area.Close(), f.Remove()); err != nil {
		t.Fatal(err)
	}
	if v, err = OpenBlock(path, o); err != nil {
		t.Fatal(err)
	}
	closeAll(t, create(t, v, 3), v)
}

func TestExclusiveWALIsTakenFromTheDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	open := func() Volume {
		v, err := OpenFiles(path, owner)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := open()
	a := create(t, v, 1)
	put(t, a, 0)
	ask := foreignOf(1, walfmt.FenceExclusive)
	if _, err := OpenForeignFiles(path, ask); !errors.Is(err, device.ErrLocked) {
		t.Fatalf("while its node lives: %v", err)
	}
	_ = a.Close()
	_ = v.Close()
	f, err := OpenForeignFiles(path, ask)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFiles(path, owner); !errors.Is(err, device.ErrLocked) {
		t.Errorf("its node opens it in the middle of a rescue: %v", err)
	}
	holds(t, f.Area, 1)
	if err := f.Release(); err != nil {
		t.Fatal(err)
	}
	for n, how := range map[string]func(*ForeignOptions){
		"instance":                           func(o *ForeignOptions) { o.Instance = ids.UUID{9} },
		"node":                               func(o *ForeignOptions) { o.Node = 9 },
		"cluster":                            func(o *ForeignOptions) { o.Cluster = ids.UUID{9} },
		"epoch, which is not above its own,": func(o *ForeignOptions) { o.NodeEpoch = 1 },
	} {
		o := ask
		how(&o)
		if _, err := OpenForeignFiles(path, o); err == nil {
			t.Errorf("another %s is accepted", n)
		}
	}
	open().Close() // nothing is left locked
	if err := errors.Join(f.Area.Close(), f.Remove()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the retired file is still there: %v", err)
	}
	if err := f.Remove(); err != nil {
		t.Errorf("removed twice: %v", err)
	}
}
