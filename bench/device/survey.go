package device

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/wal/device"
)

// Plan says what Survey measures. Of Latencies and Bandwidths what is asked for
// is filled in, sizes, depths and directions; the rest is found.
type Plan struct {
	Latencies  []report.Latency
	Bandwidths []report.Bandwidth
	// PacedPerSecond times writes at this rate too; 0: only back to back.
	PacedPerSecond float64
	Rounds         int           // of everything
	Each           time.Duration // one measurement of one round
	// Log is told what was found; may be nil.
	Log func(format string, args ...any)
}

// Everyday is a plan that shows a disk by size and depth.
func Everyday(each time.Duration) Plan {
	p := Plan{Rounds: 1, Each: each}
	for _, bytes := range []int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
		p.Latencies = append(p.Latencies, report.Latency{Bytes: bytes})
	}
	for _, bytes := range []int{64 << 10, 256 << 10, 1 << 20} {
		for _, depth := range []int{1, 4, 16} {
			p.Bandwidths = append(p.Bandwidths, report.Bandwidth{Bytes: bytes, Depth: depth})
		}
	}
	for _, depth := range []int{1, 4} {
		p.Bandwidths = append(p.Bandwidths, report.Bandwidth{Bytes: 1 << 20, Depth: depth, Read: true})
	}
	return p
}

// Survey measures by the WAL's own code, through the WAL itself unless the space
// is a raw device's, and by fio where it is installed, the ways taking turns.
// What was found before an error is returned with it.
func (f *File) Survey(ctx context.Context, p Plan) (*report.Device, error) {
	geo, err := f.Geometry()
	if err != nil {
		return nil, err
	}
	if p.Log == nil {
		p.Log = func(string, ...any) {}
	}
	d := &report.Device{Durability: geo.Durability, BlockBytes: geo.BlockBytes}
	for _, l := range p.Latencies {
		if err := f.surveyLatency(ctx, &p, &l, d); err != nil {
			return d, err
		}
		d.Latencies = append(d.Latencies, l)
	}
	for _, b := range p.Bandwidths {
		if err := f.surveyBandwidth(ctx, &p, &b); err != nil {
			return d, err
		}
		d.Bandwidths = append(d.Bandwidths, b)
	}
	return d, nil
}

// surveyLatency times one size in every way, and keeps all rounds together;
// fio's is its last round.
func (f *File) surveyLatency(ctx context.Context, p *Plan, l *report.Latency, d *report.Device) error {
	backToBack, paced := hist.New(), hist.New()
	for range p.Rounds {
		h, err := f.WriteLatency(ctx, l.Bytes, 0, p.Each)
		if err != nil {
			return err
		}
		backToBack.Add(h)
		fio, err := f.Fio(ctx, FioJob{BlockBytes: l.Bytes, Depth: 1, Duration: p.Each})
		if err != nil && !errors.Is(err, ErrNoFio) {
			return err
		}
		l.Fio, d.Fio = fio.Latency, fio.Version
		if p.PacedPerSecond == 0 {
			continue
		}
		if h, err = f.WriteLatency(ctx, l.Bytes, p.PacedPerSecond, p.Each); err != nil {
			return err
		}
		paced.Add(h)
	}
	l.BackToBack, l.Paced = backToBack.Summary(), paced.Summary()
	p.Log("durable write of %d bytes: %v p50, %v p99", l.Bytes, l.BackToBack.P50, l.BackToBack.P99)
	return nil
}

// surveyBandwidth measures one block size in every way, and keeps the best of
// the rounds.
func (f *File) surveyBandwidth(ctx context.Context, p *Plan, b *report.Bandwidth) error {
	kind := device.Write
	if b.Read {
		kind = device.Read
	}
	for range p.Rounds {
		rate, err := f.Bandwidth(ctx, kind, b.Bytes, b.Depth, p.Each)
		if err != nil {
			return err
		}
		b.Device = max(b.Device, rate)
		fio, err := f.Fio(ctx, FioJob{Read: b.Read, BlockBytes: b.Bytes, Depth: b.Depth, Duration: p.Each})
		if err != nil && !errors.Is(err, ErrNoFio) {
			return err
		}
		b.Fio = max(b.Fio, fio.BytesPerSecond)
		if b.Read || f.raw {
			continue
		}
		if rate, err = LogBandwidth(ctx, filepath.Dir(f.path), b.Bytes, b.Depth, p.Each); err != nil {
			return err
		}
		b.Log = max(b.Log, rate)
	}
	p.Log("%s of %d bytes, depth %d: %.0f MB/s, fio %.0f, records through the WAL %.0f", kind, b.Bytes, b.Depth, b.Device/1e6, b.Fio/1e6, b.Log/1e6)
	return nil
}
