// Package coordinator hosts the consumer-group coordinators: the shell around
// the shards of broker/group.
//
// Owns: which partition of __consumer_offsets a group belongs to; loading a
// shard by replaying its partition below the high watermark, and unloading it;
// appending its records, answering its requests and driving its time-outs; the
// compaction that keeps the replay bounded. Does not own: what a request means
// (broker/group does), authorisation and topic ids (broker does), the log
// ([Log]; [PartitionLog] makes one of a broker/partition), who leads
// (kraftmeta).
//
// # Life of a partition
//
//	           Lead                 replayed
//	away ─────────────▶ loading ───────────────▶ serving
//	  ▲                  ▲    │ cannot be read       │
//	  │ Resign           │    ▼                      │ outcome of an append
//	  └── from any       └─ retry later ◀────────────┘ unknown
//
// While away, requests are answered NOT_COORDINATOR; while loading,
// COORDINATOR_LOAD_IN_PROGRESS. A partition holding records of a newer version
// is broken until the next Lead: COORDINATOR_NOT_AVAILABLE.
//
// # Appends
//
// A partition has one flight at a time: a few batches handed to the log
// together. What its shard asks to append meanwhile gathers into the next. So
// no linger is needed, and between two flights memory and log agree, which is
// when compaction takes its portions. An append that was refused is answered
// with an error; one whose outcome is unknown makes the shard load anew,
// because what the log holds is the truth.
//
// # Compaction
//
// __consumer_offsets is compacted in Kafka. Here, once a partition's log is
// several times as large as what is alive in it, the live records are appended
// portion by portion between client flights, and then everything before the
// first portion is deleted.
//
// # Goroutines and locks
//
// Config.Loops event loops, each owning the partitions whose number falls to
// it: a shard is only touched by its loop. Config.Loaders goroutines read logs
// and delete records, which may block. Replies run on an event loop and must
// not block. Log's completions may come on any goroutine, also before Append
// returned. The only locks are those of the loops' queues and of a gathered
// answer; both are leaves.
package coordinator
