package suite

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/report"
)

const (
	// batchOverheadBytes is what a record batch of one record of ours has
	// beside key and value: the batch header and the record's own lengths.
	batchOverheadBytes = 61 + 9
	// deviceDuration is one measurement of one round.
	deviceDuration = 2 * time.Second
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
	plan := device.Plan{PacedPerSecond: report.RateLow, Rounds: s.Settings.Rounds, Each: deviceDuration, Log: s.Log}
	flush := device.FlushBytes(s.Settings.RecordBytes+batchOverheadBytes, geo.BlockBytes)
	if flush != 4096 {
		plan.Latencies = append(plan.Latencies, report.Latency{Bytes: 4096})
	}
	plan.Latencies = append(plan.Latencies, report.Latency{Bytes: flush, Flush: true})
	for _, b := range []report.Bandwidth{{Bytes: 256 << 10}, {Bytes: 1 << 20}, {Bytes: 1 << 20, Read: true}} {
		b.Depth = bandwidthDepth
		plan.Bandwidths = append(plan.Bandwidths, b)
	}
	s.report.Device, err = file.Survey(ctx, plan)
	return err
}
