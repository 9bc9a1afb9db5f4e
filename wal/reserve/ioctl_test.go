package reserve

import (
	"encoding/hex"
	"testing"
	"unsafe"
)

// The structures of linux/pr.h, as a C compiler lays them out.
type (
	prReservation struct {
		key         uint64
		kind, flags uint32
	}
	prRegistration struct {
		oldKey, newKey uint64
		flags, pad     uint32
	}
	prPreempt struct {
		oldKey, newKey uint64
		kind, flags    uint32
	}
)

// The numbers and layouts of linux/pr.h, worked out by hand and by a C compiler
// for x86-64.
func TestIoctls(t *testing.T) {
	const own, other = 0x8000000700000010, 0x800000070000000f
	bytes := func(p unsafe.Pointer, n uintptr) string { return hex.EncodeToString(unsafe.Slice((*byte)(p), n)) }
	registration := prRegistration{oldKey: other, newKey: own, flags: 1}
	reservation := prReservation{key: own, kind: 3}
	preempt := prPreempt{oldKey: own, newKey: other, kind: 3} // the own key is the old one
	for _, c := range []struct {
		call    call
		request uint
		size    uintptr
		want    string
	}{
		{register(other, own), 0x401870c8, 24, bytes(unsafe.Pointer(&registration), unsafe.Sizeof(registration))},
		{reserve(own), 0x401070c9, 16, bytes(unsafe.Pointer(&reservation), unsafe.Sizeof(reservation))},
		{preemptAbort(own, other), 0x401870cc, 24, bytes(unsafe.Pointer(&preempt), unsafe.Sizeof(preempt))},
	} {
		if c.call.request != c.request {
			t.Errorf("%s is %#x, want %#x", c.call.name, c.call.request, c.request)
		}
		if got := hex.EncodeToString(c.call.argument); got != c.want || len(c.call.argument) != int(c.size) {
			t.Errorf("%s of %d bytes, want %d:\n%s\n%s", c.call.name, len(c.call.argument), c.size, got, c.want)
		}
	}
}

func TestConflicts(t *testing.T) {
	for status, want := range map[int]bool{0x18: true, 0x83: true, 0x4083: true, 0x2: false, 0x10000: false, 0xe0000: false, 0x4002: false} {
		if e := (&StatusError{"IOC", status}); e.isConflict() != want {
			t.Errorf("%v", e)
		}
	}
}
