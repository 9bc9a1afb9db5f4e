package suite

import (
	"context"
	"errors"
	"time"

	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/report"
	waldevice "github.com/seawallmq/seawall/wal/device"
)

const (
	// batchOverheadBytes is what a record batch of one record of ours has
	// beside key and value: the batch header and the record's own lengths.
	batchOverheadBytes = 61 + 9
	// One measurement of one round.
	latencyDuration   = 2 * time.Second
	bandwidthDuration = 2 * time.Second
	// bandwidthDepth is how many blocks are in flight.
	bandwidthDepth = 4
)

// device measures the disk, the ways to it taking turns.
func (s *suite) device(ctx context.Context) error {
	dir, remove, err := s.folder()
	if err != nil {
		return err
	}
	defer remove()
	file, err := device.Prepare(dir)
	if err != nil {
		return err
	}
	geo, err := file.Geometry()
	if err != nil {
		return err
	}
	if err := s.calm(ctx); err != nil {
		return err
	}
	d := &report.Device{Durability: geo.Durability, BlockBytes: geo.BlockBytes}
	s.report.Device = d
	flush := device.FlushBytes(s.Settings.RecordBytes+batchOverheadBytes, geo.BlockBytes)
	for _, l := range []report.Latency{{Bytes: 4096, Flush: flush == 4096}, {Bytes: flush, Flush: true}} {
		if l.Bytes == 4096 && l.Flush && len(d.Latencies) > 0 {
			continue // measured already
		}
		if err := s.writeLatency(ctx, file, &l, d); err != nil {
			return err
		}
		d.Latencies = append(d.Latencies, l)
	}
	for _, b := range []report.Bandwidth{{Bytes: 256 << 10}, {Bytes: 1 << 20}, {Bytes: 1 << 20, Read: true}} {
		b.Depth = bandwidthDepth
		if err := s.bandwidth(ctx, dir, file, &b); err != nil {
			return err
		}
		d.Bandwidths = append(d.Bandwidths, b)
	}
	return nil
}

// writeLatency times one size in every way, and keeps all rounds together;
// fio's is its last round.
func (s *suite) writeLatency(ctx context.Context, file *device.File, l *report.Latency, d *report.Device) error {
	backToBack, paced := hist.New(), hist.New()
	for range s.Settings.Rounds {
		h, err := file.WriteLatency(ctx, l.Bytes, 0, latencyDuration)
		if err != nil {
			return err
		}
		backToBack.Add(h)
		fio, err := file.Fio(ctx, device.FioJob{BlockBytes: l.Bytes, Depth: 1, Duration: latencyDuration})
		if err != nil && !errors.Is(err, device.ErrNoFio) {
			return err
		}
		l.Fio, d.Fio = fio.Latency, fio.Version
		if h, err = file.WriteLatency(ctx, l.Bytes, report.RateLow, latencyDuration); err != nil {
			return err
		}
		paced.Add(h)
	}
	l.BackToBack, l.Paced = backToBack.Summary(), paced.Summary()
	s.Log("durable write of %d bytes: %v p50, %v p99", l.Bytes, l.BackToBack.P50, l.BackToBack.P99)
	return nil
}

// bandwidth measures one block size in every way, and keeps the best of the
// rounds.
func (s *suite) bandwidth(ctx context.Context, dir string, file *device.File, b *report.Bandwidth) error {
	kind := waldevice.Write
	if b.Read {
		kind = waldevice.Read
	}
	for range s.Settings.Rounds {
		rate, err := file.Bandwidth(ctx, kind, b.Bytes, b.Depth, bandwidthDuration)
		if err != nil {
			return err
		}
		b.Device = max(b.Device, rate)
		fio, err := file.Fio(ctx, device.FioJob{Read: b.Read, BlockBytes: b.Bytes, Depth: b.Depth, Duration: bandwidthDuration})
		if err != nil && !errors.Is(err, device.ErrNoFio) {
			return err
		}
		b.Fio = max(b.Fio, fio.BytesPerSecond)
		if b.Read {
			continue
		}
		if rate, err = device.LogBandwidth(ctx, dir, b.Bytes, b.Depth, bandwidthDuration); err != nil {
			return err
		}
		b.Log = max(b.Log, rate)
	}
	s.Log("%s of %d bytes, depth %d: %.0f MB/s, fio %.0f, records through the WAL %.0f", kind, b.Bytes, b.Depth, b.Device/1e6, b.Fio/1e6, b.Log/1e6)
	return nil
}
