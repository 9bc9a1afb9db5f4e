package node

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/fence"
)

// latencyBuckets, in seconds, are fine where a device answers.
var latencyBuckets = []float64{
	50e-6, 75e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6, 750e-6, 1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 7.5e-3,
	10e-3, 15e-3, 20e-3, 30e-3, 50e-3, 75e-3, 100e-3, 200e-3, 500e-3, 1, 2, 5, 10, 30,
}

// sizeBuckets, in bytes, are powers of four.
var sizeBuckets = []float64{512, 2 << 10, 8 << 10, 32 << 10, 128 << 10, 512 << 10, 2 << 20, 8 << 20, 32 << 20}

// nodeMetrics are the metrics of one node. Counters of parts are read from
// their Stats when somebody asks.
type nodeMetrics struct {
	node  *Node
	set   *metrics.Set
	store *storeMetrics
	cache *logcache.Cache // set when the streams start

	flushLatency, flushBytes, flushRecords *metrics.PrometheusHistogram

	directPut, directBytes, directCommit *metrics.PrometheusHistogram

	commandLatency           *metrics.PrometheusHistogram
	commandsUnknown          *metrics.Counter // commands whose outcome had to be asked for
	heartbeatsMissed, fenced *metrics.Counter

	rescueSeconds *metrics.PrometheusHistogram // of rescues that succeeded
	rescueBytes   *metrics.Counter
	rescueFailed  *metrics.Counter
	attachFailed  *metrics.Counter             // of the attach command
	handOffs      *metrics.Counter             // partitions
	handOffPause  *metrics.PrometheusHistogram // from the refusal of appends to the closed tail
	fenceEvents   *metrics.Counter

	cluster *clusterCounters
}

func newNodeMetrics(n *Node) *nodeMetrics {
	metrics.ExposeMetadata(true) // HELP and TYPE, which is a switch of the whole process
	set := metrics.NewSet()
	m := &nodeMetrics{
		node: n, set: set, store: &storeMetrics{set},
		flushLatency: set.NewPrometheusHistogramExt("seawall_wal_flush_seconds", latencyBuckets),
		flushBytes:   set.NewPrometheusHistogramExt("seawall_wal_flush_bytes", sizeBuckets),
		flushRecords: set.NewPrometheusHistogramExt("seawall_wal_flush_records", []float64{1, 2, 4, 8, 16, 32, 64, 128, 512}),
	}
	m.directPut = set.NewPrometheusHistogramExt("seawall_direct_put_seconds", latencyBuckets)
	m.directBytes = set.NewPrometheusHistogramExt("seawall_direct_put_bytes", sizeBuckets)
	m.directCommit = set.NewPrometheusHistogramExt("seawall_direct_commit_seconds", latencyBuckets)
	m.commandLatency = set.NewPrometheusHistogramExt("seawall_metadata_command_seconds", latencyBuckets)
	m.commandsUnknown = set.NewCounter("seawall_metadata_command_errors_total")
	m.heartbeatsMissed = set.NewCounter("seawall_heartbeats_missed_total")
	m.fenced = set.NewCounter("seawall_fenced_total")
	m.rescueSeconds = set.NewPrometheusHistogramExt("seawall_rescue_seconds", latencyBuckets)
	m.rescueBytes = set.NewCounter("seawall_rescue_bytes_total")
	m.rescueFailed = set.NewCounter("seawall_rescue_failures_total")
	m.attachFailed = set.NewCounter("seawall_rescue_attach_failures_total")
	m.handOffs = set.NewCounter("seawall_partitions_handed_over_total")
	m.handOffPause = set.NewPrometheusHistogramExt("seawall_partition_handover_seconds", latencyBuckets)
	m.fenceEvents = set.NewCounter("seawall_wal_fence_events_total")
	m.cluster = newClusterCounters(set, n.cfg.Node.ID)
	n.shares.budget.Usage(func(name string, _, _ int64) {
		for _, what := range []string{"used", "limit"} {
			set.NewGauge(fmt.Sprintf("seawall_memory_%s_bytes{account=%q}", what, name), func() float64 {
				return m.account(name, what)
			})
		}
	})
	return m
}

