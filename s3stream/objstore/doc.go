// Package objstore is the seam to object storage: one small interface, Store,
// and the wrappers that every backend wants.
//
// Owns: Store and its errors; Retry (attempts, time-outs, settling a write
// whose answer was lost; Paced: waiting for a turn); TokenBucket (who may use
// the link first); Observed (metrics hooks); Prefixed.
//
// Does not own: the backends (subpackages s3, file and mem), URLs (storeurl),
// faults for tests (fault), the acceptance suite that every backend passes
// (storetest), the layout of objects and their keys (s3stream/objfmt).
//
// A store is built from inside to outside:
//
//	backend → Prefixed → Observed → Retry (one for each kind of work, paced)
//
// so that every attempt is observed and waits for its turn, and that wait is
// not charged to the attempt.
//
// What callers may rely on: an object appears whole or not at all; once Put or
// Complete has returned nil it is durable and every later GetRange, Head and
// List sees it. Objects are never changed in place. A caller that uses a key
// for one content only, as s3stream does, never has to tell an old object from
// a new one.
//
// Goroutines: none of its own. Locks: TokenBucket, retryingUpload and Prefixed
// hold one leaf mutex each at most, never across a call to a store.
package objstore
