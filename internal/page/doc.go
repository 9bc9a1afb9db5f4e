// Package page hands out the memory that record bytes live in: pages of 1 MiB,
// off the Go heap, aligned for direct I/O and counted by reference.
//
// A page is filled once by the write-ahead log, written to the device from
// where it lies, and then stays as log-cache memory until the last reference
// is released. Off the heap, because a large cache would otherwise double
// under the garbage collector.
//
// Owns: the slabs (anonymous memory maps), the free list, the bound in bytes,
// and the detection of use after release. Does not own: what is in a page or
// which page to give up; see wal and logcache.
//
// Free pages are recycled last in, first out, so that the warmest is used
// next, and a new slab is mapped only when none is free: the first touch of
// fresh memory costs tens of times a touch of memory already in use.
//
// Under -tags invariants a released page is filled with a pattern, which is
// checked when the page is handed out again, so that a write after release is
// caught and a read after release sees the pattern.
//
// Goroutines: none. Locks: one mutex a [Pool], a leaf except that the budget's
// own lock is taken under it.
package page
