package config

// inertDefs are the other broker properties that stand in many a
// server.properties: their type is checked and nothing more.
var inertDefs = inert(
	Def{Name: "num.network.threads", Type: Int, Default: "3", Valid: atLeast(1), Update: ClusterWide},
	Def{Name: "num.io.threads", Type: Int, Default: "8", Valid: atLeast(1), Update: ClusterWide},
	Def{Name: "background.threads", Type: Int, Default: "10", Valid: atLeast(1), Update: ClusterWide},
	Def{Name: "num.recovery.threads.per.data.dir", Type: Int, Default: "2", Valid: atLeast(1), Update: ClusterWide},
	Def{Name: "num.replica.fetchers", Type: Int, Default: "1", Update: ClusterWide},
	Def{Name: "num.replica.alter.log.dirs.threads", Type: Int},
	Def{Name: "request.timeout.ms", Type: Int, Default: "30000", Unit: "ms", Valid: atLeast(1)},
	Def{Name: "socket.listen.backlog.size", Type: Int, Default: "50", Valid: atLeast(1)},
	Def{Name: "socket.connection.setup.timeout.ms", Type: Long, Default: "10000", Unit: "ms"},
	Def{Name: "socket.connection.setup.timeout.max.ms", Type: Long, Default: "30000", Unit: "ms"},
	Def{Name: "max.connections.per.ip.overrides", Type: String, Update: ClusterWide},
	Def{Name: "max.connection.creation.rate", Type: Int, Default: "2147483647", Valid: atLeast(0), Update: ClusterWide},
	Def{Name: "connection.failed.authentication.delay.ms", Type: Int, Default: "100", Unit: "ms", Valid: atLeast(0)},
	Def{Name: "controlled.shutdown.enable", Type: Bool, Default: "true"},
	Def{Name: "controlled.shutdown.max.retries", Type: Int, Default: "3"},
	Def{Name: "controlled.shutdown.retry.backoff.ms", Type: Long, Default: "5000", Unit: "ms"},
	Def{Name: "controller.quorum.election.backoff.max.ms", Type: Int, Default: "1000", Unit: "ms"},
	Def{Name: "controller.quorum.append.linger.ms", Type: Int, Default: "25", Unit: "ms"},
	Def{Name: "controller.quorum.retry.backoff.ms", Type: Int, Default: "20", Unit: "ms"},
	Def{Name: "controller.socket.timeout.ms", Type: Int, Default: "30000", Unit: "ms"},
	Def{Name: "initial.broker.registration.timeout.ms", Type: Int, Default: "60000", Unit: "ms"},
	Def{Name: "metadata.log.segment.bytes", Type: Int, Default: "1073741824", Unit: "bytes"},
	Def{Name: "metadata.log.segment.ms", Type: Long, Default: "604800000", Unit: "ms"},
	Def{Name: "metadata.log.max.snapshot.interval.ms", Type: Long, Default: "3600000", Unit: "ms"},
	Def{Name: "metadata.max.retention.bytes", Type: Long, Default: "104857600", Unit: "bytes"},
	Def{Name: "metadata.max.retention.ms", Type: Long, Default: "604800000", Unit: "ms"},
	Def{Name: "metadata.max.idle.interval.ms", Type: Int, Default: "500", Unit: "ms"},
	Def{Name: "auto.leader.rebalance.enable", Type: Bool, Default: "true"},
	Def{Name: "leader.imbalance.check.interval.seconds", Type: Long, Default: "300", Unit: "s", Valid: atLeast(1)},
	Def{Name: "leader.imbalance.per.broker.percentage", Type: Int, Default: "10", Unit: "%"},
	Def{Name: "replica.lag.time.max.ms", Type: Long, Default: "30000", Unit: "ms"},
	Def{Name: "replica.fetch.max.bytes", Type: Int, Default: "1048576", Unit: "bytes", Valid: atLeast(0)},
	Def{Name: "replica.fetch.min.bytes", Type: Int, Default: "1", Unit: "bytes"},
	Def{Name: "replica.fetch.response.max.bytes", Type: Int, Default: "10485760", Unit: "bytes", Valid: atLeast(0)},
	Def{Name: "replica.fetch.wait.max.ms", Type: Int, Default: "500", Unit: "ms"},
	Def{Name: "replica.fetch.backoff.ms", Type: Int, Default: "1000", Unit: "ms", Valid: atLeast(0)},
	Def{Name: "replica.socket.timeout.ms", Type: Int, Default: "30000", Unit: "ms"},
	Def{Name: "replica.socket.receive.buffer.bytes", Type: Int, Default: "65536", Unit: "bytes"},
	Def{Name: "replica.high.watermark.checkpoint.interval.ms", Type: Long, Default: "5000", Unit: "ms"},
	Def{Name: "replica.selector.class", Type: String},
	Def{Name: "fetch.purgatory.purge.interval.requests", Type: Int, Default: "1000"},
	Def{Name: "producer.purgatory.purge.interval.requests", Type: Int, Default: "1000"},
	Def{Name: "delete.records.purgatory.purge.interval.requests", Type: Int, Default: "1"},
	Def{Name: "group.coordinator.threads", Type: Int, Default: "4", Valid: atLeast(1)},
	Def{Name: "remote.log.storage.system.enable", Type: Bool, Default: "false"},
	Def{Name: "metric.reporters", Type: List},
	Def{Name: "metrics.num.samples", Type: Int, Default: "2", Valid: atLeast(1)},
	Def{Name: "metrics.sample.window.ms", Type: Long, Default: "30000", Unit: "ms", Valid: atLeast(1)},
	Def{Name: "metrics.recording.level", Type: String, Default: "INFO"},
)

func inert(defs ...Def) []Def {
	for i := range defs {
		defs[i].Inert = true
	}
	return defs
}
