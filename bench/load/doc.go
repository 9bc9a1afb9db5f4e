// Package load drives a Kafka broker with records at intended times and
// measures how long each took to be acknowledged.
//
// The loop is open: the time at which a record is due does not depend on how
// the broker is doing, and its latency counts from that time, not from when it
// was handed to the client. A broker that stands still for a second is charged
// with every record that was due in that second (a loop that waits for answers
// would send none of them, and would report one slow record).
//
// Pacing is by nanosleep in a thread of its own, with the least timer slack:
// Go's timers wake up to a millisecond late, which would be charged to the
// broker. What is left of the driver's own lateness is measured and reported
// as lag, and [Result.Saturation] says when a result tells more about the
// driver than about the broker.
//
// The client is kgo without linger, so that what is measured is what a Go
// program sees; what kgo itself costs shows against bench/nullbroker, which
// answers at once.
//
// Owns: records, pacing, histograms, the check that whatever was acknowledged
// is read back once and in order ([Verify]). Does not own: brokers and what
// they use (bench/arm), which loads are run (bench/suite).
//
// Goroutines: one a producer, locked to its thread, besides kgo's; all gone
// when Run returns. Locks: none.
package load
