// Package rescue brings home what an old WAL instance still has of streams:
// this node's own after a restart, later another node's after it failed.
//
// Owns: the finding of every stream's end in the recovered records, against
// what the metadata says of the instance's tails; that a missing acknowledged
// record is an error and never a shorter log (I7); the one command that closes
// all tails (RescueWAL). From then on the streams can be opened elsewhere, at
// once: the old tails are served from the old WAL by the window that Rescue
// returns, and uploaded behind.
//
// Does not own: fencing and reading the WAL (wal.Recover), the uploads
// (s3stream/upload), nor retiring the instance when they are done
// (s3stream.Manager.Adopt).
//
// Goroutines, locks: none.
package rescue
