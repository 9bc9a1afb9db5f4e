package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

const (
	// topicRounds is how many rounds write to the same topics, which are read back
	// whole after each.
	topicRounds = 10
	// How long faults last at least and at most, and how long the load runs before
	// and after them at most.
	faultMin = 100 * time.Millisecond
	faultMax = 1500 * time.Millisecond
	runMax   = 400 * time.Millisecond
	// strikeTimeout bounds the wait for a request that a fault befalls.
	strikeTimeout = 30 * time.Second
	// delayMax is how late an answer comes at most, longer than it takes a
	// client to try again beside it.
	delayMax = 1500 * time.Millisecond
)

// fault is something that goes wrong with the store for a while.
type fault struct {
	what  string
	proxy toxic.Mode   // Pass: it is not the proxy's
	gate  toxic.Faults // for the gate
}

// away says whether nothing at all reaches the store.
func (f fault) away() bool { return f.proxy != toxic.Pass || f.gate.Cut == 1 || f.gate.Error == 1 }

// faultKinds make a fault each, with a share of requests where they have one.
var faultKinds = []func(share float64, delay time.Duration) fault{
	func(float64, time.Duration) fault { return fault{what: "refuses", proxy: toxic.Refuse} },
	func(share float64, _ time.Duration) fault {
		return fault{what: fmt.Sprintf("does, and loses the answers to, %.0f %%", 100*share), gate: toxic.Faults{Lost: share}}
	},
	func(float64, time.Duration) fault { return fault{what: "hangs", proxy: toxic.Hang} },
	func(share float64, _ time.Duration) fault {
		return fault{what: fmt.Sprintf("answers 500 and 503 to %.0f %%", 100*share), gate: toxic.Faults{Error: share}}
	},
	func(float64, time.Duration) fault { return fault{what: "is held back", proxy: toxic.Stall} },
	func(share float64, delay time.Duration) fault {
		return fault{what: fmt.Sprintf("answers %.0f %% late by %v", 100*share, delay), gate: toxic.Faults{Late: share, Delay: delay}}
	},
	func(share float64, _ time.Duration) fault {
		return fault{what: fmt.Sprintf("hangs up on %.0f %%", 100*share), gate: toxic.Faults{Cut: share}}
	},
	func(share float64, delay time.Duration) fault {
		return fault{
			what: fmt.Sprintf("spoils %.0f %% in all ways, late by %v", 100*share, delay),
			gate: toxic.Faults{Cut: share / 4, Error: share / 4, Lost: share / 4, Late: share / 4, Delay: delay},
		}
	},
}

// shares are of the requests that a gate's fault befalls: some, most, all.
var shares = []float64{0.3, 0.7, 1}

// newFault is the n-th: the kinds come in turn.
func (x *faults) newFault(n int) fault {
	share, delay := shares[x.random.IntN(len(shares))], x.between(faultMin, delayMax)
	return faultKinds[(n-1)%len(faultKinds)](share, delay)
}

// faults is a run of rounds.
type faults struct {
	*rig
	pauses []time.Duration // the longest without an ack of a direct topic, by round
	healed []time.Duration // from a fault's end until all partitions have acks
}

// runFaults breaks the store again and again under load.
func runFaults(ctx context.Context, s settings) (*rig, error) {
	const wal = "s3.wal.path=0@s3://?batchInterval=%d"
	on, override := "a broker without WAL", fmt.Sprintf(wal, s.gather.Milliseconds())
	if s.wal {
		on, override = "a broker with a WAL, a topic of each kind", s.gatherProperty()
	}
	fmt.Printf("diskless faults: %d rounds on %s, seed %d, %d producers at %d records/s of %d bytes on %d partitions, %d unanswered at most; direct appends gather for %v\n",
		s.faults, on, s.seed, s.load.Producers, s.load.Rate, s.load.ValueBytes, s.load.Partitions, s.load.InFlight, s.gather)
	r, err := newRig(ctx, s, "faults", override)
	if err != nil {
		return r, err
	}
	x := &faults{rig: r}
	for n := 1; n <= s.faults; n++ {
		if err := x.round(ctx, n); err != nil {
			return r, fmt.Errorf("round %d: %w", n, err)
		}
	}
	fmt.Printf("%d rounds, no restart; longest time without an ack in a partition in a round: %s; from a fault's end to acks in all: %s\n",
		s.faults, load.Percentiles(x.pauses), load.Percentiles(x.healed))
	return r, r.end(ctx)
}

