// Package load drives a Kafka broker with records at intended times and
// measures how long each took to be acknowledged, and to reach consumers.
//
// The loop is open: the time at which a record is due does not depend on how
// the broker is doing, and its latencies count from that time, not from when it
// was handed to the client. A broker that stands still for a second is charged
// with every record that was due in that second (a loop that waits for answers
// would send none of them, and would report one slow record).
//
// Pacing is by nanosleep in a thread of its own, with the least timer slack:
// Go's timers wake up to a millisecond late, which would be charged to the
// broker. What is left of the driver's own lateness is measured and reported
// as lag, and [Result.Saturation] says when a result tells more about the
// driver or the machine than about the broker.
//
// The client is kgo, so that what is measured is what a Go program sees; what
// kgo itself costs shows against bench/nullbroker, which answers at once.
//
// A record carries who sent it and as what number ([records]); when it was due
// follows from that, so that a consumer of the same process knows its latency to
// the nanosecond. Its timestamp is when it was due, to Kafka's millisecond.
//
// With transactions a record is acknowledged when its transaction is committed.
// With acks=0 it is when it was written to the socket, which promises nothing.
//
// Memory is bounded: records are reused, at most [bufferedMax] wait in all
// clients, what failed is a bit a record, and reading back keeps one number a
// producer and partition.
//
// Owns: records, pacing, consumers, histograms, the check that whatever was
// acknowledged is read back once and in order ([Result.Verify]). Does not own:
// brokers and what they use (bench/arm), which loads are run (bench/suite,
// bench/compare), what a scenario says (bench/scenario).
//
// Goroutines: one a producer, locked to its thread, one a consumer and one that
// looks every second, besides kgo's; all gone when Run returns. Locks: one of
// [meter], one of [consumers]; both leaves.
package load
