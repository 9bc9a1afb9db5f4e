package suite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/scenario"
)

const (
	ratedProducers       = 1
	unthrottledProducers = 2
	deliveryTimeout      = time.Minute
)

// produce gives every broker the same loads, one after the other, in each
// round in another order.
func (s *suite) produce(ctx context.Context) error {
	for _, a := range s.Arms {
		s.report.Brokers = append(s.report.Brokers, report.Broker{Name: a.Name, Ack: a.Ack})
	}
	order := make([]int, len(s.Arms))
	for i := range order {
		order[i] = i
	}
	for n := range s.Settings.Rounds {
		for _, i := range order {
			a := s.Arms[i]
			s.Log("-- %s, round %d", a.Name, n+1)
			var round report.Round
			err := s.life(ctx, func(string) arm.Arm { return a }, func(ctx context.Context, server *arm.Server) (err error) {
				round, err = s.round(ctx, a, server)
				return err
			})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				s.fault(fmt.Sprintf("%s, round %d", a.Name, n+1), err)
				continue
			}
			s.report.Brokers[i].Rounds = append(s.report.Brokers[i].Rounds, round)
		}
		slices.Reverse(order)
	}
	return nil
}

// round is one life of a broker under all loads.
func (s *suite) round(ctx context.Context, a arm.Arm, server *arm.Server) (r report.Round, err error) {
	ctx, cancel := server.While(ctx, lifeTimeout)
	defer cancel()
	if r.FirstAck, err = server.FirstAck(ctx, "first"); err != nil {
		return r, err
	}
	if err = device.Rest(ctx, s.Settle); err != nil {
		return r, err
	}
	if r.ResidentIdle, err = server.ResidentBytes(); err != nil {
		return r, err
	}
	for _, rate := range []float64{report.RateLow, report.RateHigh} {
		rated, err := s.rated(ctx, a, server, rate)
		if err != nil {
			return r, err
		}
		r.Rated = append(r.Rated, rated)
	}
	if r.Unthrottled, err = s.unthrottled(ctx, a, server, &r); err != nil {
		return r, err
	}
	return r, nil
}

// measured is a load and what was used in its window.
type measured struct {
	*load.Result
	server arm.Usage
}

// run applies one load to a topic of its own.
func (s *suite) run(ctx context.Context, server *arm.Server, topic string, rate float64, producers int) (measured, error) {
	m := measured{}
	if err := server.CreateTopic(ctx, topic, s.Settings.Partitions); err != nil {
		return m, err
	}
	var usageErr error
	var before arm.Usage
	cfg := s.loadConfig(server, topic, rate, producers)
	cfg.AtWindow = func(open bool) {
		now, err := server.Usage(ctx)
		if err != nil {
			usageErr = err
		}
		if open {
			before = now
			s.profile(ctx, server, topic)
			return
		}
		m.server = arm.Usage{CPU: now.CPU - before.CPU, Mallocs: now.Mallocs - before.Mallocs}
	}
	result, err := load.Run(ctx, cfg)
	if err == nil {
		err = usageErr
	}
	m.Result = result
	return m, err
}

// loadConfig is a load of the settings' shape; a rate of zero is unlimited.
func (s *suite) loadConfig(server *arm.Server, topic string, rate float64, producers int) load.Config {
	shape := scenario.Default()
	shape.Partitions, shape.RecordBytes, shape.Producers = s.Settings.Partitions, s.Settings.RecordBytes, producers
	shape.WarmUp, shape.Duration = s.Settings.WarmUp, s.Settings.Duration
	shape.Rate = scenario.Rate{Shape: scenario.Unlimited}
	if rate > 0 {
		shape.Rate = shape.Rate.Scaled(rate)
	}
	return load.Config{Brokers: []string{server.Addr}, Topics: []string{topic}, Scenario: shape, DeliveryTimeout: deliveryTimeout}
}

// gigabytes were acknowledged in the window.
func (m *measured) gigabytes() float64 {
	return float64(m.WindowAcked) * float64(m.Config.Scenario.RecordBytes) / 1e9
}

func (m *measured) mallocsPerBatch() float64 {
	return m.server.Mallocs / float64(max(m.WindowBatches, 1))
}

func (s *suite) rated(ctx context.Context, a arm.Arm, server *arm.Server, rate float64) (report.Rated, error) {
	m, err := s.run(ctx, server, fmt.Sprintf("rate-%.0f", rate), rate, ratedProducers)
	if err != nil {
		return report.Rated{}, err
	}
	r := report.Rated{
		RatePerSecond: rate, Latency: m.Latency.Summary(), Lag: m.Lag.Summary(), Saturation: m.Saturation(),
		Failed: m.Failed, RecordsPerBatch: float64(m.WindowAcked) / float64(max(m.WindowBatches, 1)),
		MallocsPerBatch: m.mallocsPerBatch(), CPUPerGB: m.server.CPU.Seconds() / m.gigabytes(),
	}
	if a.Keeps {
		if _, err := m.Verify(ctx); err != nil {
			return r, err
		}
		r.ReadBack = true
	}
	s.Log("%8.0f/s  p50 %v  p95 %v  p99 %v  p99.9 %v  (lag p50 %v p99 %v)", rate, r.Latency.P50, r.Latency.P95, r.Latency.P99, r.Latency.P999, r.Lag.P50, r.Lag.P99)
	return r, nil
}

// unthrottled also takes the broker's memory at the end, before anything is
// read back.
func (s *suite) unthrottled(ctx context.Context, a arm.Arm, server *arm.Server, round *report.Round) (*report.Unthrottled, error) {
	m, err := s.run(ctx, server, "unthrottled", 0, unthrottledProducers)
	if err != nil {
		return nil, err
	}
	u := &report.Unthrottled{
		BytesPerSecond: m.BytesPerSecond(), Failed: m.Failed, MallocsPerBatch: m.mallocsPerBatch(),
		CPUPerGB: m.server.CPU.Seconds() / m.gigabytes(), DriverCPUPerGB: m.CPU.Own.Seconds() / m.gigabytes(),
	}
	if round.ResidentAfter, err = server.ResidentBytes(); err != nil {
		return nil, err
	}
	if a.Keeps {
		reading, err := m.Verify(ctx)
		if err != nil {
			return nil, err
		}
		u.ReadBack = true
		u.ReadBytesPerSec = float64(reading.Records) * float64(s.Settings.RecordBytes) / reading.Took.Seconds()
	}
	s.Log("unthrottled %.0f MB/s, %.2f CPU s/GB", u.BytesPerSecond/1e6, u.CPUPerGB)
	return u, nil
}

// profile takes a CPU profile of what begins now, if that is wanted.
func (s *suite) profile(ctx context.Context, server *arm.Server, name string) {
	if s.Profiles == "" || !server.HasMetrics() {
		return
	}
	go func() {
		path := filepath.Join(s.Profiles, name+".pprof")
		if err := server.Profile(ctx, path, s.Settings.Duration); err != nil {
			s.Log("no profile of %s: %v", name, err)
		}
	}()
}
