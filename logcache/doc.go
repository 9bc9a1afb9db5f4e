// Package logcache serves what was appended to the write-ahead log and is not
// yet, or only just, in object storage: from the very pages the log was
// written from, and, once those had to make room, from the log itself.
//
// Owns: which pages stay in memory and which go ([Cache]); for each WAL
// instance an index of records by stream and offset ([Window]); the sealing of
// what is to be uploaded next ([Generation]). Does not own: page memory
// (internal/page), the log (wal), the high watermark (the caller passes it to
// each read), or uploads.
//
// # Eviction
//
// A page may go once all of it is durable, uploaded or not: memory is bounded
// whatever the object store does (I9). Pages go oldest first, so that the
// uploaded ones, which are the oldest, go first. With a page go its entries: a
// stream's records below the trim position are forgotten, as objects have
// them; others that lie close together are merged into one entry, and a read of
// it walks that stretch of the log. Where the index is short of room all the
// same, with very many streams and a long outage of the object store, entries
// are joined further apart, in a page and then over several, for reads that
// walk further.
//
// # Sealing
//
// [Window.Seal] closes a generation at the log's durable prefix, which is a
// flush boundary: the only kind of position at which a log may be trimmed.
//
// Goroutines: none. Lock order: wal.Log's lock, Cache.mu, a stream's mu,
// Window.mu. No lock is held while the log is read.
package logcache
