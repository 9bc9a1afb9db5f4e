package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/bench/scenarios"
)

func newBenchCompareCommand(p *process) *cobra.Command {
	var h harness
	c := &cobra.Command{
		Use:   "compare SCENARIO…",
		Short: "Compare arms under scenarios, in turn, and draw the report",
		Long: "Apply scenarios to arms that take turns, A B C A B C, each turn in an empty folder, and leave a report\n" +
			"of one page with latencies, throughput and costs. SCENARIO is " + strings.Join(scenarios.Names(), ", ") + ", or a file.\n\n" +
			"Unless --store names a real one, each Seawall gets an object store of its own that is simulated, which\n" +
			"stands on every figure that comes from it. Fields of a scenario are flags: they are set in all of them.",
		Example: "  seawall bench compare quick\n" +
			"  seawall bench compare A B C --arms wal,s3-250ms,kafka --rounds 3 --duration 30s --out report",
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return h.run(p, cmd, args, nil)
		},
	}
	h.register(c, "wal", "s3-250ms", "s3-50ms", "express-25ms")
	scenarioFlags(c.Flags())
	return c
}
