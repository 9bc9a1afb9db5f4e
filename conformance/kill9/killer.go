package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/proc"
	"github.com/seawallmq/seawall/conformance/toxic"
)

const (
	// readyTimeout bounds a start until the broker serves, recovery included.
	readyTimeout = 60 * time.Second
	// ackTimeout bounds the wait for the first ack after a restart.
	ackTimeout = 30 * time.Second
	// verifyTimeout bounds reading a topic back.
	verifyTimeout = 5 * time.Minute
	// earlyKillOdds is one in how many restarts is killed while it starts.
	earlyKillOdds = 4
	// earlyKillMax is how long after its start such a kill comes at most.
	earlyKillMax = 150 * time.Millisecond
)

// killer is a run of rounds.
type killer struct {
	settings
	broker *proc.Broker
	random *rand.Rand

	process   *proc.Process // the living broker
	store     *toxic.Store  // nil: a folder of the broker's
	loads     load.Loads    // of this round
	earlier   load.Loads    // paused, on topics of rounds before
	switched  *switched     // nil without a topic to switch
	kills     int
	firstAcks []time.Duration // from a restart's start, one a round
}

func newKiller(s settings, b *proc.Broker) *killer {
	return &killer{settings: s, broker: b, random: rand.New(rand.NewPCG(s.seed, 0))}
}

func (k *killer) close() {
	k.loads.Close()
	k.earlier.Close()
	if k.process != nil {
		k.process.Kill9()
	}
	if k.store != nil {
		k.store.Close()
	}
}

func (k *killer) run(ctx context.Context) error {
	if err := k.begin(ctx); err != nil {
		return err
	}
	for n := 1; n <= k.rounds; n++ {
		if err := k.round(ctx, n); err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
	}
	return k.end(ctx)
}

// begin starts the broker, and a store beside it if it needs one.
func (k *killer) begin(ctx context.Context) error {
	var err error
	if k.simulates() {
		if err := k.startStore(ctx); err != nil {
			return err
		}
	}
	k.process, err = k.broker.StartReady(ctx, readyTimeout, k.properties(false)...)
	return err
}

// beginTopics starts loads on fresh topics.
func (k *killer) beginTopics(ctx context.Context, n int) error {
	k.earlier, k.loads = append(k.earlier, k.loads...), nil
	ctx, cancel := k.process.While(ctx, readyTimeout)
	defer cancel()
	topics := k.topics()
	for _, t := range topics {
		cfg := k.settings.load
		cfg.Brokers, cfg.Topic, cfg.Configs = []string{k.broker.Listen}, fmt.Sprintf("%s-%d", t.name, n), t.configs
		cfg.Rate = max(1, cfg.Rate/len(topics))
		l, err := load.Start(ctx, cfg)
		if err != nil {
			return err
		}
		k.loads = append(k.loads, l)
		if t.switched {
			k.switched = &switched{load: l, diskless: true}
		}
	}
	return nil
}

// verify reads everything back and judges; it does not wait for a broker that has ended.
func (k *killer) verify(ctx context.Context, loads load.Loads) (load.Reading, error) {
	ctx, cancel := k.process.While(ctx, time.Duration(len(loads))*verifyTimeout)
	defer cancel()
	return loads.Verify(ctx)
}

// round kills once, at times twice, and judges.
func (k *killer) round(ctx context.Context, n int) error {
	frequent := n%2 == 0
	if n == 1 || k.topicMax > 0 && n%k.topicMax == 1 {
		if err := k.beginTopics(ctx, n); err != nil {
			return err
		}
	}
	k.loads.Resume()
	before := k.randomDuration(k.runMax)
	if err := k.runFor(ctx, before); err != nil {
		return err
	}
	switched, err := k.switchMode(ctx)
	if err != nil {
		return err
	}
	started, early, err := k.restart(frequent)
	if err != nil {
		return err
	}
	ready, firstAck, err := k.waitServing(ctx, started)
	if err != nil {
		return err
	}
	k.firstAcks = append(k.firstAcks, firstAck)
	if err := k.runFor(ctx, k.randomDuration(k.runMax)); err != nil {
		return err
	}
	reading, err := k.verify(ctx, k.loads)
	if err != nil {
		return fmt.Errorf("killed %v after the last check (uploads %s): %w", before, rate(frequent), err)
	}
	sent, acked := k.loads.Counts()
	fmt.Printf("round %3d  uploads %-8s  killed after %4d ms%s%s  restart to ready %4d ms, to first ack %4d ms  %8d sent %8d acked %8d read back in %4d ms  ok\n",
		n, rate(frequent), before.Milliseconds(), switched, early, ready.Milliseconds(), firstAck.Milliseconds(),
		sent, acked, reading.Records, reading.Duration.Milliseconds())
	return nil
}

// restart kills the broker and starts it again, at times with a kill in between.
func (k *killer) restart(frequent bool) (started time.Time, early string, err error) {
	start := func() error {
		k.process.Kill9()
		k.kills++
		started = time.Now()
		k.process, err = k.broker.Start(k.properties(frequent)...)
		return err
	}
	if err := start(); err != nil {
		return started, "", err
	}
	if k.random.IntN(earlyKillOdds) > 0 {
		return started, "", nil
	}
	delay := k.randomDuration(earlyKillMax)
	time.Sleep(delay)
	early = fmt.Sprintf(" and %d ms into the start", delay.Milliseconds())
	return started, early, start()
}

// waitServing waits until the broker is ready and until an ack came, and says how long after its start.
func (k *killer) waitServing(ctx context.Context, started time.Time) (ready, firstAck time.Duration, err error) {
	starting, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := k.broker.WaitReady(starting, k.process); err != nil {
		return 0, 0, err
	}
	ready = time.Since(started)
	ctx, cancel = context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	at, err := k.loads.WaitAck(ctx, started)
	if err != nil {
		return 0, 0, fmt.Errorf("after a restart that was ready in %v: %w\n%s", ready, err, k.process.LogTail())
	}
	return ready, at.Sub(started), nil
}

// runFor lets the load run; an error when the broker ends by itself.
func (k *killer) runFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-k.process.Done():
		return fmt.Errorf("the broker ended by itself:\n%s", k.process.LogTail())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end stops the broker politely, and reads everything once more after a last start.
func (k *killer) end(ctx context.Context) error {
	if err := k.process.Stop(readyTimeout); err != nil && len(k.command) == 0 {
		return fmt.Errorf("stopping at the end: %w\n%s", err, k.process.LogTail())
	}
	var err error
	if k.process, err = k.broker.StartReady(ctx, readyTimeout, k.properties(false)...); err != nil {
		return err
	}
	all := append(k.earlier, k.loads...)
	reading, err := k.verify(ctx, all)
	if err != nil {
		return fmt.Errorf("after a clean stop and start: %w", err)
	}
	_, acked := all.Counts()
	fmt.Printf("PASS kill9%s: %d rounds, %d kills, seed %d: %d acknowledged, %d read back after a clean restart: none lost, repeated, reordered or damaged\n",
		k.mode(), k.rounds, k.kills, k.seed, acked, reading.Records)
	fmt.Printf("restart to first ack: %s\n", load.Percentiles(k.firstAcks))
	return nil
}

func (k *killer) randomDuration(longest time.Duration) time.Duration {
	return time.Duration(k.random.Int64N(int64(longest)))
}

func rate(frequent bool) string {
	if frequent {
		return "frequent"
	}
	return "normal"
}
