package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/compare"
)

// sweepP99Max is where a latency that grows with the load counts as too much: well
// above what storage that acknowledges from objects takes when nothing waits.
const sweepP99Max = 2 * time.Second

func newBenchSweepCommand(p *process) *cobra.Command {
	var h harness
	var rates []float64
	var p99Max time.Duration
	c := &cobra.Command{
		Use:   "sweep [SCENARIO]",
		Short: "Raise the load on each arm until it is too much",
		Long: "Offer each arm a rising load, the arms in turn, and find the knee: the highest that it carries. A load\n" +
			"is too much when less than 98 % of it is acknowledged, when its p99 is above --p99-max, or when the driver does\n" +
			"not keep its pace, twice. SCENARIO (default quick) is what it consists of, but for the rate.",
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return h.run(p, cmd, append(args, "quick")[:1], func(o *compare.Options) {
				o.SweepRates, o.SweepP99Max = rates, p99Max
			})
		},
	}
	h.register(c, "wal", "s3-250ms", "s3-50ms", "express-25ms")
	c.Flags().Float64SliceVar(&rates, "rates", []float64{1000, 2000, 5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000},
		"rising loads, in records a second")
	c.Flags().DurationVar(&p99Max, "p99-max", sweepP99Max, "a p99 above it is too much; 0: any will do")
	scenarioFlags(c.Flags())
	return c
}
