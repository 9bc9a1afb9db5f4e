package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seawallmq/seawall/bench/result"
)

func newBenchReplayCommand(p *process) *cobra.Command {
	var h harness
	c := &cobra.Command{
		Use:   "replay RESULT.json",
		Short: "Run a comparison or a sweep again by its result",
		Long: "Run what a result came from again: the same scenarios, arms, order and seed, on this machine and with\n" +
			"this version. Flags that are given go before those of the recipe.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := readResult(args[0])
			if err != nil {
				return err
			}
			p99Max, err := h.recall(cmd.Flags(), &r.Recipe)
			if err != nil {
				return err
			}
			o, err := h.options(cmd)
			if err != nil {
				return err
			}
			o.Scenarios, o.SweepRates, o.SweepP99Max = r.Recipe.Scenarios, r.Recipe.SweepRates, p99Max
			if err := o.Validate(); err != nil {
				return usageError{err}
			}
			ctx, stop := p.untilSignal(cmd.Context())
			defer stop()
			return h.compare(ctx, cmd.OutOrStdout(), o)
		},
	}
	h.register(c)
	return c
}

// recall gives the flags that were not given the values that they had in the
// recipe: those of its command line, where they mean the machine, and else those
// that it names. It returns the bound of a sweep.
func (h *harness) recall(given *pflag.FlagSet, recipe *result.Recipe) (p99Max time.Duration, err error) {
	var then harness
	c := &cobra.Command{}
	then.register(c)
	c.Flags().DurationVar(&p99Max, "p99-max", sweepP99Max, "")
	c.Flags().ParseErrorsAllowlist.UnknownFlags = true // those of scenarios, which the recipe has
	c.Flags().SetOutput(io.Discard)
	if err := c.Flags().Parse(recipe.Command); err != nil {
		return 0, err
	}
	for _, name := range []string{"settle", "no-device", "store", "uncapped", "wal-device", "root", "klite"} {
		if !changed(given, name) && changed(c.Flags(), name) {
			if err := given.Set(name, c.Flags().Lookup(name).Value.String()); err != nil {
				return 0, err
			}
		}
	}
	if !changed(given, "arms") {
		h.arms = nil
		for _, a := range recipe.Arms {
			h.arms = append(h.arms, a.Name)
		}
	}
	if !changed(given, "rounds") {
		h.rounds = max(recipe.Rounds, 1)
	}
	if !changed(given, "seed") {
		h.seed = recipe.Seed
	}
	return p99Max, nil
}
