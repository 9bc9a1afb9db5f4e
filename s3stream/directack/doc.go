// Package directack is the second end of the durability interface tail.Log:
// appends acknowledged from object storage, for topics with diskless.enable=true
// and for brokers without a WAL.
//
// Appends of many streams gather in memory. A batch is sealed by age or size,
// laid out as one object like an upload's (s3stream/objfmt, with summaries), put
// under a key of its own, and committed by one command, which checks the epoch of
// this node (I6). Only then are its appends acknowledged. The object is the data:
// it is not uploaded again. Several PUTs are in flight, each repeated until it is
// answered; a slow one is hedged by another of the same bytes under the same key
// (I4). Commits go in the order of sealing.
//
// In the metadata a direct log is a WAL of kind "direct", which holds nothing
// that is not committed: nobody needs to rescue it, and it is over with the epoch
// of its node. An append is durable or it never was, apart from those whose commit
// was under way when the process died.
//
// A stream whose earlier tail, in another log, is not committed yet is held back:
// its appends stay out of objects, in pages of their own and up to a quarter of the
// memory, until it is their turn, and hold up nobody
// else's.
//
// Owns: the batches from their first append until they are evicted, and with it
// the window for reads at the tail. Does not own: the order of appends (their
// callers'), reads of what was evicted (s3stream/read).
//
// Goroutines: two from Start to Close, which lay out and start PUTs, and commit;
// one or two for each PUT in flight, and one that prepares object ids. Locks: mu,
// over the batches and the index; under it the page pool's and the local metadata
// image are asked. Completions are called with no lock held.
package directack
