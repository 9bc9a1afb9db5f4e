package volume

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/device/multihost"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// reserved opens the node's own volume on a host, as OpenBlock does.
func reserved(t *testing.T, host *multihost.Host, epoch ids.NodeEpoch) (Volume, error) {
	t.Helper()
	o := owner
	o.Fence, o.NodeEpoch = walfmt.FenceReservation, epoch
	if err := o.reserve("disk", host, host.Ioctl); err != nil {
		return nil, err
	}
	v, err := OnDevice("disk", host, o)
	if err != nil {
		t.Fatal(err)
	}
	return v, nil
}

// rescued takes an instance over on a host, as OpenForeignBlock does.
func rescued(host *multihost.Host, o ForeignOptions) (*Area, error) {
	f := &Foreign{path: "disk", block: true, opts: o}
	return f.take("disk", host, host.Ioctl)
}

func TestReservedWALIsTakenFromTheLiving(t *testing.T) {
	disk := multihost.New(9 * mib)
	v, err := reserved(t, disk.Host("a"), 1)
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, v, 1)
	put(t, a, 0)
	ask := foreignOf(1, walfmt.FenceReservation)
	for _, host := range []string{"b", "c"} { // the first rescuer dies
		area, err := rescued(disk.Host(host), ask)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, area, 1)
		if disk.Holder() != 0x8000_0007_0000_0004 { // node 7, epoch 2, a rescuer
			t.Errorf("it is taken with key %#x", disk.Holder())
		}
	}
	refused := func(err error) {
		t.Helper()
		if !errors.Is(err, fence.ErrFenced) || !errors.Is(err, unix.EBADE) {
			t.Errorf("the former holder is told: %v", err)
		}
	}
	refused(a.WriteTrimHint(512))
	_, err = v.Create(Spec{Instance: ids.UUID{9}, NodeEpoch: 1, WindowBytes: mib})
	refused(err)

	// The node is back, on another host; those who had the device are refused.
	back, err := reserved(t, disk.Host("d"), 3)
	if err != nil {
		t.Fatal(err)
	}
	b := create(t, back, 3, Kept{Instance: ids.UUID{1}, From: 0, End: mib})
	put(t, b, 0)
	old, err := back.Open(ids.UUID{1})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, old, 1)
	refused(a.WriteTrimHint(512))
	if _, err := rescued(disk.Host("b"), ask); !errors.Is(err, fence.ErrFenced) {
		t.Errorf("a rescuer that comes too late: %v", err)
	}
	var wrong *WrongWALError
	if _, err := reserved(t, disk.Host("a"), 1); !errors.As(err, &wrong) {
		t.Errorf("a former incarnation: %v", err)
	}
	put(t, b, mib)

	// The header tells who has it, however long ago that was.
	if _, err := reserved(t, disk.Host("a"), 5000); err != nil {
		t.Error(err)
	}
	refused(b.WriteTrimHint(512))
}

// A device that is not this node's stays whose it is.
func TestReservationOfAnotherNodesDevice(t *testing.T) {
	disk := multihost.New(9 * mib)
	v, err := reserved(t, disk.Host("a"), 1)
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, v, 1)
	before := disk.Holder()
	o := owner
	o.Fence, o.NodeEpoch, o.Node = walfmt.FenceReservation, 5, 8
	var wrong *WrongWALError
	host := disk.Host("b")
	if err := o.reserve("disk", host, host.Ioctl); !errors.As(err, &wrong) {
		t.Errorf("the WAL of another node: %v", err)
	}
	ask := foreignOf(2, walfmt.FenceReservation)
	if _, err := rescued(host, ask); !errors.Is(err, errOtherInstance) {
		t.Errorf("another instance: %v", err)
	}
	if disk.Holder() != before {
		t.Error("its reservation was taken")
	}
	put(t, a, 0)
}

// A loop device is a block device of the kernel that has no reservations.
func TestReservationIsRefusedByADeviceWithoutIt(t *testing.T) {
	path := loopDevice(t, 9*mib)
	content := func() []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, 9*mib), 0o600); err != nil {
		t.Fatal(err)
	}
	o := owner
	o.CapacityBytes, o.Fence, o.NodeEpoch = 0, walfmt.FenceReservation, 1
	for _, at := range []string{path, file} {
		_, err := OpenBlock(at, o)
		if err == nil {
			t.Fatalf("%s was opened", at)
		}
		for _, want := range []string{at, "IOC_PR_REGISTER", "fence=reservation needs"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
		if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOTTY) {
			t.Errorf("%v is not the kernel's refusal", err)
		}
	}
	if !bytes.Equal(content(), make([]byte, 9*mib)) {
		t.Error("something was written")
	}

	o.Fence = walfmt.FenceExclusive
	v, err := OpenBlock(path, o) // nothing is left locked
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, v, 1)
	put(t, a, 0)
	closeAll(t, a, v)
	before := content()
	_, err = OpenForeignBlock(path, foreignOf(1, walfmt.FenceReservation))
	if !errors.Is(err, unix.EOPNOTSUPP) || !strings.Contains(err.Error(), path) {
		t.Errorf("its rescuer is told: %v", err)
	}
	if !bytes.Equal(content(), before) {
		t.Error("its rescuer wrote something")
	}
}

func TestReservationThroughTheDeviceMapper(t *testing.T) {
	sys := t.TempDir()
	path := filepath.Join(t.TempDir(), "file") // of device 0:0
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkReservable(path, sys, walfmt.FenceReservation); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(sys, "dev/block/0:0/dm"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := checkReservable(path, sys, walfmt.FenceReservation); err == nil || !strings.Contains(err.Error(), "device mapper") {
		t.Errorf("told: %v", err)
	}
	if err := checkReservable(path, sys, walfmt.FenceExclusive); err != nil {
		t.Errorf("an exclusive one: %v", err)
	}
}

// Some drivers report a conflict of keys as they report a refused write.
func TestConflictByErrno(t *testing.T) {
	disk := multihost.New(9 * mib)
	ioctl := func(h *multihost.Host) func(uint, []byte) (int, error) {
		return func(request uint, argument []byte) (int, error) {
			status, err := h.Ioctl(request, argument)
			if status != 0 {
				return 0, unix.EBADE
			}
			return 0, err
		}
	}
	a := disk.Host("a")
	o := owner
	o.Fence, o.NodeEpoch = walfmt.FenceReservation, 1
	if err := o.reserve("disk", a, ioctl(a)); err != nil {
		t.Fatal(err)
	}
	o.NodeEpoch = 5 // the key of epoch 1 has to be searched for
	b := disk.Host("b")
	if err := o.reserve("disk", b, ioctl(b)); err != nil {
		t.Fatal(err)
	}
	op := &device.Op{Kind: device.Write, Bufs: [][]byte{make([]byte, 512)}}
	if err := device.Do(a, op); !errors.Is(err, unix.EBADE) {
		t.Errorf("the former holder writes: %v", err)
	}
}
