// Package fence keeps a log that has lost its write-ahead log from
// acknowledging (I6): between a durable write and its acknowledgement the log
// asks a [Fence] whether it may still acknowledge.
//
// Owns: what is asked, the fence cell of shared WALs, a block that a rescuer
// writes before it reads the log, and how a refusal by the device itself is told
// from another failed write. Does not own: when the fence is asked (wal, once a
// group commit), who takes over (the controller), or reservations (wal/reserve).
//
// # Why order is enough
//
// The leader writes durably, then reads the cell, then acknowledges. The
// rescuer writes the cell durably, then reads the log. If the leader's read
// misses the rescuer's cell, it came before it, and so did the leader's write:
// the rescuer reads it. No clock takes part, and a leader may be paused at any
// point for any time.
//
// # Fence cell
//
// One block of 4096 bytes at device offset 8192, zeros at first; integers are
// big-endian.
//
//	offset size
//	     0    8  magic "SEAFENCE"
//	     8    2  version, 1
//	    10    2  0
//	    12    4  node id of the rescuer
//	    16    8  node epoch under which it took over
//	    24   16  WAL instance taken over
//	    40    4  CRC32C of bytes 0-39
//	    44    …  zeros
//
// Goroutines: none. Locks: none.
package fence
