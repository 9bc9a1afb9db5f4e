// Package volume is where WAL instances live: a path at which each open of the
// log gets a fresh instance, while older ones are kept as long as something in
// them is needed.
//
// Owns: the header slots, the table of instances, and the mapping from
// positions to device offsets. Does not own: what lies between positions
// (wal), which instance is still needed (the metadata; see [Spec].Keep), or how
// a writer is kept out (wal/fence, wal/reserve).
//
// Two kinds share one interface, [Volume]:
//
//   - [OpenFiles]: the live instance is the file P. A new one is made as
//     P.new, filled in and synced; then the old P is renamed to P.<instance>,
//     P.new to P, and the directory is synced. After a crash in between, P may
//     be missing and P.new left over: the older instances are all there and
//     P.new, which nobody acknowledged anything in, is removed. P.lock is held
//     while the volume is open (A9).
//   - [OpenBlock], [OnDevice]: one ring on one device. A new instance begins
//     past the end of the newest that is kept; the header's table says where
//     each lies. Switching instances is one header write into the slot that
//     does not count, so that a torn one leaves the old state.
//
// A device may be one that other hosts reach too, with fence=reservation: it is
// reserved (wal/reserve) when it is opened, before anything is written to it, and
// a rescuer takes it by reserving it.
//
// Older and live instances share the capacity: [Area.EndMax].
//
// Goroutines: none but the device's. Locks: one mutex a volume, held over
// header writes; callers hold none of the log's locks.
package volume
