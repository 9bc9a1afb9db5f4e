// Package s3stream stores streams: append-only sequences of batches, one a
// topic-partition, acknowledged in a write-ahead log and kept in object
// storage.
//
// Owns: Manager (the streams this node holds open) and Stream (append, read,
// trim, close), and that nothing is visible above the durable end. Does not
// own: Kafka (batches are opaque bytes with an offset range; what must be known
// of their content comes in through Summarizer), the metadata (asked and told
// through small interfaces over s3stream/meta), the WAL and its log cache
// (joined in s3stream/tail).
//
// Behind it, one room a job:
//
//	tail     durability of appends; reads of what a WAL still holds
//	upload   sealed generations of the log cache → objects → commit → trim
//	read     what is in objects: index, blocks, read-ahead
//	rescue   an old WAL instance: where its tails end, and a window on them
//	gc       deletes what metadata no longer wants
//	compact, directack, zone    reserved
//	objstore, objfmt            the store and the layout of objects
//
// The life of a batch: Append copies it into a page and the WAL; durable, it is
// visible below DurableEnd and served from the page; a sealed generation takes
// it into an object; the commit raises CommittedEnd and the WAL's trim
// position; then the page and the WAL space are free and reads go to the object.
//
// Goroutines: three from Manager.Start to Close, which upload what is appended
// here, upload and retire what was rescued, and collect. Locks: Manager.mu guards
// the maps, and is held over the tail's Begin and End, but over no I/O; rooms.mu
// guards the rescued instances, and is a leaf. A Stream has none: its appends are
// ordered by the caller, the rest is atomic.
package s3stream
