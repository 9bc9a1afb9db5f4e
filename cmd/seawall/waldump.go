package main

import (
	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/wal"
)

func newWALDumpCommand() *cobra.Command {
	var o wal.DumpOptions
	c := &cobra.Command{
		Use:   "dump PATH",
		Short: "Print header, records and fill of a WAL, live or dead, without changing it",
		Long: "Print header, records and fill of a WAL, live or dead, without changing it. PATH is the file or\n" +
			"block device; of a file, earlier instances lie beside it as PATH.<instance>. Recovery starts at\n" +
			"the trim position in the metadata; here, unless --from says otherwise, at the header's copy of it.\n" +
			"The exit code is 1 when acknowledged records are damaged.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return wal.Dump(cmd.OutOrStdout(), args[0], o)
		},
	}
	c.Flags().Int64Var(&o.From, "from", -1, "start at this `position` instead of the header's trim position")
	c.Flags().BoolVar(&o.Summary, "summary", false, "leave flushes and records out")
	return c
}
