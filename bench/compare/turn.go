package compare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seawallmq/seawall/bench/arm"
	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/bench/simstore"
)

const (
	deliveryTimeout = time.Minute
	// turnTimeout is what a turn may take beyond its load.
	turnTimeout = 10 * time.Minute
	// leaveTimeout bounds the deleting of topics on a broker that runs elsewhere.
	leaveTimeout = 30 * time.Second
)

// outcome is what a turn came to.
type outcome struct {
	round result.Round
	load  *load.Result
}

// life is a contender that is running.
type life struct {
	*contender
	turn   string
	server *arm.Server
	store  *simstore.Store // nil without a simulated one
	topics []string
	group  string
}

// take gives one contender one load in an empty folder, and removes all of it.
func (c *comparison) take(ctx context.Context, name string, s *scenario.Scenario, a *contender, seed uint64) (out *outcome, err error) {
	dir, err := os.MkdirTemp(c.Scratch, "turn-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := device.Settle(ctx, c.Scratch, c.Settle); err != nil {
		return nil, err
	}
	c.turns++
	l := &life{contender: a, turn: name, group: fmt.Sprintf("seawall-bench-%s-%d", c.id, c.turns)}
	at := place{dir: dir, store: c.StoreURL, device: c.WALDevice}
	if a.profile != "" {
		if l.store, err = simstore.Start(ctx, c.Seawall, dir, a.profile, seed); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, l.store.Close()) }()
		c.noteStore(a.spec.Store, l.store)
		at.store, at.env = l.store.URL, l.store.Env
	}
	release, err := a.attach(ctx, &at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if l.server, err = a.make(at).Start(ctx, dir); err != nil {
		return nil, err
	}
	defer l.server.Kill()
	c.noteVersion(ctx, l)
	ctx, cancel := l.server.While(ctx, turnTimeout+s.WarmUp+s.Duration)
	defer cancel()
	if _, err := l.server.WaitReady(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.leave(s)) }()
	if err := l.createTopics(ctx, s); err != nil {
		return nil, err
	}
	out, err = c.apply(ctx, l, s)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx)) // perhaps the broker's end
	}
	return out, err
}

// attach sees to a raw device for a contender that wants one: a loop device, or the
// one that was named, which has to be empty and is left so.
func (a *contender) attach(ctx context.Context, at *place) (release func() error, err error) {
	switch {
	case !a.raw:
		return func() error { return nil }, nil
	case at.device == "":
		loop, err := arm.NewLoopDevice(ctx, at.dir, walBytes)
		if err != nil {
			return nil, err
		}
		at.device = loop.Path
		return loop.Close, nil
	}
	if err := device.Empty(at.device); err != nil {
		return nil, fmt.Errorf("%s: %w", at.device, err)
	}
	return func() error { return device.Clear(at.device) }, nil
}

// noteVersion asks a broker what it is, once; one that does not say has no version.
func (c *comparison) noteVersion(ctx context.Context, l *life) {
	for i := range c.result.Recipe.Arms {
		spec := &c.result.Recipe.Arms[i]
		switch {
		case spec.Name != l.spec.Name || spec.Version != "":
		case l.wal != nil:
			spec.Version = "seawall " + c.Version
		default:
			spec.Version = l.server.Version(ctx)
		}
	}
}

func (l *life) createTopics(ctx context.Context, s *scenario.Scenario) error {
	for i := range s.Topics {
		topic := fmt.Sprintf("%s-%d", l.group, i)
		if err := l.server.CreateTopic(ctx, topic, s.Partitions); err != nil {
			return err
		}
		l.topics = append(l.topics, topic)
	}
	return nil
}

// leave deletes what was made on a broker that stays.
func (l *life) leave(s *scenario.Scenario) error {
	if !l.remote {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	return l.server.DeleteTopics(ctx, l.topics, load.Groups(l.group, s))
}

// apply is the load and what it used.
func (c *comparison) apply(ctx context.Context, l *life, s *scenario.Scenario) (*outcome, error) {
	w := watch(ctx, l)
	defer w.stop()
	r, err := load.Run(ctx, load.Config{
		Brokers: []string{l.server.Addr}, Topics: l.topics, Scenario: *s, Group: l.group, DeliveryTimeout: deliveryTimeout,
		AtWindow: w.edge,
		EachSecond: func(p load.Progress) {
			if c.Second != nil {
				c.Second(l.turn, p)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	w.stop()
	out := &outcome{round: roundOf(r), load: r}
	err = w.fill(&out.round, r)
	if l.server.IsOurs() {
		resident, residentErr := l.server.ResidentBytes()
		out.round.BrokerResidentBytes, err = resident, errors.Join(err, residentErr)
	}
	if err != nil {
		return nil, err
	}
	if _, err := r.Verify(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		out.round.Fault = err.Error()
	} else {
		out.round.ReadBack = true
	}
	if r.ConsumeFault != nil && out.round.Fault == "" {
		out.round.Fault = r.ConsumeFault.Error()
	}
	return out, nil
}

// roundOf is what the driver itself knows of a round.
func roundOf(r *load.Result) result.Round {
	gigabytes := float64(r.WindowAcked) * float64(r.Config.Scenario.RecordBytes) / 1e9
	round := result.Round{
		Ack: result.SummaryOf(r.Latency), EndToEnd: result.SummaryOf(r.EndToEnd), Lag: result.SummaryOf(r.Lag),
		Saturation: r.Saturation(),
		Sent:       r.Sent, Acked: r.Acked, Failed: r.Failed, Consumed: r.Consumed,
		Window: r.Window, AckedBytesPerSecond: r.BytesPerSecond(), ConsumedBytesPerSecond: r.ConsumedBytesPerSecond(),
		CatchUpBytesPerSecond: r.CatchUpBytesPerSecond(), Series: r.Series,
	}
	if gigabytes > 0 {
		round.DriverCPUPerGB = r.CPU.Own.Seconds() / gigabytes
	}
	return round
}
