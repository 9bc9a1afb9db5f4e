package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

const (
	// fullWALBytes is a WAL that is soon full.
	fullWALBytes = 64 << 20
	// stillFor is how long without an ack means that the WAL is full.
	stillFor = 3 * time.Second
	// probeTimeout is what the probe's produce requests allow the broker.
	probeTimeout = 2 * time.Second
	// probeBytes is a record that a full WAL has no room for.
	probeBytes = 512 << 10
	// resumeTimeout bounds how long after the store's return the first ack may take.
	resumeTimeout = 60 * time.Second
)

// runFull is the scenario of a WAL that fills while the store is away.
func runFull(ctx context.Context, s settings, c *checks) error {
	s.rate = 0 // as fast as acks come
	r, err := newRig(ctx, s, "full", fullWALBytes)
	if err != nil {
		return err
	}
	f := full{rig: r, checks: c}
	failedBefore := c.failed
	err = f.run(ctx)
	if f.load != nil {
		f.load.Close()
	}
	r.Close()
	if err == nil && c.failed == failedBefore {
		return r.discard()
	}
	fmt.Printf("     | data and logs are in %s\n", r.dir)
	return err
}

type full struct {
	*rig
	checks *checks
	load   *load.Load
}

func (f *full) run(ctx context.Context) error {
	startCtx, cancel := f.process.While(ctx, startTimeout)
	defer cancel()
	f.store.Proxy.Switch(f.away)
	var err error
	if f.load, err = load.Start(startCtx, f.loadConfig(f.broker.Listen, "full")); err != nil {
		return err
	}
	if err := f.fill(ctx); err != nil {
		return err
	}
	f.probe(ctx)
	f.readFull(ctx)

	back := time.Now()
	f.store.Proxy.Switch(toxic.Pass)
	resumeCtx, cancelResume := f.process.While(ctx, resumeTimeout)
	defer cancelResume()
	at, err := f.load.WaitAck(resumeCtx, back)
	f.checks.none(err, "store back: producers go on by themselves", "first ack after %.1f s", at.Sub(back).Seconds())
	if err != nil {
		return err
	}
	return f.end(ctx)
}

// fill waits until no ack has come for a while.
func (f *full) fill(ctx context.Context) error {
	ctx, cancel := f.process.While(ctx, 5*time.Minute)
	defer cancel()
	began := time.Now()
	for {
		after := time.Now()
		still, cancelStill := context.WithTimeout(ctx, stillFor)
		_, err := f.load.WaitAck(still, after)
		cancelStill()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("filling the WAL: %w", context.Cause(ctx))
		case errors.Is(err, context.DeadlineExceeded):
			sent, acked := f.load.Counts()
			held, percent, err := f.walHeld(ctx)
			f.checks.none(err, "producers wait when the WAL is full", "after %.1f s with %s acknowledged (%d records, %d unanswered); the WAL holds %s, %.0f %% of it",
				(time.Since(began) - stillFor).Seconds(), mib(acked*int64(f.valueBytes)), acked, sent-acked, mib(held), percent)
			return nil
		case err != nil:
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// probe produces without retries until it is refused, and looks at the error.
// The first records may find what room larger ones have left.
func (f *full) probe(ctx context.Context) {
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(f.broker.Listen),
		kgo.DisableIdempotentWrite(),
		kgo.RecordRetries(0),
		kgo.RequestRetries(0),
		kgo.ProduceRequestTimeout(probeTimeout),
		kgo.RequestTimeoutOverhead(30*time.Second), // the broker is to answer before the client gives up
		kgo.AllowAutoTopicCreation(),
		kgo.UnknownTopicRetries(-1),
	)
	if err != nil {
		f.checks.fail("a probe of the full WAL", err)
		return
	}
	defer cl.Close()
	ctx, cancel := f.process.While(ctx, time.Minute)
	defer cancel()
	value := make([]byte, probeBytes)
	for taken := 0; ; taken++ {
		began := time.Now()
		// Not the topic under judgement: these records are nobody's.
		err := cl.ProduceSync(ctx, &kgo.Record{Topic: "full-probe", Value: value}).FirstErr()
		if err == nil && taken*probeBytes < fullWALBytes {
			continue
		}
		var code *kerr.Error
		f.checks.hold(errors.As(err, &code) && code.Retriable, "the broker answers with a retriable error", "%v after %.1f s (the request allows %.0f s)",
			err, time.Since(began).Seconds(), probeTimeout.Seconds())
		return
	}
}

// readFull reads what is in the full WAL.
func (f *full) readFull(ctx context.Context) {
	ctx, cancel := f.process.While(ctx, readTimeout)
	defer cancel()
	reading, err := f.load.ReadAll(ctx)
	f.checks.none(err, "the full WAL is read from the first offset", "%s", readFigures(reading))
	peak := f.takeRSSPeak()
	f.checks.hold(peak <= f.rssMax(), "memory with the WAL full", "peak %s, at most %s", mib(peak), mib(f.rssMax()))
}

// end lets the load go on for a while and judges everything.
func (f *full) end(ctx context.Context) error {
	ctx, cancel := f.process.While(ctx, readTimeout)
	defer cancel()
	select {
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	reading, err := f.load.Verify(ctx)
	sent, acked := f.load.Counts()
	f.checks.none(err, "nothing is lost, repeated or reordered", "%d sent, %d acknowledged, read back: %s", sent, acked, readFigures(reading))
	if err != nil {
		return nil
	}
	held, took, err := f.waitTrimmed(ctx, fullWALBytes/2, catchUpTimeout)
	f.checks.none(err, "the WAL has room again", "after %.1f s more it holds %s", took.Seconds(), mib(held))
	return nil
}
