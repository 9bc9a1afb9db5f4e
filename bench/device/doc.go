// Package device measures the disk that a WAL would stand on, through the same
// code as the WAL (wal/device), the WAL itself (wal), and beside both fio, the
// outside witness.
//
// Everything is measured in written space: the first write to space that was
// only allocated costs the file system twice as much, which the WAL spares its
// appends by zeroing ahead.
//
// Owns: a file of written space, or the beginning of a raw device, the loops that
// time writes and reads on it, the running of fio, the order in which these take
// turns, a disk's coming to rest before something is timed. Does not own: which sizes and depths are of interest to whom
// (bench/suite), how it is shown (bench/report).
//
// Goroutines: those of a device's workers and, for bandwidth, their callbacks;
// all gone when a measurement returns. Locks: none.
package device
