package node

import (
	"context"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/directack"
)

// A PUT that hangs holds up all that is to be acknowledged after it: it may take
// this long, and as long as its bytes take at the least rate to be put up with.
const (
	directPutMin       = 5 * time.Second
	directPutRateFloor = 4 * mib // a second
)

// directConfig is how this node acknowledges from object storage.
func (n *Node) directConfig() *s3stream.DirectConfig {
	return &s3stream.DirectConfig{
		// Not paced: appends come first (I9).
		Store:    n.store.Retry.Within(directPutMin + time.Duration(n.cfg.Direct.BatchBytes)*time.Second/directPutRateFloor),
		Memory:   n.shares.direct,
		Settings: directack.Settings{Interval: n.cfg.Direct.Interval, BatchBytes: n.cfg.Direct.BatchBytes, PutsMax: n.cfg.Direct.PutsMax},
		Observer: n.metrics,
		OpenLog:  n.openDirectLog,
	}
}

// openDirectLog makes a direct log known to the metadata.
func (n *Node) openDirectLog(ctx context.Context) (ids.WALInstance, error) {
	if r := image.CanOpenDirect(n.metadata.Image()); r != nil {
		return ids.WALInstance{}, r
	}
	instance := ids.NewUUID(n.random)
	_, err := kraftmeta.Do(ctx, n.metadata, &image.OpenWAL{
		Node: n.cfg.Node.ID, NodeEpoch: n.epoch, Instance: instance, Kind: image.KindDirect, Location: image.KindDirect + "://",
	})
	return instance, err
}

// BatchPut implements directack.Observer.
func (m *nodeMetrics) BatchPut(took time.Duration, bytes int64) {
	m.directPut.Update(took.Seconds())
	m.directBytes.Update(float64(bytes))
}

// BatchCommitted implements directack.Observer.
func (m *nodeMetrics) BatchCommitted(took time.Duration) { m.directCommit.Update(took.Seconds()) }

// writeDirect writes what acknowledging from object storage counts.
func writeDirect(w io.Writer, s *directack.Stats) {
	counter := func(name string, v uint64) { metrics.WriteCounterUint64(w, name, v) }
	counter("seawall_direct_batches_total", s.Batches)
	counter("seawall_direct_payload_bytes_total", s.Bytes)
	counter("seawall_direct_puts_total", s.Puts)
	counter("seawall_direct_hedges_total", s.Hedges)
	counter("seawall_direct_failures_total", s.Failures)
	counter("seawall_direct_full_total", s.Full)
	counter("seawall_direct_refused_slices_total", s.RefusedSlices)
	metrics.WriteGaugeFloat64(w, "seawall_direct_batches_in_flight", float64(s.InFlight))
	metrics.WriteGaugeFloat64(w, "seawall_direct_pending_bytes", float64(s.PendingBytes))
}
