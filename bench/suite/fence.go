package suite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/report"
)

const (
	// fenceWindow is short, so that what disturbs the machine for a while meets
	// both kinds.
	fenceWindow = 2 * time.Second
	fenceWarmUp = 300 * time.Millisecond
	// fenceTurns is how many windows each kind has a round, at each rate.
	fenceTurns = 4
	// fenceWALBytes are enough for all windows of a round.
	fenceWALBytes = 2 << 30
)

var fenceRates = [...]float64{report.RateLow, report.RateHigh}

// kind is one of the two brokers that take turns.
type kind struct {
	name   string
	choose func(dir string) arm.Arm

	server *arm.Server              // the living one
	loads  []*load.Result           // on it, to be read back
	at     [len(fenceRates)]windows // of all rounds, by rate
}

// fence measures what the shared kind's fence costs an acknowledgement.
func (s *suite) fence(ctx context.Context) error {
	seawall := func(parameters string) func(string) arm.Arm {
		return func(dir string) arm.Arm {
			return arm.Seawall(s.Seawall, append(withoutUploads(fenceWALBytes), walAt(dir, fenceWALBytes)+parameters)...)
		}
	}
	return s.compareKinds(ctx, &kind{name: "exclusive", choose: seawall("")}, &kind{name: "shared", choose: seawall("&fence=shared")})
}

// compareKinds has two brokers live at once in each round, and gives them the
// same loads in turns.
func (s *suite) compareKinds(ctx context.Context, exclusive, shared *kind) error {
	order := []*kind{exclusive, shared}
	for range s.Settings.Rounds {
		err := s.together(ctx, order, func(ctx context.Context) error {
			for i := range fenceRates {
				if err := s.takeTurns(ctx, order, i); err != nil {
					return err
				}
			}
			return readBack(ctx, order)
		})
		if err != nil {
			return err
		}
		slices.Reverse(order)
	}
	for i, rate := range fenceRates {
		s.report.Fence = append(s.report.Fence, report.Fenced{
			RatePerSecond: rate, WarmUp: s.fenceWarmUp(), Window: s.fenceWindow(),
			Exclusive: exclusive.turns(i), Shared: shared.turns(i),
		})
	}
	return nil
}

// together starts brokers, each in an empty folder, and lets f use them.
func (s *suite) together(ctx context.Context, kinds []*kind, f func(context.Context) error) error {
	if len(kinds) == 0 {
		return f(ctx)
	}
	k := kinds[0]
	return s.life(ctx, k.choose, func(ctx context.Context, server *arm.Server) error {
		ctx, cancel := server.While(ctx, lifeTimeout)
		defer cancel()
		k.server, k.loads = server, nil
		if _, err := server.WaitReady(ctx); err != nil {
			return err
		}
		return s.together(ctx, kinds[1:], f)
	})
}

// takeTurns gives each broker its windows at a rate; who is first changes from
// turn to turn.
func (s *suite) takeTurns(ctx context.Context, order []*kind, rate int) error {
	order = slices.Clone(order)
	for turn := range fenceTurns {
		for _, k := range order {
			l, err := s.window(ctx, k.server, fmt.Sprintf("rate-%.0f-%d", fenceRates[rate], turn+1), fenceRates[rate])
			if err != nil {
				return fmt.Errorf("%s, %.0f/s: %w", k.name, fenceRates[rate], err)
			}
			k.loads = append(k.loads, l)
			k.at[rate].add(l)
			s.Log("%8.0f/s  %-9s  p50 %v  p99 %v", fenceRates[rate], k.name, l.Latency.Quantile(0.5), l.Latency.Quantile(0.99))
		}
		slices.Reverse(order)
	}
	return nil
}

// window is one load on a topic of its own.
func (s *suite) window(ctx context.Context, server *arm.Server, topic string, rate float64) (*load.Result, error) {
	if err := server.CreateTopic(ctx, topic, s.Settings.Partitions); err != nil {
		return nil, err
	}
	cfg := s.loadConfig(server, topic, rate, ratedProducers)
	cfg.Scenario.WarmUp, cfg.Scenario.Duration = s.fenceWarmUp(), s.fenceWindow()
	return load.Run(ctx, cfg)
}

// At most as long as in the other parts.
func (s *suite) fenceWindow() time.Duration { return min(fenceWindow, s.Settings.Duration) }
func (s *suite) fenceWarmUp() time.Duration { return min(fenceWarmUp, s.Settings.WarmUp) }

// readBack reads what brokers that keep it have acknowledged.
func readBack(ctx context.Context, kinds []*kind) error {
	for _, k := range kinds {
		if !k.server.Keeps() {
			continue
		}
		for _, l := range k.loads {
			if _, err := l.Verify(ctx); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
		}
	}
	return nil
}

// windows are what loads at one rate came to.
type windows struct {
	all  load.Result // latency, lag and failures together
	each []hist.Summary
}

func (w *windows) add(l *load.Result) {
	if len(w.each) == 0 {
		w.all = load.Result{Config: l.Config, Latency: hist.New(), Lag: hist.New()}
	}
	w.all.Latency.Add(l.Latency)
	w.all.Lag.Add(l.Lag)
	w.all.Failed += l.Failed
	w.each = append(w.each, l.Latency.Summary())
}

// turns reports a kind's windows at a rate, which were read back.
func (k *kind) turns(rate int) report.Turns {
	w := &k.at[rate]
	return report.Turns{
		Latency: w.all.Latency.Summary(), Lag: w.all.Lag.Summary(), Each: w.each,
		Saturation: w.all.Saturation(), Failed: w.all.Failed, ReadBack: k.server.Keeps(),
	}
}