// beginTopics starts loads on fresh topics: those of before are paused.
func (x *faults) beginTopics(ctx context.Context, n int) error {
	x.subjects = nil
	if !x.wal {
		return x.begin(ctx, fmt.Sprintf("faults-%d", n), true, nil)
	}
	if err := x.begin(ctx, fmt.Sprintf("faults-diskless-%d", n), true, map[string]string{disklessEnable: "true"}); err != nil {
		return err
	}
	return x.begin(ctx, fmt.Sprintf("faults-classic-%d", n), false, nil)
}

// round breaks the store once and judges.
func (x *faults) round(ctx context.Context, n int) error {
	if n%topicRounds == 1 {
		if err := x.beginTopics(ctx, n); err != nil {
			return err
		}
	}
	x.current().Resume()
	x.mark()
	if err := x.awaitAcks(ctx, x.subjects...); err != nil {
		return fmt.Errorf("before anything is wrong: %w", err)
	}
	if err := x.runFor(ctx, x.between(0, runMax)); err != nil {
		return err
	}
	f, lasts := x.newFault(n), x.between(faultMin, faultMax)
	fmt.Printf("round %3d  store %s for %v", n, f.what, lasts)
	struck, err := x.inflict(ctx, f, lasts)
	if err != nil {
		return fmt.Errorf("store %s: %w", f.what, err)
	}
	healed, err := x.heal(ctx)
	if err != nil {
		return fmt.Errorf("after the store %s: %w", f.what, err)
	}
	longest := x.subjects[0].watch.longest(time.Now())
	x.pauses, x.healed = append(x.pauses, longest), append(x.healed, healed)
	reading, err := x.verify(ctx, x.current())
	if err != nil {
		return fmt.Errorf("after the store %s: %w", f.what, err)
	}
	_, acked := x.current().Counts()
	fmt.Printf(" | %d requests struck | without an ack %d ms at most, acks in all partitions %d ms after | %d acked %d read ok\n",
		struck, longest.Milliseconds(), healed.Milliseconds(), acked, reading.Records)
	return nil
}

// inflict has a fault last for a while, and until it has struck, and ends it.
func (x *faults) inflict(ctx context.Context, f fault, lasts time.Duration) (struck int64, err error) {
	for _, s := range x.subjects {
		s.watch.measure()
	}
	before := x.store.Gate.Struck()
	x.store.Gate.Set(f.gate)
	x.store.Proxy.Switch(f.proxy)
	x.mark()
	err = x.runFor(ctx, lasts)
	if err == nil && f.proxy == toxic.Pass {
		if err = x.await(ctx, strikeTimeout, func() bool { return x.store.Gate.Struck() > before }); err != nil {
			err = fmt.Errorf("no request was struck: %w", err)
		}
	}
	if err == nil && f.away() {
		err = x.checkAway(ctx)
	}
	x.store.Gate.Set(toxic.Faults{})
	x.store.Proxy.Switch(toxic.Pass)
	return x.store.Gate.Struck() - before, err
}

// checkAway holds acks to where they come from, while nothing reaches the store.
func (x *faults) checkAway(ctx context.Context) error {
	for _, s := range x.subjects {
		if !s.direct {
			if err := x.awaitAcks(ctx, s); err != nil {
				return fmt.Errorf("a topic of the WAL does not go on: %w", err)
			}
			continue
		}
		if n := s.watch.all(); n > 0 {
			return fmt.Errorf("%d records that were sent with the store away were acknowledged", n)
		}
	}
	return nil
}

// heal waits until all partitions have acks of records sent after the fault, and
// says how long that took.
func (x *faults) heal(ctx context.Context) (time.Duration, error) {
	x.mark()
	over := time.Now()
	if err := x.awaitAcks(ctx, x.subjects...); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, x.process.LogTail())
	}
	return time.Since(over), x.runFor(ctx, x.between(0, runMax))
}
