package compare

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seawallmq/seawall/bench/device"
	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/report"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/simstore"
)

const (
	// deviceEach is one measurement of the disk: all of them take some seconds.
	deviceEach = 500 * time.Millisecond
	// batchOverheadBytes is what a batch of one record has beside key and value.
	batchOverheadBytes = 70
)

// ErrInterrupted says that a comparison did not come to its end.
var ErrInterrupted = errors.New("interrupted: only what was measured until then is told")

// comparison is one that is going on.
type comparison struct {
	Options
	arms   []contender
	result *result.Result
	// all are the histograms of all rounds, by scenario and arm.
	all map[[2]int]*histograms
	id  string // of this run, in the names of topics
	// turns begun so far: Kafka is slow to forget a topic, and none is used again.
	turns int
}

// histograms are those of all rounds of an arm in a scenario.
type histograms struct{ ack, endToEnd *hist.Histogram }

// Run compares. What was measured is returned even with an error, which says that
// it was interrupted; what failed otherwise stands in the result.
func Run(ctx context.Context, o Options) (*result.Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c := &comparison{Options: o, all: make(map[[2]int]*histograms), id: fmt.Sprintf("%x", time.Now().UnixNano())}
	c.result = &result.Result{
		Format: result.Format, Began: time.Now(), Version: o.Version, Machine: report.ThisMachine(),
		Recipe: result.Recipe{Command: o.Command, Seed: o.Seed, Rounds: o.Rounds, Scenarios: o.Scenarios, SweepRates: o.SweepRates},
	}
	c.gather()
	err := c.measure(ctx)
	c.finish()
	return c.result, err
}

// gather makes the contenders and notes what cannot be measured here.
func (c *comparison) gather() {
	for _, name := range c.Arms {
		arm, err := contenderOf(name, c.Means, c.Seawall)
		if err != nil {
			arm.missing = err.Error() // Validate has seen to it
		}
		if arm.missing != "" {
			c.fault(name, errors.New(arm.missing))
			continue
		}
		c.arms = append(c.arms, arm)
		c.result.Recipe.Arms = append(c.result.Recipe.Arms, arm.spec)
	}
	for i := range c.Scenarios {
		s := result.Scenario{Name: c.Scenarios[i].Name}
		for _, a := range c.arms {
			s.Arms = append(s.Arms, result.ArmResult{Arm: a.spec.Name})
		}
		c.result.Scenarios = append(c.result.Scenarios, s)
	}
	if c.StoreURL != "" {
		c.result.Stores = append(c.result.Stores, result.Store{Name: realStore, URL: c.StoreURL})
	}
}

// measure measures the disk and takes all turns.
func (c *comparison) measure(ctx context.Context) error {
	if !c.SkipDevice {
		if err := c.device(ctx); err != nil {
			c.fault("the disk by itself", err)
		}
		if ctx.Err() != nil {
			return ErrInterrupted
		}
	}
	if len(c.SweepRates) > 0 {
		return c.sweep(ctx)
	}
	turns := plan(len(c.Scenarios), c.Rounds, len(c.arms))
	for i, t := range turns {
		name := fmt.Sprintf("%s %s", c.Scenarios[t.scenario].Name, c.arms[t.arm].spec.Name)
		if c.Rounds > 1 {
			name += fmt.Sprintf(" round %d", t.round+1)
		}
		c.Log("turn %d of %d: %s", i+1, len(turns), name)
		out, err := c.take(ctx, name, &c.Scenarios[t.scenario], &c.arms[t.arm], c.Seed+uint64(t.round))
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		if err != nil {
			c.fault(name, err)
			continue
		}
		c.keep(t, out)
	}
	return nil
}

// keep adds what a turn came to.
func (c *comparison) keep(t turn, out *outcome) {
	r := &c.result.Scenarios[t.scenario].Arms[t.arm]
	r.Rounds = append(r.Rounds, out.round)
	key := [2]int{t.scenario, t.arm}
	if c.all[key] == nil {
		c.all[key] = &histograms{hist.New(), hist.New()}
	}
	c.all[key].ack.Add(out.load.Latency)
	c.all[key].endToEnd.Add(out.load.EndToEnd)
}

// finish puts the rounds together.
func (c *comparison) finish() {
	for key, h := range c.all {
		r := &c.result.Scenarios[key[0]].Arms[key[1]]
		r.Ack, r.EndToEnd = result.HistogramOf(h.ack), result.HistogramOf(h.endToEnd)
	}
	if len(c.SweepRates) > 0 {
		c.result.Scenarios = nil // a sweep's are its steps
	}
	c.result.Ended = time.Now()
}

// fault notes what could not be measured.
func (c *comparison) fault(what string, err error) {
	text := what + ": " + strings.Join(strings.Fields(err.Error()), " ")
	c.Log("FAILED %s", text)
	c.result.Faults = append(c.result.Faults, text)
}

// noteStore tells of a simulated store, once.
func (c *comparison) noteStore(name string, s *simstore.Store) {
	for i := range c.result.Stores {
		if c.result.Stores[i].Name == name {
			return
		}
	}
	c.result.Stores = append(c.result.Stores, s.Result(name))
}

// device measures what the disk does by itself: the size of a lone record's
// flush, 4 KiB, and what it carries.
func (c *comparison) device(ctx context.Context) (err error) {
	c.Log("the disk by itself")
	file, err := device.Prepare(c.Scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Remove()) }()
	geometry, err := file.Geometry()
	if err != nil {
		return err
	}
	flush := device.FlushBytes(c.Scenarios[0].RecordBytes+batchOverheadBytes, geometry.BlockBytes)
	p := device.Plan{
		Latencies:  []report.Latency{{Bytes: flush, Flush: true}},
		Bandwidths: []report.Bandwidth{{Bytes: 256 << 10, Depth: 4}},
		Rounds:     1, Each: deviceEach, Log: c.Log,
	}
	if flush != 4<<10 {
		p.Latencies = append(p.Latencies, report.Latency{Bytes: 4 << 10})
	}
	c.result.Device, err = file.Survey(ctx, p)
	return err
}