func (m *nodeMetrics) account(name, what string) (bytes float64) {
	m.node.shares.budget.Usage(func(n string, used, limit int64) {
		switch {
		case n != name:
		case what == "used":
			bytes = float64(used)
		default:
			bytes = float64(limit)
		}
	})
	return bytes
}

// flushed observes one durable write of the WAL.
func (m *nodeMetrics) flushed(f wal.FlushInfo) {
	m.flushLatency.Update(f.Took.Seconds())
	m.flushBytes.Update(float64(f.Bytes))
	m.flushRecords.Update(float64(f.Records))
}

// commanded observes one attempt at a metadata command.
func (m *nodeMetrics) commanded(took time.Duration, err error) {
	if err != nil {
		m.commandsUnknown.Inc()
		return
	}
	m.commandLatency.Update(took.Seconds())
}

// rescued observes an attempt at a rescue.
func (m *nodeMetrics) rescued(took time.Duration, r *rescue.Rescued, err error) {
	if err != nil {
		m.rescueFailed.Inc()
		return
	}
	m.rescueSeconds.Update(took.Seconds())
	m.rescueBytes.Add(int(r.End - r.From))
}

// handedOff observes partitions that were closed for other leaders.
func (m *nodeMetrics) handedOff(partitions int, took time.Duration) {
	m.handOffs.Add(partitions)
	m.handOffPause.Update(took.Seconds())
}

// watchFence counts what a fence forbids.
func (m *nodeMetrics) watchFence(f fence.Fence) fence.Fence { return watchedFence{f, m.fenceEvents} }

type watchedFence struct {
	fence.Fence
	events *metrics.Counter
}

// Check implements fence.Fence.
func (f watchedFence) Check() error {
	err := f.Fence.Check()
	if err != nil {
		f.events.Inc()
	}
	return err
}

// storeMetrics observe the object store.
type storeMetrics struct{ set *metrics.Set }

// Observe implements objstore.Observer.
func (m *storeMetrics) Observe(op string, bytes int64, took time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	}
	m.set.GetOrCreatePrometheusHistogramExt(fmt.Sprintf("seawall_store_seconds{op=%q}", op), latencyBuckets).Update(took.Seconds())
	m.set.GetOrCreateCounter(fmt.Sprintf("seawall_store_requests_total{op=%q,outcome=%q}", op, outcome)).Inc()
	m.set.GetOrCreateCounter(fmt.Sprintf("seawall_store_bytes_total{op=%q}", op)).Add(int(bytes))
}

// write writes everything in the Prometheus text format.
func (m *nodeMetrics) write(w io.Writer) {
	var text bytes.Buffer
	m.set.WritePrometheus(&text)
	n := m.node
	if s := n.at(); s == serving || s == draining {
		m.writeParts(&text)
	}
	metrics.WriteProcessMetrics(&text)
	writeWithHelp(w, text.Bytes())
}

