// Package blockcache keeps blocks of objects for historical reads.
//
// Owns: a bounded number of bytes of blocks, keyed by object and position; the
// choice of what to evict; that one block is loaded once however many ask for
// it (singleflight). Does not own: where blocks come from (the caller loads),
// what is in them, nor how far ahead to read (s3stream/read).
//
// A block is claimed: the first to claim it gets it empty, fills it and says
// so; the others wait for that. Every claim is released. A block that is held
// or being filled is never evicted, so a slice of it stays valid until
// Release; under -tags invariants an evicted buffer is poisoned.
//
// Blocks that lie behind one another in an object are claimed as a run, which
// is one piece of memory, so that one read of the store fills them without a
// copy. Memory is off the heap and recycled, the warmest first.
//
// Eviction is S3-FIFO: new blocks enter a small queue and move to the main
// queue only when they are used again; keys evicted from the small queue are
// remembered for a while (ghosts) and enter the main queue when they return.
// On top of it stands one queue for what a sequential reader has finished with:
// it goes first, so that one consumer replaying history does not wash out what
// others share, and it is kept short even where there is room: a replay goes
// through the same warm memory again and again instead of touching fresh memory
// for all it reads. What is replayed a second time stays.
//
// Goroutines: none. Locks: one mutex a Cache, a leaf: the allocator is called
// under it, nothing else.
package blockcache
