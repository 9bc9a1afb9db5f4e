package soak

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/scenario"
)

// Options say what is soaked.
type Options struct {
	Seawall  string // the binary
	Dir      string // an empty folder
	Scenario scenario.Scenario
	// Properties are the broker's, beside those by which it keeps little.
	Properties []string
	Step       time.Duration // between samples
	// Log is told how it goes, some times a minute.
	Log func(format string, args ...any)
}

// Report is what came out.
type Report struct {
	Acked, Failed, Consumed int64
	// P50, P99 and Max are of the window.
	P50, P99, Max  time.Duration
	BytesPerSecond float64
	Saturation     string // of the driver, as of load.Result
	Samples        []Sample
	Trends         []Trend
}

// keepLittle are properties by which a broker has to delete while it is soaked.
var keepLittle = []string{
	"log.retention.bytes=67108864",
	"log.retention.check.interval.ms=5000",
	"s3.object.delete.retention.minutes=1",
}

const (
	topic           = "soak"
	deliveryTimeout = 2 * time.Minute
	logEvery        = 15 * time.Second
)

// Run soaks a broker. An error is of the run itself, or of records that were lost:
// whether it grew is told by the trends.
func Run(ctx context.Context, o Options) (*Report, error) {
	server, err := arm.Seawall(o.Seawall, append(keepLittle, o.Properties...)...).Start(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	defer server.Kill()
	ctx, cancel := server.While(ctx, o.Scenario.WarmUp+o.Scenario.Duration+2*deliveryTimeout)
	defer cancel()
	if err := server.CreateTopic(ctx, topic, o.Scenario.Partitions); err != nil {
		return nil, err
	}
	r := new(Report)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	go func() {
		var err error
		r.Samples, err = Watch(watching, o.Step, func(ctx context.Context) (Sample, error) { return sample(ctx, server) })
		watched <- err
	}()
	res, err := load.Run(ctx, load.Config{
		Brokers: []string{server.Addr}, Topics: []string{topic}, Scenario: o.Scenario, Group: topic,
		DeliveryTimeout: deliveryTimeout, EachSecond: o.tell(),
	})
	stop()
	if err := errors.Join(err, <-watched); err != nil {
		return nil, err
	}
	s := res.Latency.Summary()
	r.Acked, r.Failed, r.Consumed = res.Acked, res.Failed, res.Consumed
	r.P50, r.P99, r.Max = s.P50, s.P99, s.Max
	r.BytesPerSecond, r.Saturation = res.BytesPerSecond(), res.Saturation()
	if r.Trends, err = Judge(r.Samples); err != nil {
		return r, err
	}
	if res.Failed > 0 {
		err = fmt.Errorf("%d records failed, the first one: %w", res.Failed, res.FirstFailure)
	}
	return r, errors.Join(err, res.ConsumeFault)
}

// tell passes on some of the seconds.
func (o *Options) tell() func(load.Progress) {
	var last time.Time
	return func(p load.Progress) {
		if now := time.Now(); now.Sub(last) >= logEvery {
			last = now
			o.Log("%v left: %d acked, p50 %v, p99 %v, max %v in the last second", p.Left.Round(time.Second), p.Acked,
				p.P50.Round(time.Microsecond), p.P99.Round(time.Microsecond), p.Max.Round(time.Microsecond))
		}
	}
}

func sample(ctx context.Context, server *arm.Server) (s Sample, err error) {
	metrics, err := server.Metrics(ctx)
	if err != nil {
		return s, err
	}
	s.Goroutines = int64(metrics["go_goroutines"])
	s.HeapBytes = int64(metrics["go_memstats_heap_inuse_bytes"])
	s.FileBytes = int64(metrics["process_resident_memory_file_bytes"])
	if s.ResidentBytes, err = server.ResidentBytes(); err != nil {
		return s, err
	}
	s.Files, err = server.OpenFiles()
	return s, err
}
