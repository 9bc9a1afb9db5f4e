package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

const (
	// ackTimeout bounds the wait for an ack once all faults are over.
	ackTimeout = 60 * time.Second
	// verifyTimeout bounds reading everything back.
	verifyTimeout = 5 * time.Minute
	// topicRounds is how many rounds write to one topic: it is read back whole
	// after each.
	topicRounds = 10
	// switchOdds is one in how many rounds of -diskless switches the topic's mode.
	switchOdds = 3
	// frequentUploads makes uploads follow one another closely, in objects of
	// both kinds, so that faults meet upload, commit and trim.
	frequentUploads = "s3.wal.upload.threshold=262144 s3.wal.upload.interval.ms=200 s3.stream.object.split.size=65536"
)

// rounds is a run of mixed faults.
type rounds struct {
	*rig
	random *rand.Rand
	load   *load.Load
	groups *groups
	gaps   *gaps
	pauses []time.Duration // the longest without an ack, by round
	direct bool            // with -diskless: the topic is acknowledged from object storage now
}

func runRounds(ctx context.Context, s settings) (*rig, error) {
	fmt.Printf("cluster rounds: %d rounds, seed %d, %d producers at %d records/s of %d bytes on %d partitions\n",
		s.rounds, s.seed, s.load.Producers, s.load.Rate, s.load.ValueBytes, s.load.Partitions)
	r, err := newRig(ctx, s, s.voters, true, strings.Fields(frequentUploads)...)
	if err != nil {
		return r, err
	}
	x := &rounds{rig: r, random: rand.New(rand.NewPCG(s.seed, 0)), gaps: new(gaps)}
	defer x.endLoad()
	for n := 1; n <= s.rounds; n++ {
		if err := x.round(ctx, n); err != nil {
			return r, fmt.Errorf("round %d: %w", n, err)
		}
	}
	x.endLoad()
	fmt.Printf("%d rounds; longest time without an ack in a round: %s\n", s.rounds, load.Percentiles(x.pauses))
	return r, r.stop()
}

// beginLoad starts producers and groups on a fresh topic.
func (x *rounds) beginLoad(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cfg := x.settings.load
	cfg.Brokers, cfg.Topic, cfg.OnAck = x.brokers(), fmt.Sprintf("rounds-%d", n), x.gaps.note
	cfg.Configs = x.topicConfigs()
	var err error
	if x.load, err = load.Start(ctx, cfg); err != nil {
		return err
	}
	x.direct = x.diskless
	x.groups, err = watchGroups(cfg.Brokers, cfg.Topic)
	return err
}

func (x *rounds) endLoad() {
	if x.groups != nil {
		x.groups.Close()
	}
	if x.load != nil {
		x.load.Close()
	}
	x.groups, x.load = nil, nil
}

func (x *rounds) round(ctx context.Context, n int) error {
	if n%topicRounds == 1 {
		x.endLoad()
		if err := x.beginLoad(ctx, n); err != nil {
			return err
		}
	}
	x.load.Resume()
	if err := pause(ctx, between(x.random, 0, time.Second)); err != nil {
		return err
	}
	what, err := x.switchMode(ctx)
	if err != nil {
		return err
	}
	faults := x.newFaults(x.random)
	for _, f := range faults {
		what = append(what, f.what)
	}
	fmt.Printf("round %3d  %s", n, strings.Join(what, "; "))
	began := time.Now()
	x.gaps.begin()
	if err := inflict(ctx, x.random, faults); err != nil {
		return err
	}
	over := time.Now()
	if err := x.waitAck(ctx, over); err != nil {
		return err
	}
	healed := time.Since(over)
	if err := pause(ctx, between(x.random, 0, time.Second)); err != nil {
		return err
	}
	longest := x.gaps.end()
	x.pauses = append(x.pauses, longest)
	reading, err := x.verify(ctx)
	if err != nil {
		return fmt.Errorf("%s, from %s on: %w", strings.Join(what, "; "), began.Format(time.TimeOnly), err)
	}
	_, acked := x.load.Counts()
	fmt.Printf(" | without an ack %d ms at most, first ack %d ms after | %d acked %d read %d commits ok\n",
		longest.Milliseconds(), healed.Milliseconds(), acked, reading.Records, x.groups.committed())
	return nil
}

// switchMode has a topic of -diskless change to the WAL, or back, in some rounds:
// faults then meet the switch.
func (x *rounds) switchMode(ctx context.Context) (what []string, err error) {
	if !x.diskless || x.random.IntN(switchOdds) > 0 {
		return nil, nil
	}
	x.direct = !x.direct
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = x.load.SetConfig(ctx, disklessEnable, strconv.FormatBool(x.direct))
	return []string{fmt.Sprintf("switched to %s=%t", disklessEnable, x.direct)}, err
}

// waitAck waits for an ack after the faults are over.
func (x *rounds) waitAck(ctx context.Context, over time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if _, err := x.load.WaitAck(ctx, over); err != nil {
		return fmt.Errorf("after the faults were over: %w\n%s", err, x.logTails())
	}
	// A node that was killed is waited for, so that each round begins whole.
	return x.waitReady(ctx, x.nodes...)
}

func (x *rounds) verify(ctx context.Context) (load.Reading, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, verifyTimeout, errors.New("reading back took too long"))
	defer cancel()
	reading, err := x.load.Verify(ctx)
	if err != nil {
		return reading, err
	}
	return reading, x.groups.check(ctx)
}

// logTails is the end of what each node wrote.
func (r *rig) logTails() string {
	var b strings.Builder
	for _, n := range r.nodes {
		fmt.Fprintf(&b, "node %d:\n%s\n", n.ID, n.process.LogTail())
	}
	return b.String()
}
