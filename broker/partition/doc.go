// Package partition is the Kafka log on one stream: it gives offsets, holds
// idempotent producers to their sequence, keeps the leader-epoch history and
// moves the high watermark.
//
// Owns: the partitions that this node leads, their offsets, producer state,
// leader epochs, high watermarks and those who wait for them; retention by
// time and size; the summary that goes into an object beside a slice of the
// partition (see [Summary]).
//
// Does not own: where bytes are kept (s3stream), who leads (kraftmeta), the
// form of requests (broker).
//
// Goroutines: one for the [Set], which follows the metadata and waits for
// neither disk nor object store; one for retention; and one for each of a
// bounded number of partitions whose state is being restored. Appends and reads
// run in their callers' goroutines; what an append's durability sets off runs in
// the goroutine that the stream's completion comes on, and never blocks.
//
// Lock order: settling.mu, Set.mu, then Partition.mu (offsets, sequences; held
// over the stream's Append, which copies and does not wait for the device), then
// Partition.hwMu (high watermark, those who wait for it), a leaf that
// completions take. Waiters are called with no lock held.
package partition
