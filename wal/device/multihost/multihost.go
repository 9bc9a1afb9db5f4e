// Package multihost is a device in memory that several hosts can reach, with the
// persistent reservations of SCSI or of NVMe: for tests of what fences one host
// from it. It was written after the standards and after Linux's own NVMe target,
// apart from what uses it; it is no proof of how a real device behaves.
//
// Owns: who is registered, who holds the reservation, and the refusal of writes.
// Does not own: when a host dies or pauses. Goroutines: those of
// [device.Memory]. Locks: one, a leaf.
package multihost

import (
	"encoding/binary"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/wal/device"
)

// Disk is the device.
type Disk struct {
	// NVMe has it behave as Linux's NVMe target does where that differs from
	// SCSI, and answer as older kernels do.
	NVMe bool

	memory *device.Memory

	mu     sync.Mutex
	keys   map[string]uint64 // by host
	holder string            // of the reservation; "" is none
}

// New makes a zeroed device of n bytes that nobody has reserved.
func New(n int64) *Disk { return &Disk{memory: device.NewMemory(n), keys: map[string]uint64{}} }

// Holder is the key of who has it reserved, 0 if nobody has.
func (d *Disk) Holder() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keys[d.holder]
}

// Host is the device as one host sees it. It implements device.Device.
func (d *Disk) Host(name string) *Host { return &Host{disk: d, name: name} }

// Host is one host's view of a Disk.
type Host struct {
	disk *Disk
	name string
}

// Geometry implements device.Device.
func (h *Host) Geometry() device.Geometry { return h.disk.memory.Geometry() }

// Submit implements device.Device.
func (h *Host) Submit(op *device.Op) {
	go func() {
		h.Inline(op)
		op.Done(op)
	}()
}

// Inline implements device.Device: writes of a host that is not registered fail
// while the device is reserved, as the kernel reports it.
func (h *Host) Inline(op *device.Op) bool {
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if op.Kind != device.Read && d.holder != "" && d.keys[h.name] == 0 {
		op.Err = fmt.Errorf("%s at %d by %s: %w", op.Kind, op.Offset, h.name, unix.EBADE)
		return true
	}
	return d.memory.Inline(op)
}

// Close implements device.Device. Registrations outlive it.
func (h *Host) Close() error { return nil }

// The request numbers and flags of linux/pr.h.
const (
	iocRegister     = 0x401870c8
	iocReserve      = 0x401070c9
	iocPreemptAbort = 0x401870cc

	typeRegistrantsOnly = 3
	flagIgnoreKey       = 1
)

// Ioctl does what the kernel and the device do for a reservation's ioctl.
func (h *Host) Ioctl(request uint, argument []byte) (status int, err error) {
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if want := int(request >> 16 & 0x3fff); len(argument) != want {
		return 0, fmt.Errorf("argument of %d bytes for a request of %d: %w", len(argument), want, unix.EFAULT)
	}
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(argument[at:]) }
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(argument[at:]) }
	ok := false
	switch request {
	case iocRegister:
		if u32(16)&^flagIgnoreKey != 0 || u32(20) != 0 {
			return 0, unix.EOPNOTSUPP
		}
		ok = d.register(h.name, u64(0), u64(8), u32(16) == flagIgnoreKey)
	case iocReserve:
		if u32(8) != typeRegistrantsOnly || u32(12) != 0 {
			return 0, unix.EOPNOTSUPP
		}
		ok = d.isRegistered(h.name, u64(0)) && (d.holder == "" || d.holder == h.name)
		if ok {
			d.holder = h.name
		}
	case iocPreemptAbort:
		if u32(16) != typeRegistrantsOnly || u32(20) != 0 {
			return 0, unix.EOPNOTSUPP
		}
		ok = d.isRegistered(h.name, u64(0)) && d.preempt(h.name, u64(8))
	default:
		return 0, unix.ENOTTY
	}
	switch {
	case ok:
		return 0, nil
	case d.NVMe:
		return 0x4083, nil
	default:
		return 0x18, nil
	}
}

func (d *Disk) isRegistered(host string, key uint64) bool { return key != 0 && d.keys[host] == key }

func (d *Disk) register(host string, old, key uint64, ignore bool) bool {
	was := d.keys[host]
	switch {
	case d.NVMe && old == 0:
		if was != 0 && was != key {
			return false
		}
	case d.NVMe && was == 0:
		return false
	case !ignore && was != old:
		return false
	}
	d.keys[host] = key
	if key == 0 {
		d.unregister(host)
	}
	return true
}

func (d *Disk) unregister(host string) {
	delete(d.keys, host)
	if d.holder == host {
		d.holder = ""
	}
}

// preempt removes the registrations of a key, and takes the reservation if the
// key was its holder's.
func (d *Disk) preempt(host string, victim uint64) bool {
	if d.NVMe && d.holder == host {
		return true
	}
	takes := d.holder != "" && d.keys[d.holder] == victim
	found := takes
	for other, key := range d.keys {
		if key == victim && (other != host || !takes) {
			found = true
			d.unregister(other)
		}
	}
	if takes {
		d.holder = host
	}
	return found
}
