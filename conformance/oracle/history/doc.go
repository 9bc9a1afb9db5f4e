// Package history decides whether what producers were told and what consumers
// saw can both be true of one log.
//
// Each producer numbers its values from 0, so that a value (producer, number)
// is written at most once by intent. A History is told of each value sent, each
// acknowledgement with its offset, and each record read, in any order, by any
// number of readers; it finds
//
//   - two values at one offset, and one value at two offsets (a retry that was
//     stored again, or an offset that was given anew after a crash),
//   - values acknowledged and not read (lost),
//   - values read that nobody sent (invented), or in another partition,
//   - a reader whose offsets go back or leave some out,
//   - a producer's values in another order than it sent them, in one partition.
//
// That is the part of Jepsen's analysis of Kafka that applies without
// transactions. Compaction, retention and DeleteRecords would be found as
// losses: keep them off the topics that are judged.
//
// Owns: the judgement, and the text form of a history of acknowledgements. Does
// not own: clients, time. Goroutines: none; Locks: none: one goroutine at a
// time. Memory: about 30 bytes a value.
package history
