package reserve

import (
	"encoding/binary"
	"fmt"
)

// Ioctl does one of the kernel's device controls. The error is the kernel's: the
// device was not asked. status is what the device said, 0 for success; the
// kernel returns it where other ioctls return 0.
type Ioctl func(request uint, argument []byte) (status int, err error)

// The ioctls of linux/pr.h. Write Exclusive, Registrants Only is type 3 there.
const (
	structBytes16 = 16 // pr_reservation
	structBytes24 = 24 // pr_registration, pr_preempt

	requestRegister     = iow | structBytes24<<16 | 200 // IOC_PR_REGISTER
	requestReserve      = iow | structBytes16<<16 | 201 // IOC_PR_RESERVE
	requestPreemptAbort = iow | structBytes24<<16 | 204 // IOC_PR_PREEMPT_ABORT

	// iow is _IOW('p', …) of the architectures that number ioctls in the generic
	// way: all but MIPS, POWER and SPARC.
	iow = 1<<30 | 'p'<<8

	writeExclusiveRegistrantsOnly = 3
	ignoreExistingKey             = 1
)

// What a device says when a key is not, or another's is, where it should be.
const (
	// StatusConflict is RESERVATION CONFLICT of SCSI, and of newer kernels
	// whatever the device is.
	StatusConflict = 0x18
	// Older ones return NVMe's own: its low bits say what, the others how.
	nvmeStatusConflict = 0x83
	nvmeStatusMask     = 0x7ff
)

// StatusError says that the device answered an ioctl with an error.
type StatusError struct {
	Ioctl  string
	Status int // as the kernel returns it: pr_status, or SCSI's or NVMe's own
}

func (e *StatusError) Error() string {
	if e.isConflict() {
		return e.Ioctl + ": reservation conflict"
	}
	return fmt.Sprintf("%s: device status %#x", e.Ioctl, e.Status)
}

func (e *StatusError) isConflict() bool {
	return e.Status == StatusConflict || e.Status&nvmeStatusMask == nvmeStatusConflict
}

// call is an ioctl to be done.
type call struct {
	name     string
	request  uint
	argument []byte
}

// register has this host known by a key. On NVMe a host that is known by another
// one has to say so: old is not 0 then, whatever it is.
func register(old, key Key) call {
	a := binary.NativeEndian.AppendUint64(nil, uint64(old))
	a = binary.NativeEndian.AppendUint64(a, uint64(key))
	a = binary.NativeEndian.AppendUint32(a, ignoreExistingKey)
	a = binary.NativeEndian.AppendUint32(a, 0)
	return call{"IOC_PR_REGISTER", requestRegister, a}
}

// reserve asks for the reservation. The holder may ask again.
func reserve(key Key) call {
	a := binary.NativeEndian.AppendUint64(nil, uint64(key))
	a = binary.NativeEndian.AppendUint32(a, writeExclusiveRegistrantsOnly)
	a = binary.NativeEndian.AppendUint32(a, 0)
	return call{"IOC_PR_RESERVE", requestReserve, a}
}

// preemptAbort removes the key victim, ends the writes in flight of who had it,
// and takes the reservation if that was its. The kernel's documentation has the
// two keys in another order than its drivers, and so its users.
func preemptAbort(own, victim Key) call {
	a := binary.NativeEndian.AppendUint64(nil, uint64(own)) // pr_preempt.old_key
	a = binary.NativeEndian.AppendUint64(a, uint64(victim)) // pr_preempt.new_key
	a = binary.NativeEndian.AppendUint32(a, writeExclusiveRegistrantsOnly)
	a = binary.NativeEndian.AppendUint32(a, 0)
	return call{"IOC_PR_PREEMPT_ABORT", requestPreemptAbort, a}
}