// writeParts writes the counters that parts keep themselves.
func (m *nodeMetrics) writeParts(w io.Writer) {
	gauge := func(name string, v float64) { metrics.WriteGaugeFloat64(w, name, v) }
	counter := func(name string, v uint64) { metrics.WriteCounterUint64(w, name, v) }
	n := m.node
	m.writeMetadata(gauge)
	m.writeCluster(w, gauge)
	if n.server == nil {
		return // a controller alone
	}
	if n.wal != nil {
		m.writeWAL(gauge, counter)
	}
	s := n.streams.Stats()
	writeDirect(w, &s.Direct)
	gauge("seawall_streams_open", float64(s.Streams))
	gauge("seawall_wal_instances_rescuing", float64(s.Rescuing))
	counter("seawall_remote_tail_bytes_total", uint64(s.RemoteBytes))
	counter("seawall_served_tail_bytes_total", uint64(s.ServedBytes))
	gauge("seawall_cold_reads", float64(s.Cold))
	gauge("seawall_rescue_predicted_seconds", s.Upload.RescueSeconds)
	gauge("seawall_wal_read_bandwidth_bytes_per_second", float64(n.readRate.Load()))
	gauge("seawall_upload_queued_generations", float64(s.Upload.Queued))
	gauge("seawall_upload_last_success_age_seconds", s.Upload.SinceSuccess.Seconds())
	counter("seawall_upload_generations_total", s.Upload.Generations)
	counter("seawall_upload_objects_total", s.Upload.Objects)
	counter("seawall_upload_bytes_total", s.Upload.Bytes)
	counter("seawall_upload_dead_bytes_total", s.Upload.DeadBytes)
	counter("seawall_upload_refused_slices_total", s.Upload.RefusedSlices)
	counter("seawall_upload_failures_total", s.Upload.Failures)
	counter("seawall_gc_errors_total", s.GCErrors)
	gauge("seawall_upload_pace_bytes_per_second", n.pacing.upload.Rate())
	metrics.WriteCounterFloat64(w, "seawall_upload_paced_seconds_total", n.pacing.waitedSeconds(objstore.PriorityUpload))
	metrics.WriteCounterFloat64(w, "seawall_catch_up_paced_seconds_total", n.pacing.waitedSeconds(objstore.PriorityCatchUp))

	c := m.cache.Stats()
	gauge("seawall_log_cache_index_bytes", float64(c.IndexBytes))
	gauge("seawall_log_cache_pinned_bytes", float64(c.PinnedBytes))
	counter("seawall_log_cache_evicted_pages_total", uint64(c.EvictedPages))
	gauge("seawall_connections", float64(n.server.Connections()))
}

// writeWAL writes what a broker with a WAL has.
func (m *nodeMetrics) writeWAL(gauge func(name string, v float64), counter func(name string, v uint64)) {
	n := m.node
	l := n.wal.Stats()
	counter("seawall_wal_records_total", uint64(l.Records))
	counter("seawall_wal_payload_bytes_total", uint64(l.PayloadBytes))
	counter("seawall_wal_flushes_total", uint64(l.Flushes))
	counter("seawall_wal_inline_flushes_total", uint64(l.InlineFlushes))
	counter("seawall_wal_full_total", uint64(l.Full))
	untrimmed := float64(n.untrimmedBytes())
	gauge("seawall_wal_untrimmed_bytes", untrimmed)
	gauge("seawall_wal_capacity_bytes", float64(n.cfg.WAL.CapacityBytes))
	gauge("seawall_wal_fill_ratio", untrimmed/float64(max(n.cfg.WAL.CapacityBytes, 1)))
	gauge("seawall_wal_failed", boolean(n.wal.Failed() != nil))
}

// writeMetadata writes what every node has, whatever its roles.
func (m *nodeMetrics) writeMetadata(gauge func(name string, v float64)) {
	n := m.node
	img := n.metadata.Image()
	gauge("seawall_up", 1)
	gauge("seawall_metadata_index", float64(img.Index()))
	gauge("seawall_metadata_feed_lag", float64(n.observer.Lag()))
	gauge("seawall_metadata_lost_seconds", n.observer.Lost().Seconds())
	gauge("seawall_metadata_active_controller", float64(n.controllers.known()))
	if n.controller != nil {
		term, _ := n.controller.Term()
		gauge("seawall_controller_is_active", boolean(term != 0))
		gauge("seawall_controller_term", float64(n.controller.Quorum().Term))
	}
	if n.lease != nil {
		gauge("seawall_lease_valid", boolean(n.lease.Valid()))
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
