package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seawallmq/seawall/bench/scenario"
	"github.com/seawallmq/seawall/bench/scenarios"
)

func newBenchRunCommand(p *process) *cobra.Command {
	var h harness
	var name string
	c := &cobra.Command{
		Use:   "run",
		Short: "Apply one load to one arm, or to several",
		Long: "Apply a load and measure how long records take to be acknowledged, from when they were due, and to\n" +
			"reach consumers. The load is a scenario, each field of which is a flag too. Everything acknowledged is\n" +
			"read back. With --arms kafka=HOST:PORT it is applied to any Kafka; its topics are deleted again.",
		Example: "  seawall bench run --rate 5000/s --partitions 12\n" +
			"  seawall bench run --scenario A --arms kafka=127.0.0.1:9092 --linger 5ms",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return h.run(p, cmd, []string{name}, nil)
		},
	}
	h.register(c, "wal")
	c.Flags().StringVar(&name, "scenario", "quick", "`NAME` of a scenario ("+strings.Join(scenarios.Names(), ", ")+") or a file of one")
	scenarioFlags(c.Flags())
	return c
}

// scenarioFlags makes a flag of each field of a scenario.
func scenarioFlags(f *pflag.FlagSet) {
	for _, field := range scenario.Fields() {
		f.String(flagName(field.Name), "", field.Help+" (default: the scenario's)")
	}
}

// flagName is a field's name as a flag.
func flagName(field string) string { return strings.ReplaceAll(field, ".", "-") }

// loadScenarios reads scenarios by name or path and sets the fields that were
// given as flags. The error has all that is wrong.
func loadScenarios(names []string, f *pflag.FlagSet) ([]scenario.Scenario, error) {
	var out []scenario.Scenario
	var faults []error
	for _, name := range names {
		s, err := scenarios.Load(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		out = []scenario.Scenario{scenario.Default()} // to find what is wrong with flags
	}
	changes := make([][]string, len(out))
	for _, field := range slices.Backward(scenario.Names()) { // a title goes last
		name := flagName(field)
		if !changed(f, name) {
			continue
		}
		value := f.Lookup(name).Value.String()
		for i := range out {
			if field != "title" && field != "warm.up" && field != "duration" {
				// Its own title may say what is not so any more.
				changes[i] = append(changes[i], field+"="+value)
				out[i].Title = out[i].Name + " with " + strings.Join(changes[i], ", ")
			}
			if err := out[i].Set(field, value); err != nil {
				faults = append(faults, fmt.Errorf("--%s: %w", name, err))
				break // the same for each
			}
		}
	}
	if len(faults) == 0 {
		for i := range out {
			faults = append(faults, out[i].Validate())
		}
	}
	return out, errors.Join(faults...)
}
