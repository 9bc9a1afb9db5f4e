// Package tail is how appends become durable, and what serves them until they
// are in objects.
//
// Owns: the durability interface Log (Append, Mark, Flush, DurableUpTo, Close)
// and its first end, the write-ahead log with the log cache in front of it. Does
// not own: the WAL (wal), the cache (logcache), which bytes are visible (s3stream
// gates reads by each stream's durable end). The second end, acknowledgement from
// object storage, is s3stream/directack.
//
// Goroutines: none. Locks: Window.reading is held over reads of the cache and of
// the WAL, so that neither is closed under one; spans.mu is a leaf.
package tail
