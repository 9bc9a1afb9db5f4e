// Package group is Kafka's classic consumer-group coordinator as a pure state
// machine: commands and the time go in, effects come out.
//
// Owns: a [Shard], which is all groups and committed offsets of one partition
// of __consumer_offsets: membership, generations, rebalances, static members,
// offset commit, fetch, delete and expiry, their time-outs, their error codes,
// and the records they are rebuilt from. Does not own: the log those records
// are in, which partition a group maps to, authorisation, or what is parked
// where in the server (broker/coordinator and broker/ do).
//
// Goroutines and locks: none. A Shard is used by one goroutine at a time; no
// clock, randomness or I/O is inside (ids come from a function given to
// [NewShard]), so the same commands give the same effects.
//
// # What is durable and what is not
//
// A shard holds two kinds of state. The durable state is, per group, the last
// group metadata record and the committed offsets. It changes in one place
// only, Shard.apply, which runs when a record is replayed and when the append
// of a record is reported durable ([Appended]). So at every moment it equals
// the replay of the durable prefix of the log, and what OffsetFetch answers
// has always survived. The volatile state is the membership being negotiated:
// members, parked requests, time-outs. It is rebuilt by [Shard.Load] from the
// last metadata records, as a group that is Stable in its last durable
// generation, or Empty.
//
// A command that changes durable state emits [Append] and answers when the
// append's outcome is reported. A failed append changes nothing durable and
// answers with the code that it failed with; where it held an assignment, the
// members are told to rejoin.
//
// # Record format
//
// Kafka's own, so that Kafka's tools read it: OffsetCommitKey v1 with
// OffsetCommitValue v3 (v1 where the client asked for a retention of its own,
// as Kafka does), GroupMetadataKey v2 with GroupMetadataValue v3; a nil value
// is a tombstone. A group's tombstone also removes all of its offsets. Keys
// and values of a version unknown here are refused with [VersionError].
package group
