package compare

import (
	"errors"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/scenario"
)

// Options say what is compared.
type Options struct {
	Command   []string // as it was typed, for the recipe
	Version   string   // seawall's
	Arms      []string // names
	Scenarios []scenario.Scenario
	// SweepRates, in records a second, make it a sweep of the only scenario.
	SweepRates []float64
	// SweepP99Max is the p99 past which a sweep counts an arm as overloaded.
	SweepP99Max time.Duration
	Rounds      int
	Seed        uint64

	Seawall string // the binary that brokers and stores are started from
	Scratch string // an existing folder on the disk to be measured
	Means
	// Settle is how long the machine is left alone before a turn.
	Settle time.Duration
	// SkipDevice leaves out what the disk by itself does.
	SkipDevice bool

	Log    func(format string, args ...any)   // what is going on, a line each
	Second func(turn string, p load.Progress) // each second of a load; must not block
}

// Means are what some arms need that the machine must have.
type Means struct {
	Root      string // the checkout, for its script that runs Apache Kafka
	Klite     string // the binary
	WALDevice string // an empty block device, for wal-block; a loop device without
	StoreURL  string // a real object store, instead of the simulated ones
	Uncapped  bool   // no cap of a gp3 volume on WALs
}

// Validate returns all that is wrong at once.
func (o *Options) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(o.Rounds >= 1, "rounds: %d is not at least one", o.Rounds)
	check(len(o.Arms) > 0, "no arm is named")
	check(len(o.Scenarios) > 0, "no scenario is named")
	seen := make(map[string]bool)
	for _, name := range o.Arms {
		if _, err := contenderOf(name, o.Means, o.Seawall); err != nil {
			faults = append(faults, err)
		}
		check(!seen[name], "arm %s is named twice", name)
		seen[name] = true
	}
	for i := range o.Scenarios {
		s := &o.Scenarios[i]
		if err := s.Validate(); err != nil {
			faults = append(faults, err)
		}
		check(!seen["scenario "+s.Name], "scenario %s is named twice", s.Name)
		seen["scenario "+s.Name] = true
	}
	check(len(o.SweepRates) == 0 || len(o.Scenarios) == 1, "a sweep is of one scenario, and these are %d", len(o.Scenarios))
	last := 0.0
	for _, r := range o.SweepRates {
		check(r > last, "rates of a sweep are to rise: %v comes after %v", r, last)
		last = r
	}
	return errors.Join(faults...)
}
