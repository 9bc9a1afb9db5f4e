package config

const (
	kib = int64(1) << 10
	mib = int64(1) << 20

	minuteMs = 60 * 1000
	hourMs   = 60 * minuteMs

	maxLong = "9223372036854775807"
)

// same is the synonym list of a topic property whose broker property has the
// same unit.
func same(broker string) []Synonym { return []Synonym{{broker, 1}} }

// compressionTypes are Kafka's values of compression.type.
var compressionTypes = oneOf{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}

// topicDefs are what a topic may carry: every topic property of Kafka 4, and
// ours. Three of them are broker properties too, under the same name.
var topicDefs = []Def{
	{Name: "cleanup.policy", Type: List, Default: "delete", Valid: listOf{"compact", "delete"}, Scope: PerTopic,
		Synonyms: same("log.cleanup.policy"),
		Doc:      "What becomes of old records. With delete they go by retention.ms and retention.bytes. With compact alone nothing is deleted by retention; compaction itself does not come with this version."},
	{Name: "retention.ms", Type: Long, Default: "604800000", Unit: "ms", Valid: atLeast(-1), Scope: PerTopic,
		Synonyms: []Synonym{{"log.retention.ms", 1}, {"log.retention.minutes", minuteMs}, {"log.retention.hours", hourMs}},
		Doc:      "How long records are kept, by their timestamps; -1 for ever."},
	{Name: "retention.bytes", Type: Long, Default: "-1", Unit: "bytes", Scope: PerTopic,
		Synonyms: same("log.retention.bytes"),
		Doc:      "How much of a partition is kept; -1 without limit."},
	{Name: "max.message.bytes", Type: Int, Default: "1048588", Unit: "bytes", Valid: atLeast(0), Scope: PerTopic,
		Synonyms: same("message.max.bytes"),
		Doc:      "The largest record batch that the topic takes, as compressed by the producer."},
	{Name: "message.timestamp.type", Type: String, Default: "CreateTime", Valid: oneOf{"CreateTime", "LogAppendTime"}, Scope: PerTopic,
		Synonyms: same("log.message.timestamp.type"),
		Doc:      "Whether a record carries the producer's time or the broker's."},
	{Name: "message.timestamp.before.max.ms", Type: Long, Default: maxLong, Unit: "ms", Valid: atLeast(0), Scope: PerTopic,
		Synonyms: same("log.message.timestamp.before.max.ms"),
		Doc:      "How far a producer's timestamp may lie behind the broker's clock; records older than that are refused."},
	{Name: "message.timestamp.after.max.ms", Type: Long, Default: "3600000", Unit: "ms", Valid: atLeast(0), Scope: PerTopic,
		Synonyms: same("log.message.timestamp.after.max.ms"),
		Doc:      "How far a producer's timestamp may lie ahead of the broker's clock; records newer than that are refused."},
	{Name: "min.insync.replicas", Type: Int, Default: "1", Valid: atLeast(1), Scope: Broker | PerTopic, Update: ClusterWide,
		Doc: "Accepted and shown as it was asked for. One replica is stored, in the WAL and the object store, so acks=all never waits for another."},
	{Name: "compression.type", Type: String, Default: "producer", Valid: compressionTypes, Scope: Broker | PerTopic, Update: ClusterWide,
		Doc: "How stored batches are compressed. Batches are stored as the producer compressed them whatever is set here: recompression does not come with this version."},
	{Name: disklessEnable, Type: Bool, Default: "false", Scope: PerTopic,
		Doc: "Acknowledge the topic's records from object storage instead of the WAL: later, and without a byte on a disk. It may be changed while the topic is in use. Always true on brokers with s3.wal.path=0@s3://."},

	{Name: "segment.bytes", Type: Int, Default: "1073741824", Unit: "bytes", Valid: atLeast(mib), Scope: PerTopic, Inert: true,
		Synonyms: same("log.segment.bytes"), Doc: "Kafka's segment size. Streams have no segments."},
	{Name: "segment.ms", Type: Long, Default: "604800000", Unit: "ms", Valid: atLeast(1), Scope: PerTopic, Inert: true,
		Synonyms: []Synonym{{"log.roll.ms", 1}, {"log.roll.hours", hourMs}}, Doc: "Kafka's segment age. Streams have no segments."},
	{Name: "segment.jitter.ms", Type: Long, Default: "0", Unit: "ms", Valid: atLeast(0), Scope: PerTopic, Inert: true,
		Synonyms: []Synonym{{"log.roll.jitter.ms", 1}, {"log.roll.jitter.hours", hourMs}}},
	{Name: "segment.index.bytes", Type: Int, Default: "10485760", Unit: "bytes", Valid: atLeast(4), Scope: PerTopic, Inert: true,
		Synonyms: same("log.index.size.max.bytes")},
	{Name: "index.interval.bytes", Type: Int, Default: "4096", Unit: "bytes", Valid: atLeast(0), Scope: PerTopic, Inert: true,
		Synonyms: same("log.index.interval.bytes")},
	{Name: "file.delete.delay.ms", Type: Long, Default: "60000", Unit: "ms", Valid: atLeast(0), Scope: PerTopic, Inert: true,
		Synonyms: same("log.segment.delete.delay.ms")},
	{Name: "flush.messages", Type: Long, Default: maxLong, Valid: atLeast(1), Scope: PerTopic, Inert: true,
		Synonyms: same("log.flush.interval.messages"), Doc: "Every record is durable before it is acknowledged."},
	{Name: "flush.ms", Type: Long, Default: maxLong, Unit: "ms", Valid: atLeast(0), Scope: PerTopic, Inert: true,
		Synonyms: []Synonym{{"log.flush.interval.ms", 1}, {"log.flush.scheduler.interval.ms", 1}}, Doc: "Every record is durable before it is acknowledged."},
	{Name: "preallocate", Type: Bool, Default: "false", Scope: PerTopic, Inert: true, Synonyms: same("log.preallocate")},
	{Name: "unclean.leader.election.enable", Type: Bool, Default: "false", Scope: Broker | PerTopic, Update: ClusterWide, Inert: true,
		Doc: "There is never an unclean election: a leader takes over exactly what was acknowledged."},

	{Name: "delete.retention.ms", Type: Long, Default: "86400000", Unit: "ms", Valid: atLeast(0), Scope: PerTopic, Inert: true,
		Synonyms: same("log.cleaner.delete.retention.ms"), Doc: "How long compaction keeps tombstones."},
	{Name: "min.compaction.lag.ms", Type: Long, Default: "0", Unit: "ms", Valid: atLeast(0), Scope: PerTopic, Inert: true,
		Synonyms: same("log.cleaner.min.compaction.lag.ms"), Doc: "How long a record stays uncompacted at least."},
	{Name: "max.compaction.lag.ms", Type: Long, Default: maxLong, Unit: "ms", Valid: atLeast(1), Scope: PerTopic, Inert: true,
		Synonyms: same("log.cleaner.max.compaction.lag.ms"), Doc: "How long a record stays uncompacted at most."},
	{Name: "min.cleanable.dirty.ratio", Type: Double, Default: "0.5", Valid: between(0, 1), Scope: PerTopic, Inert: true,
		Synonyms: same("log.cleaner.min.cleanable.ratio"), Doc: "How much of a log is uncompacted before compaction runs."},
	{Name: "compression.gzip.level", Type: Int, Default: "-1", Valid: gzipLevel, Scope: Broker | PerTopic, Update: ClusterWide, Inert: true},
	{Name: "compression.lz4.level", Type: Int, Default: "9", Valid: between(1, 17), Scope: Broker | PerTopic, Update: ClusterWide, Inert: true},
	{Name: "compression.zstd.level", Type: Int, Default: "3", Valid: between(-131072, 22), Scope: Broker | PerTopic, Update: ClusterWide, Inert: true},

	{Name: "remote.storage.enable", Type: Bool, Default: "false", Scope: PerTopic, Inert: true,
		Doc: "Every topic lives in object storage anyway."},
	{Name: "remote.log.copy.disable", Type: Bool, Default: "false", Scope: PerTopic, Inert: true},
	{Name: "remote.log.delete.on.disable", Type: Bool, Default: "false", Scope: PerTopic, Inert: true},
	{Name: "remote.copy.lag.ms", Type: Long, Default: "0", Unit: "ms", Valid: atLeast(-1), Scope: PerTopic, Inert: true},
	{Name: "remote.copy.lag.bytes", Type: Long, Default: "0", Unit: "bytes", Valid: atLeast(-1), Scope: PerTopic, Inert: true},
	{Name: "local.retention.ms", Type: Long, Default: "-2", Unit: "ms", Valid: atLeast(-2), Scope: PerTopic, Inert: true,
		Synonyms: same("log.local.retention.ms")},
	{Name: "local.retention.bytes", Type: Long, Default: "-2", Unit: "bytes", Valid: atLeast(-2), Scope: PerTopic, Inert: true,
		Synonyms: same("log.local.retention.bytes")},
	{Name: "leader.replication.throttled.replicas", Type: List, Valid: throttledReplicas, Scope: PerTopic, Inert: true},
	{Name: "follower.replication.throttled.replicas", Type: List, Valid: throttledReplicas, Scope: PerTopic, Inert: true},
}
