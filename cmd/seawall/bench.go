package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/cost"
)

// newBenchCommand measures: Seawall and other brokers, and what they stand on.
func newBenchCommand(p *process) *cobra.Command {
	return group("bench", "Measure brokers, disks and object stores",
		newBenchRunCommand(p),
		newBenchCompareCommand(p),
		newBenchSweepCommand(p),
		newBenchReplayCommand(p),
		newBenchCostCommand(),
		newBenchReportCommand(),
		newBenchDeviceCommand(p),
		newBenchSoakCommand(p),
		newBenchStoreCommand(p),
		newBenchS3SimCommand(p),
	)
}

// pricesFlag lets a command take another price list than the one that comes with
// the program.
func pricesFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("prices", "", "a price list in JSON, instead of the one that comes with the program\n(the format is that of bench/cost/prices)")
}

// readPrices reads the price list at path, or the program's own if path is empty.
func readPrices(path string) (*cost.Prices, error) {
	if path == "" {
		return cost.Listed(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := cost.ReadPrices(f)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", path, err)}
	}
	return p, nil
}
