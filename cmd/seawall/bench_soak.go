package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/bench/soak"
)

func newBenchSoakCommand(p *process) *cobra.Command {
	f := benchSoakFlags{scenario: scenario.Default()}
	c := &cobra.Command{
		Use:   "soak",
		Short: "Put a broker under a long load and see that it does not grow",
		Long: "Start a broker in a folder of its own, keep it under a load at a steady rate, and watch its memory,\n" +
			"goroutines and open files. The topic keeps 64 MiB of each partition, so that retention and the deletion\n" +
			"of objects are at work too. A consumer group reads along. It fails if something grows, or is lost.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := p.untilSignal(cmd.Context())
			defer stop()
			return f.run(ctx, cmd)
		},
	}
	c.Flags().StringVar(&f.dir, "dir", "", "an existing `folder` on the disk to be used (default: the system's for temporary files)")
	c.Flags().Float64Var(&f.rate, "rate", 10000, "`records` a second")
	c.Flags().IntVar(&f.scenario.RecordBytes, "record-bytes", 1024, "key and value of each record together")
	c.Flags().IntVar(&f.scenario.Partitions, "partitions", 12, "of the topic")
	c.Flags().IntVar(&f.scenario.Producers, "producers", 2, "clients that send")
	c.Flags().DurationVar(&f.scenario.Duration, "duration", 30*time.Minute, "of the load")
	c.Flags().StringArrayVar(&f.properties, "property", nil, "a `name=value` of the broker; may be given again")
	return c
}

// benchSoakFlags are the flags of the command.
type benchSoakFlags struct {
	scenario   scenario.Scenario
	rate       float64
	dir        string
	properties []string
}

// soakSteps is how many samples are taken.
const soakSteps = 180

func (f *benchSoakFlags) run(ctx context.Context, cmd *cobra.Command) (err error) {
	s := f.scenario
	s.Name, s.Groups, s.Consumers = "soak", 1, 1
	s.Rate = scenario.Rate{Shape: scenario.Fixed, RecordsPerSecond: f.rate}
	if err := s.Validate(); err != nil {
		return usageError{err}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(f.dir, "seawall-soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r, err := soak.Run(ctx, soak.Options{
		Seawall: self, Dir: dir, Scenario: s, Properties: f.properties, Step: s.Duration / soakSteps,
		Log: func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) },
	})
	if r == nil {
		return err
	}
	r.Text(cmd.OutOrStdout())
	for _, t := range r.Trends {
		if t.Grows() {
			err = errors.Join(err, fmt.Errorf("%s grow", t.What))
		}
	}
	return err
}
