// Package device is the asynchronous block device under the write-ahead log:
// operations are submitted and call back when they are complete, so that a
// file, a raw block device, a simulated disk and, one day, io_uring fit behind
// one seam ([Device]).
//
// Owns: direct I/O on files and block devices ([File]), the probing of
// alignment and of how a write is made durable, the lock that keeps a second
// process out, the goroutines that give a blocking kernel interface its depth,
// and the caps for cloud volumes ([Limit]). Does not own: what is written or
// where (wal, wal/volume), ordering between operations (there is none), or the
// watchdog for hung writes (wal).
//
// Goroutines: [File] runs depth workers for submitted operations, until Close.
// An operation's callback runs on the goroutine that completed it; it may
// submit. Locks: leaves.
package device
