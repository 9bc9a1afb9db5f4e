// Package reserve fences a raw device that several hosts can write by a
// persistent reservation of SCSI or NVMe: the device itself refuses the writes
// of whoever has lost it, so that a log pays nothing for its fence.
//
// Owns: the keys, which of the kernel's ioctls (linux/pr.h) are done in which
// order, and the encoding of their arguments. Does not own: doing them (they
// come in as an [Ioctl]), the device, or who is to take over (the controller).
//
// # How a device is held
//
// The reservation is "Write Exclusive, Registrants Only": everybody may read,
// and write only who has registered a key. [Take] registers a key, removes that
// of the holder before with PREEMPT AND ABORT, after which the device refuses
// its writes and has ended those in flight, and then asks for the reservation.
// That it gets it is all that counts:
//
//   - There is one holder. Who takes the reservation from another does so by
//     that one's key, and so ends its right to write. A taker that does not get
//     it is registered, and could write, but is told [ErrTaken] and does not.
//   - Nobody ever gives the reservation up, not on closing either: a device that
//     is not reserved would let a paused holder of long ago write again. A
//     registration of a dead rescuer does no harm, since it never writes.
//   - Each call may be the last of a process. The next taker does all of them,
//     whatever the answers: a key that is gone already is no fault.
//
// Hosts are kept apart, not processes of one host, which to the device are one.
// Those are kept apart by the lock (A9), which is taken before.
//
// # Keys
//
// Most kernels have no ioctl to ask who holds a device, so a taker must know the
// keys that may stand in its way. So a key names not its holder, but the node
// whose WAL is on the device, the epoch of that node under which it was taken, and
// whether for a rescue:
//
//	bits 63      1, so that no key is 0
//	     62-32   node id
//	     31-1    node epoch
//	     0       1 of the node itself, 0 of a rescuer
//
// So keys of one device are ordered as they follow each other, and a taker never
// removes one above its own: who slept over it is refused, instead of taking the
// device from a later holder. Rescuers of one epoch have one key, and tell each
// other by the metadata, which takes the ends of only one.
//
// Goroutines: none. Locks: none.
package reserve
