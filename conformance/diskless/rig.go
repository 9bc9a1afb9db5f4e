package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/proc"
	"github.com/seawallmq/seawall/conformance/toxic"
)

const (
	// startTimeout bounds the start of a server until it serves, and its end.
	startTimeout = 60 * time.Second
	// ackTimeout bounds the wait for acks once nothing is wrong any more.
	ackTimeout = 60 * time.Second
	// verifyTimeout bounds reading a topic back.
	verifyTimeout = 5 * time.Minute

	disklessEnable = "diskless.enable"
)

// subject is a topic under load.
type subject struct {
	load   *load.Load
	watch  *watch
	direct bool // acknowledged from the store
}

// rig is a broker with a simulated store, and what is written to it.
type rig struct {
	settings
	dir       string
	random    *rand.Rand
	overrides []string
	store     *toxic.Store
	broker    *proc.Broker
	process   *proc.Process
	subjects  []subject  // of now
	loads     load.Loads // all there were, those of earlier topics paused
}

// newRig starts store and broker.
func newRig(ctx context.Context, s settings, name string, overrides ...string) (r *rig, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	r = &rig{settings: s, random: rand.New(rand.NewPCG(s.seed, 0)), overrides: overrides}
	if r.dir, err = proc.NewDir("diskless-" + name); err != nil {
		return nil, err
	}
	if r.store, err = toxic.StartSimulated(ctx, s.seawall, r.dir, s.profile, s.seed); err != nil {
		return r, err
	}
	if r.broker, err = proc.NewBroker(s.seawall, nil, filepath.Join(r.dir, "broker")); err != nil {
		return r, err
	}
	r.broker.Store, r.broker.Env = r.store.URL(), r.store.Env()
	r.process, err = r.broker.StartReady(ctx, startTimeout, overrides...)
	return r, err
}

// Close ends everything; the data stay.
func (r *rig) Close() {
	r.loads.Close()
	if r.process != nil {
		r.process.Kill9()
	}
	if r.store != nil {
		r.store.Close()
	}
}

// begin starts a load on a fresh topic.
func (r *rig) begin(ctx context.Context, topic string, direct bool, configs map[string]string) error {
	ctx, cancel := r.process.While(ctx, startTimeout)
	defer cancel()
	s := subject{watch: newWatch(int(r.settings.load.Partitions)), direct: direct}
	cfg := r.settings.load
	cfg.Brokers, cfg.Topic, cfg.Configs, cfg.OnAck = []string{r.broker.Listen}, topic, configs, s.watch.note
	var err error
	if s.load, err = load.Start(ctx, cfg); err != nil {
		return err
	}
	r.subjects, r.loads = append(r.subjects, s), append(r.loads, s.load)
	return nil
}

// current are the loads of now.
func (r *rig) current() (loads load.Loads) {
	for _, s := range r.subjects {
		loads = append(loads, s.load)
	}
	return loads
}

// mark has all subjects count what is sent from now on.
func (r *rig) mark() {
	now := time.Now()
	for _, s := range r.subjects {
		s.watch.mark(now)
	}
}

// awaitAcks waits until each partition has an ack of a record sent after the mark.
func (r *rig) awaitAcks(ctx context.Context, subjects ...subject) error {
	for _, s := range subjects {
		if err := r.await(ctx, ackTimeout, func() bool { return s.watch.fewest() > 0 }); err != nil {
			return fmt.Errorf("no ack in some partition: %w", err)
		}
	}
	return nil
}

// await waits until cond holds; an error when the broker ends or time does.
func (r *rig) await(ctx context.Context, timeout time.Duration, cond func() bool) error {
	ctx, cancel := r.process.While(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// runFor lets the load run; an error when the broker ends by itself.
func (r *rig) runFor(ctx context.Context, d time.Duration) error {
	ctx, cancel := r.process.While(ctx, startTimeout)
	defer cancel()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// verify reads everything of loads back and judges.
func (r *rig) verify(ctx context.Context, loads load.Loads) (load.Reading, error) {
	ctx, cancel := r.process.While(ctx, time.Duration(len(loads))*verifyTimeout)
	defer cancel()
	return loads.Verify(ctx)
}

// end restarts the broker politely and reads all there ever was back.
func (r *rig) end(ctx context.Context) error {
	if err := r.process.Stop(startTimeout); err != nil {
		return fmt.Errorf("stopping at the end: %w\n%s", err, r.process.LogTail())
	}
	var err error
	if r.process, err = r.broker.StartReady(ctx, startTimeout, r.overrides...); err != nil {
		return err
	}
	reading, err := r.verify(ctx, r.loads)
	if err != nil {
		return fmt.Errorf("after a clean stop and start: %w", err)
	}
	_, acked := r.loads.Counts()
	fmt.Printf("%d acknowledged, %d read back after a clean restart: none lost, repeated, reordered or damaged\n", acked, reading.Records)
	return nil
}

// between is a random time.
func (r *rig) between(least, most time.Duration) time.Duration {
	return (least + time.Duration(r.random.Int64N(int64(most-least)))).Round(time.Millisecond)
}
