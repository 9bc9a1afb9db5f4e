package reserve_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/device/multihost"
	"github.com/seawallmq/seawall/wal/reserve"
)

const node = 7

func owner(epoch, since ids.NodeEpoch) reserve.Claim {
	return reserve.Claim{Node: node, Epoch: epoch, Since: since}
}

func rescuer(epoch, since ids.NodeEpoch) reserve.Claim {
	return reserve.Claim{Node: node, Epoch: epoch, Since: since, Rescue: true}
}

func key(t *testing.T, c reserve.Claim) reserve.Key {
	t.Helper()
	k, err := c.Key()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeys(t *testing.T) {
	if k := key(t, owner(5, 0)); k != 0x8000_0007_0000_000b || k.String() != "0x800000070000000b" {
		t.Errorf("the owner's key is %s", k)
	}
	if k := key(t, rescuer(5, 0)); k != 0x8000_0007_0000_000a {
		t.Errorf("a rescuer's key is %s", k)
	}
	most := reserve.Claim{Node: 1<<31 - 1, Epoch: 1<<31 - 1}
	if k := key(t, most); k != 1<<64-1 {
		t.Errorf("the highest key is %s", k)
	}
	if key(t, reserve.Claim{Node: 0, Epoch: 1, Rescue: true}) == 0 {
		t.Error("a key is 0")
	}
	for _, c := range []reserve.Claim{{Node: -1, Epoch: 1}, {Node: 1}, {Node: 1, Epoch: 1 << 31}, {Node: 1, Epoch: 3, Since: 4}} {
		if k, err := c.Key(); err == nil {
			t.Errorf("%+v has key %s", c, k)
		}
		if err := reserve.Take(nil, c); err == nil {
			t.Errorf("%+v takes a device", c)
		}
	}
	last := reserve.Key(0)
	for epoch := ids.NodeEpoch(1); epoch < 100; epoch++ {
		for _, k := range []reserve.Key{key(t, rescuer(epoch, 0)), key(t, owner(epoch, 0))} {
			if k <= last {
				t.Fatalf("%s comes after %s", k, last)
			}
			last = k
		}
	}
}

// both runs a test on fresh devices of either kind.
func both(t *testing.T, test func(t *testing.T, fresh func() *multihost.Disk)) {
	for name, nvme := range map[string]bool{"SCSI": false, "NVMe": true} {
		t.Run(name, func(t *testing.T) {
			test(t, func() *multihost.Disk {
				disk := multihost.New(1 << 20)
				disk.NVMe = nvme
				return disk
			})
		})
	}
}

func take(t *testing.T, disk *multihost.Disk, host string, c reserve.Claim) {
	t.Helper()
	if err := reserve.Take(disk.Host(host).Ioctl, c); err != nil {
		t.Fatalf("%s takes the device: %v", host, err)
	}
	if disk.Holder() != uint64(key(t, c)) {
		t.Fatalf("%s took the device with %s, which %#x holds", host, key(t, c), disk.Holder())
	}
}

// writes checks that a host can write, or that the device refuses it.
func writes(t *testing.T, disk *multihost.Disk, host string, want bool) {
	t.Helper()
	err := device.Do(disk.Host(host), &device.Op{Kind: device.Write, Bufs: [][]byte{make([]byte, 512)}})
	if want && err != nil || !want && !errors.Is(err, unix.EBADE) {
		t.Fatalf("a write of %s: %v", host, err)
	}
}

// A device goes from its owner to a rescuer, to another one after that died, and
// back; who lost it cannot write.
func TestTakeOver(t *testing.T) {
	both(t, func(t *testing.T, fresh func() *multihost.Disk) {
		disk := fresh()
		take(t, disk, "a", owner(5, 0))
		writes(t, disk, "a", true)
		writes(t, disk, "b", false)
		take(t, disk, "b", rescuer(6, 5))
		writes(t, disk, "a", false)
		take(t, disk, "c", rescuer(6, 5)) // b is dead
		writes(t, disk, "a", false)
		writes(t, disk, "b", false)
		take(t, disk, "a", owner(7, 5)) // back, and again by another process there
		take(t, disk, "a", owner(9, 7))
		writes(t, disk, "a", true)
		writes(t, disk, "c", false)
		take(t, disk, "d", owner(10, 9)) // the node comes up on another host
		writes(t, disk, "a", false)
		writes(t, disk, "d", true)
	})
}

var errDied = errors.New("the process died")

// dying lets a host do so many ioctls.
func dying(h *multihost.Host, calls int) reserve.Ioctl {
	return func(request uint, argument []byte) (int, error) {
		if calls == 0 {
			return 0, errDied
		}
		calls--
		return h.Ioctl(request, argument)
	}
}

// Wherever a taker dies, the next one has the device and the first owner never
// again.
func TestTakerDiesAtEveryStep(t *testing.T) {
	both(t, func(t *testing.T, fresh func() *multihost.Disk) {
		for _, c := range []struct{ first, next reserve.Claim }{
			{rescuer(6, 5), rescuer(6, 5)},
			{rescuer(6, 5), rescuer(8, 5)},
			{rescuer(6, 5), owner(7, 5)},
			{owner(7, 5), rescuer(8, 5)},
			{owner(7, 5), owner(9, 5)},
		} {
			for calls, done := 0, false; !done; calls++ {
				disk := fresh()
				take(t, disk, "a", owner(5, 0))
				err := reserve.Take(dying(disk.Host("b"), calls), c.first)
				if done = err == nil; !done && !errors.Is(err, errDied) || done && calls < 3 {
					t.Fatalf("%+v with %d calls: %v", c.first, calls, err)
				}
				take(t, disk, "c", c.next)
				writes(t, disk, "a", false)
				writes(t, disk, "c", true)
			}
		}
	})
}

// Who was paused inside Take while later ones had the device is refused, and
// takes nothing from them.
func TestTakerWakesUpTooLate(t *testing.T) {
	both(t, func(t *testing.T, fresh func() *multihost.Disk) {
		for _, late := range []reserve.Claim{rescuer(6, 5), owner(7, 5)} {
			for pause := range 3 { // before each of the calls of a Take that nobody disturbs
				disk, calls := fresh(), 0
				take(t, disk, "a", owner(5, 0))
				err := reserve.Take(func(request uint, argument []byte) (int, error) {
					if calls == pause {
						take(t, disk, "c", rescuer(8, 5))
						take(t, disk, "d", owner(9, 5))
					}
					calls++
					return disk.Host("b").Ioctl(request, argument)
				}, late)
				if !errors.Is(err, reserve.ErrTaken) {
					t.Fatalf("%+v, paused before call %d: %v", late, pause, err)
				}
				writes(t, disk, "a", false)
				writes(t, disk, "d", true)
				if disk.Holder() != uint64(key(t, owner(9, 5))) {
					t.Fatalf("%+v, paused before call %d: %#x holds the device", late, pause, disk.Holder())
				}
			}
		}
	})
}

// An incarnation that took the device and died before it wrote a header left a
// key that nothing tells of.
func TestHolderIsNotInTheHeader(t *testing.T) {
	both(t, func(t *testing.T, fresh func() *multihost.Disk) {
		disk := fresh()
		take(t, disk, "a", owner(3, 0))
		take(t, disk, "b", owner(900, 0))
		take(t, disk, "c", owner(1800, 5))
		writes(t, disk, "b", false)
		err := reserve.Take(disk.Host("d").Ioctl, owner(5000, 5))
		if !errors.Is(err, reserve.ErrTaken) {
			t.Fatalf("a holder from too long ago: %v", err)
		}
		writes(t, disk, "c", true)
	})
}

func TestDeviceOfAnotherProgram(t *testing.T) {
	both(t, func(t *testing.T, fresh func() *multihost.Disk) {
		disk := fresh()
		take(t, disk, "x", reserve.Claim{Node: 99, Epoch: 1}) // no key of this node's
		err := reserve.Take(disk.Host("a").Ioctl, owner(5, 0))
		if !errors.Is(err, reserve.ErrTaken) || !strings.Contains(err.Error(), "IOC_PR_RESERVE: reservation conflict") {
			t.Fatalf("told: %v", err)
		}
		writes(t, disk, "x", true)
	})
}

// recorded is what was asked of the kernel.
func recorded(h *multihost.Host, into *[]string) reserve.Ioctl {
	names := map[uint]string{0x401870c8: "register", 0x401070c9: "reserve", 0x401870cc: "preempt-abort"}
	return func(request uint, argument []byte) (int, error) {
		status, err := h.Ioctl(request, argument)
		*into = append(*into, fmt.Sprintf("%s %d", names[request], status))
		return status, err
	}
}

// The usual ways cost a few calls.
func TestCalls(t *testing.T) {
	disk := multihost.New(1 << 20)
	for _, step := range []struct {
		host  string
		claim reserve.Claim
		want  []string
	}{
		{"a", owner(5, 0), []string{"register 0", "reserve 0"}},
		{"b", rescuer(6, 5), []string{"register 0", "preempt-abort 0", "reserve 0"}},
		{"c", rescuer(6, 5), []string{"register 0", "preempt-abort 24", "reserve 24", // it is gone, b has it
			"preempt-abort 24", "preempt-abort 24", "preempt-abort 0", "register 0", "reserve 0"}},
	} {
		var got []string
		if err := reserve.Take(recorded(disk.Host(step.host), &got), step.claim); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.host, diff)
		}
	}
}

// What the kernel itself says ends a Take at once; what the device says is told.
func TestFailures(t *testing.T) {
	for _, errno := range []error{unix.EOPNOTSUPP, unix.ENOTTY, unix.EPERM, unix.ENODEV} {
		calls := 0
		err := reserve.Take(func(uint, []byte) (int, error) { calls++; return 0, errno }, owner(5, 4))
		if !errors.Is(err, errno) || !strings.HasPrefix(err.Error(), "IOC_PR_REGISTER: ") || calls != 1 {
			t.Errorf("after %d calls: %v", calls, err)
		}
	}
	var status *reserve.StatusError
	err := reserve.Take(func(uint, []byte) (int, error) { return 2, nil }, owner(5, 4))
	if !errors.As(err, &status) || status.Status != 2 || errors.Is(err, reserve.ErrTaken) || !strings.Contains(err.Error(), "device status 0x2") {
		t.Errorf("a failing device: %v", err)
	}
}
