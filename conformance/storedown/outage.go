package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

const (
	// readTimeout bounds reading everything back.
	readTimeout = 3 * time.Minute
	// catchUpTimeout bounds how long uploads may take to catch up.
	catchUpTimeout = 2 * time.Minute
	// emptyBytes is what a WAL holds that is as good as empty: the broker's own small records.
	emptyBytes = 1 << 20
)

// runOutage is the scenario of a store that is away for long, with room in the WAL.
func runOutage(ctx context.Context, s settings, c *checks) error {
	outageBytes := s.times * s.cacheBytes
	walBytes := 3*outageBytes + 128<<20
	r, err := newRig(ctx, s, "outage", walBytes, fmt.Sprintf("s3.wal.upload.threshold=%d", s.cacheBytes/3), "s3.wal.upload.interval.ms=2000")
	if err != nil {
		return err
	}
	o := outage{rig: r, checks: c}
	failedBefore := c.failed
	err = o.run(ctx, outageBytes)
	o.close()
	if err == nil && c.failed == failedBefore {
		return r.discard()
	}
	fmt.Printf("     | data and logs are in %s\n", r.dir)
	return err
}

type outage struct {
	*rig
	checks *checks
	loads  []*load.Load
}

func (o *outage) close() {
	for _, l := range o.loads {
		l.Close()
	}
	o.rig.Close()
}

func (o *outage) start(ctx context.Context, topic string) (*load.Load, error) {
	ctx, cancel := o.process.While(ctx, startTimeout)
	defer cancel()
	l, err := load.Start(ctx, o.loadConfig(o.broker.Listen, topic))
	if err == nil {
		o.loads = append(o.loads, l)
	}
	return l, err
}

func (o *outage) run(ctx context.Context, outageBytes int64) error {
	before, err := o.start(ctx, "before")
	if err != nil {
		return err
	}
	usual, err := o.warmUp(ctx, before)
	if err != nil {
		return err
	}
	o.checks.hold(usual.p99 > 0, "load with the store there", "%v, peak memory %s", usual, mib(o.takeRSSPeak()))
	if err := before.Pause(ctx); err != nil {
		return err
	}

	o.store.Proxy.Switch(o.away)
	_, bytesBefore, err := o.store.ObjectBytes()
	if err != nil {
		return err
	}
	during, err := o.start(ctx, "during")
	if err != nil {
		return fmt.Errorf("a new topic with the store away: %w", err)
	}
	unusual, err := o.write(ctx, during, outageBytes)
	if err != nil {
		return err
	}
	p99Max := 3*usual.p99 + 2000
	o.checks.hold(unusual.p99 <= p99Max, "acks with the store away", "%v; p99 at most %.2f ms", unusual, float64(p99Max)/1000)
	if err := o.readDuring(ctx, during); err != nil {
		return err
	}
	_, bytesAfter, err := o.store.ObjectBytes()
	if err != nil {
		return err
	}
	o.checks.hold(bytesAfter == bytesBefore, "the store was really away", "%s before and %s after", mib(bytesBefore), mib(bytesAfter))
	return o.comeBack(ctx, before, during)
}

// warmUp runs the load with the store there, and throws away the latencies of
// its first part: clients connecting, caches growing.
func (o *outage) warmUp(ctx context.Context, l *load.Load) (latencies, error) {
	ctx, cancel := o.process.While(ctx, time.Hour)
	defer cancel()
	var seconds bySecond
	for elapsed := time.Duration(0); elapsed < o.warm; elapsed += time.Second {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return latencies{}, context.Cause(ctx)
		}
		if h := l.TakeLatency(); elapsed >= o.warm/4 {
			seconds = append(seconds, h)
		}
	}
	return seconds.latencies(), nil
}

// write lets a load run until it has written so many bytes of values.
func (o *outage) write(ctx context.Context, l *load.Load, bytes int64) (latencies, error) {
	began := time.Now()
	// Twice the time that the rate asks for, and a margin.
	expected := time.Duration(bytes/int64(o.producers*o.rate*o.valueBytes)) * time.Second
	ctx, cancel := o.process.While(ctx, 2*expected+30*time.Second)
	defer cancel()
	var seconds bySecond
	for {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			_, acked := l.Counts()
			return latencies{}, fmt.Errorf("writing with the store away stopped at %d records: %w, %w", acked, context.Cause(ctx), l.Problem())
		}
		seconds = append(seconds, l.TakeLatency())
		_, acked := l.Counts()
		if written := acked * int64(o.valueBytes); written >= bytes {
			held, percent, err := o.walHeld(ctx)
			o.checks.none(err, "writing with the store away", "%s in %.1f s, %d times the log cache of %s; the WAL holds %s, %.0f %% of it",
				mib(written), time.Since(began).Seconds(), written/o.cacheBytes, mib(o.cacheBytes), mib(held), percent)
			return seconds.latencies(), nil
		}
	}
}

// readDuring reads what was written with the store away, first under load and
// then with the judgement.
func (o *outage) readDuring(ctx context.Context, l *load.Load) error {
	ctx, cancel := o.process.While(ctx, readTimeout)
	defer cancel()
	reading, err := l.ReadAll(ctx)
	o.checks.none(err, "reading from the first offset under load, store away", "%s", readFigures(reading))
	if err != nil {
		return err
	}
	loaded := l.TakeLatency()
	reading, err = l.Verify(ctx)
	o.checks.none(err, "tail reader and a reader from the first offset agree with every ack", "%s", readFigures(reading))
	peak := o.takeRSSPeak()
	o.checks.hold(peak <= o.rssMax(), "memory with the store away", "peak %s, at most %s; acks while reading back: %s",
		mib(peak), mib(o.rssMax()), figures(loaded))
	return err
}

// comeBack gives the store back and judges what follows.
func (o *outage) comeBack(ctx context.Context, before, during *load.Load) error {
	o.store.Proxy.Switch(toxic.Pass)
	during.Resume()
	heldMax := 2 * o.cacheBytes
	held, took, err := o.waitTrimmed(ctx, heldMax, catchUpTimeout)
	objects, bytes, walkErr := o.store.ObjectBytes()
	o.checks.none(err, "store back: uploads catch up under load, the WAL is trimmed", "in %.1f s to %s; %d objects of %s in the store",
		took.Seconds(), mib(held), objects, mib(bytes))
	if err != nil || walkErr != nil {
		return walkErr
	}
	o.checks.hold(true, "acks while uploads catch up", "%s, peak memory %s", figures(during.TakeLatency()), mib(o.takeRSSPeak()))
	o.verifyBoth(ctx, "everything reads back after the outage", before, during)
	held, took, err = o.waitTrimmed(ctx, emptyBytes, catchUpTimeout)
	o.checks.none(err, "the WAL empties once producers pause", "in %.1f s to %s", took.Seconds(), mib(held))
	if err := o.restartBroker(ctx); err != nil {
		return fmt.Errorf("restarting after the outage: %w", err)
	}
	o.verifyBoth(ctx, "everything reads back after a restart", before, during)
	return nil
}

func (o *outage) verifyBoth(ctx context.Context, name string, loads ...*load.Load) {
	ctx, cancel := o.process.While(ctx, readTimeout)
	defer cancel()
	for _, l := range loads {
		reading, err := l.Verify(ctx)
		o.checks.none(err, name, "%s", readFigures(reading))
	}
}

func readFigures(r load.Reading) string {
	return fmt.Sprintf("%d records, %s, in %.1f s", r.Records, mib(r.Bytes), r.Duration.Seconds())
}
