package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seawallmq/seawall/bench/compare"
	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/digest"
	"github.com/seawallmq/seawall/bench/htmlreport"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/scenario"
)

const (
	// driverGCPercent makes the driver's own collections rare.
	driverGCPercent = 400
	// settleDefault lets the machine come to rest before a turn.
	settleDefault = 500 * time.Millisecond
)

// armsHelp names the arms.
var armsHelp = strings.Join(compare.Names(), ", ") + ", kafka=HOST:PORT"

// harness are the flags of all commands that apply loads to arms.
type harness struct {
	compare.Means
	arms         []string
	rounds       int
	seed         uint64
	out, scratch string
	settle       time.Duration
	noDevice     bool
	prices       *string
}

func (h *harness) register(c *cobra.Command, arms ...string) {
	f := c.Flags()
	f.StringSliceVar(&h.arms, "arms", arms, "what is compared, in turn: "+armsHelp)
	f.IntVar(&h.rounds, "rounds", 1, "how often each arm has its turn")
	f.Uint64Var(&h.seed, "seed", 1, "what a simulated store draws its latencies and errors from")
	f.StringVar(&h.out, "out", "", "`folder` for the report (default seawall-bench-TIME)")
	f.StringVar(&h.scratch, "scratch", "", "`folder` on the disk to be measured, for all data (default: in --out)")
	f.DurationVar(&h.settle, "settle", settleDefault, "rest before each turn")
	f.BoolVar(&h.noDevice, "no-device", false, "do not measure what the disk by itself does")
	f.StringVar(&h.StoreURL, "store", "", "`URL` of a real object store as in s3.data.buckets, instead of simulated ones")
	f.BoolVar(&h.Uncapped, "uncapped", false, "do not cap WALs at what AWS gives with a gp3 volume (3,000 IOPS, 125 MiB/s)")
	f.StringVar(&h.WALDevice, "wal-device", "", "block device for wal-block: empty, and left so (default: a loop device, for root)")
	f.StringVar(&h.Root, "root", ".", "the checkout, whose script runs Apache Kafka")
	f.StringVar(&h.Klite, "klite", os.Getenv("KLITE"), "the klite binary")
	h.prices = pricesFlag(c)
}

// options are those of a comparison, but for what only one command knows.
func (h *harness) options(cmd *cobra.Command) (compare.Options, error) {
	self, err := os.Executable()
	root, rootErr := filepath.Abs(h.Root)
	if err := errors.Join(err, rootErr); err != nil {
		return compare.Options{}, err
	}
	means := h.Means
	means.Root = root
	p := newProgress(cmd.OutOrStdout())
	return compare.Options{
		Command: os.Args[1:], Version: versionText(), Arms: h.arms, Rounds: h.rounds, Seed: h.seed,
		Seawall: self, Means: means, Settle: h.settle, SkipDevice: h.noDevice, Log: p.log, Second: p.second,
	}, nil
}

// run compares scenarios that are named, with change made to the options. All
// faults of the command line are told at once.
func (h *harness) run(p *process, cmd *cobra.Command, names []string, change func(*compare.Options)) error {
	o, err := h.options(cmd)
	if err != nil {
		return err
	}
	var faults error
	if o.Scenarios, faults = loadScenarios(names, cmd.Flags()); faults != nil {
		o.Scenarios = []scenario.Scenario{scenario.Default()}
	}
	if change != nil {
		change(&o)
	}
	if err := errors.Join(faults, o.Validate()); err != nil {
		return usageError{err}
	}
	ctx, stop := p.untilSignal(cmd.Context())
	defer stop()
	return h.compare(ctx, cmd.OutOrStdout(), o)
}

// compare does so with options that are right, prints what it found and leaves the
// report. What was measured until an interruption is left too.
func (h *harness) compare(ctx context.Context, out io.Writer, o compare.Options) (err error) {
	prices, err := readPrices(*h.prices)
	if err != nil {
		return err
	}
	debug.SetGCPercent(driverGCPercent)
	if h.out == "" {
		h.out = "seawall-bench-" + time.Now().UTC().Format("20060102-150405")
	}
	remove, err := h.folders(&o)
	if err != nil {
		return err
	}
	r, runErr := compare.Run(ctx, o)
	err = errors.Join(runErr, remove())
	if r == nil {
		return err
	}
	err = errors.Join(err, leaveReport(out, h.out, r, prices))
	if err == nil && len(r.Faults) > 0 {
		err = fmt.Errorf("%d turns or preparations failed: the report says which, and why", len(r.Faults))
	}
	return err
}

// folders makes those that are needed; remove takes away what is not to stay.
func (h *harness) folders(o *compare.Options) (remove func() error, err error) {
	if err := os.MkdirAll(h.out, 0o755); err != nil {
		return nil, err
	}
	scratch := h.scratch
	if scratch == "" {
		scratch = h.out
	}
	if o.Scratch, err = os.MkdirTemp(scratch, "scratch-"); err != nil {
		return nil, err
	}
	if o.Scratch, err = filepath.Abs(o.Scratch); err != nil {
		return nil, err
	}
	return func() error { return os.RemoveAll(o.Scratch) }, nil
}

// leaveReport prints what was found and writes the files.
func leaveReport(out io.Writer, dir string, r *result.Result, prices *cost.Prices) error {
	files, err := htmlreport.Write(dir, r, prices)
	fmt.Fprintln(out)
	if err := errors.Join(err, digest.Terminal(out, r)); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, f := range files {
		what := "data"
		if filepath.Ext(f) == ".html" {
			what = "report"
		}
		fmt.Fprintf(out, "%-7s %s\n", what, f)
	}
	return nil
}

// changed says whether a flag was given.
func changed(f *pflag.FlagSet, name string) bool {
	flag := f.Lookup(name)
	return flag != nil && flag.Changed
}
