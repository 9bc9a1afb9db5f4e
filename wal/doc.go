// Package wal is the write-ahead log: records of many streams, made durable in
// groups on one device, in one order.
//
// Owns: the head of one WAL instance ([Log]): positions, pages being filled,
// group commit, the durable prefix, the failure state; and the reading of
// instances after a crash ([Recover]). Does not own: the format
// (wal/walfmt), the device (wal/device), where instances lie (wal/volume), the
// memory of pages once written (logcache), or which positions are still needed
// (the metadata, I3).
//
// # How a record gets durable
//
// [Log.Append] copies the payload, once, into the page that mirrors the head of
// the device: byte i of page n is byte n MiB + i of the position space. Records
// gather in a flush. A flush is written
//
//   - at once and by the appending goroutine, when nothing is in flight, little
//     is pending and the device is known to be fast;
//   - at once by the device's workers, when nothing is in flight;
//   - when a write completes, or as soon as enough has gathered, while the
//     device is busy and has depth to spare; a slow device is given a few small
//     writes at a time.
//
// A caller with several records, or with a lock held, appends them on
// [Record].Hold and calls [Log.Flush] once.
//
// There is no linger and no timer. Completions run in the order of positions
// and only over a contiguous durable prefix, after the fence was asked, one
// goroutine at a time: the one whose write completed the prefix. It starts the
// next write before it runs them.
//
// # What is promised
//
// A record whose completion ran without error is durable and will be recovered
// (I1, I7). A flush is never written twice and a block never again before the
// ring comes round, above the trim position only into free space (I3). The
// first failed or hung write fences the log for good: everything not yet
// acknowledged, and all that comes later, fails with [ErrFenced] (I8).
//
// Goroutines: one keeper a log (spare pages, zeroing ahead of the head, the
// header's trim hint), until Close. Everything else runs on the appenders' and
// the device's goroutines. Lock order: Log.mu, then the page source's and
// sink's locks. Completions, the fence and the device are called without locks.
package wal
