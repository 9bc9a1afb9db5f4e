// Package compare applies scenarios to arms in turn and leaves what came of it as
// a bench/result.
//
// For each scenario the arms take turns, A B C A B C, so that whatever drifts
// falls on all of them. A turn is one life of a broker: an empty folder, an object
// store of its own (a simulated one unless a real one is named), fresh topics, the
// load, and everything read back. What fails is noted and the rest goes on; what
// was measured until an interruption is returned.
//
// An arm is known by its name ([Names]):
//
//	wal                 a file, its writes capped like an EBS gp3 volume's
//	wal-block           the same on a raw device: one that is named, or a loop device
//	wal-shared          the same as wal, with the fence of a shared WAL
//	s3-250ms, s3-50ms   acknowledged from object storage, an object each interval
//	express-25ms        the same from storage of S3 Express One Zone's kind
//	kafka, kafka-fsync  Apache Kafka as shipped, and with a flush for each message
//	klite               klite, by a binary that is named
//	kafka=HOST:PORT     what listens there: nothing is started, topics are deleted again
//
// Owns: which arms there are and what they are started with, the order of turns,
// the knee of a sweep, the result. Does not own: brokers (bench/arm), the simulated
// store (bench/simstore), loads (bench/load), what is drawn of it
// (bench/htmlreport).
//
// Goroutines: one that watches uploads during a turn's load. Locks: one of its
// events; a leaf.
package compare
