package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

const (
	// switchTimeout bounds how long a switch may take until the new mode serves.
	switchTimeout = 60 * time.Second
	// switchRunMin and switchRunMax are how long the load runs in a mode.
	switchRunMin = 200 * time.Millisecond
	switchRunMax = 1200 * time.Millisecond
	// proofGathers is for how many gather intervals the store is away to see that
	// no ack comes.
	proofGathers = 4
)

// errNotProven says that acks do not come, or stay away, as the mode wants it.
var errNotProven = errors.New("the mode does not serve")

// switches is a run of switches.
type switches struct {
	*rig
	subject *subject
	pauses  map[bool][]time.Duration // the longest of each switch, by the new mode
}

// runSwitches switches a topic's mode again and again under load.
func runSwitches(ctx context.Context, s settings) (*rig, error) {
	fmt.Printf("diskless switch: %d switches, seed %d, %d producers at %d records/s of %d bytes on %d partitions, %d unanswered at most; direct appends gather for %v\n",
		s.switches, s.seed, s.load.Producers, s.load.Rate, s.load.ValueBytes, s.load.Partitions, s.load.InFlight, s.gather)
	r, err := newRig(ctx, s, "switch", s.gatherProperty())
	if err != nil {
		return r, err
	}
	if err := r.begin(ctx, "switched", false, map[string]string{disklessEnable: "false"}); err != nil {
		return r, err
	}
	x := &switches{rig: r, subject: &r.subjects[0], pauses: map[bool][]time.Duration{}}
	for n := 1; n <= s.switches; n++ {
		if err := x.once(ctx, n); err != nil {
			return r, fmt.Errorf("switch %d: %w", n, err)
		}
	}
	for _, direct := range []bool{true, false} {
		fmt.Printf("longest time without an ack in a partition, at a switch to %s=%t: %s\n", disklessEnable, direct, load.Percentiles(x.pauses[direct]))
	}
	if _, err := r.verify(ctx, r.loads); err != nil {
		return r, err
	}
	return r, r.end(ctx)
}

// gatherProperty is how long direct appends gather on a broker with a WAL.
func (s *settings) gatherProperty() string {
	return fmt.Sprintf("diskless.append.commit.interval.ms=%d", s.gather.Milliseconds())
}

// once switches to the other mode, waits until it serves, and proves it.
func (x *switches) once(ctx context.Context, n int) error {
	if err := x.runFor(ctx, x.between(switchRunMin, switchRunMax)); err != nil {
		return err
	}
	x.subject.direct = !x.subject.direct
	w := x.subject.watch
	w.measure()
	began := time.Now()
	if err := x.alter(ctx); err != nil {
		return err
	}
	accepted := time.Since(began)
	x.mark()
	if err := x.awaitMode(ctx); err != nil {
		return err
	}
	served, longest := time.Since(began), w.longest(time.Now())
	x.pauses[x.subject.direct] = append(x.pauses[x.subject.direct], longest)
	proofs, err := x.prove(ctx)
	if err != nil {
		return err
	}
	readCtx, cancel := x.process.While(ctx, verifyTimeout)
	defer cancel()
	reading, err := x.subject.load.ReadAll(readCtx)
	if err != nil {
		return err
	}
	_, acked := x.subject.load.Counts()
	fmt.Printf("switch %2d  to %s=%-5t  accepted after %4d ms, serves after %5d ms  longest without an ack %4d ms  proofs %d  %8d acked, %8d read meanwhile\n",
		n, disklessEnable, x.subject.direct, accepted.Milliseconds(), served.Milliseconds(), longest.Milliseconds(), proofs, acked, reading.Records)
	return nil
}

func (x *switches) alter(ctx context.Context) error {
	ctx, cancel := x.process.While(ctx, switchTimeout)
	defer cancel()
	return x.subject.load.SetConfig(ctx, disklessEnable, strconv.FormatBool(x.subject.direct))
}

// awaitMode waits until acks of all partitions take as long as the mode makes them.
func (x *switches) awaitMode(ctx context.Context) error {
	err := x.await(ctx, switchTimeout, func() bool { return serves(x.subject.watch, x.subject.direct, x.gather) })
	if err != nil {
		quickest, slowest, _ := x.subject.watch.medians()
		return fmt.Errorf("%s=%t does not serve: acks take %v to %v: %w", disklessEnable, x.subject.direct, quickest, slowest, err)
	}
	return nil
}

// serves says whether the latest acks are those of a mode. A record waits half of
// the time that appends gather for an object, on average, and then for the store; in
// a WAL it takes a few milliseconds.
func serves(w *watch, direct bool, gather time.Duration) bool {
	quickest, slowest, ok := w.medians()
	if direct {
		return ok && quickest >= gather/4
	}
	return ok && slowest < gather/4
}

// prove takes the store away to see that acks need it, or do not. On a busy
// machine latencies can seem to be the other mode's: it tries again as long as
// a switch may take, and says how often it tried.
func (x *switches) prove(ctx context.Context) (tries int, err error) {
	for deadline := time.Now().Add(switchTimeout); ; {
		tries++
		err := x.proveOnce(ctx)
		if err == nil || !errors.Is(err, errNotProven) || time.Now().After(deadline) {
			return tries, err
		}
		x.mark()
		if err := x.awaitMode(ctx); err != nil {
			return tries, err
		}
	}
}

func (x *switches) proveOnce(ctx context.Context) error {
	x.store.Proxy.Switch(toxic.Refuse)
	x.mark()
	w := x.subject.watch
	var err error
	if x.subject.direct {
		if err = x.runFor(ctx, proofGathers*x.gather); err == nil && w.all() > 0 {
			err = fmt.Errorf("%w: %d records were sent and acknowledged with the store away", errNotProven, w.all())
		}
	} else if err = x.await(ctx, proofGathers*x.gather+time.Second, func() bool { return w.fewest() > 0 }); errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: no ack in some partition with the store away: %w", errNotProven, err)
	}
	x.store.Proxy.Switch(toxic.Pass)
	if err != nil {
		return err
	}
	x.mark()
	return x.awaitAcks(ctx, *x.subject)
}
