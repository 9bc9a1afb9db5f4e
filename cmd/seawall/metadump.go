package main

import (
	"bufio"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/kraftmeta"
)

func newMetaCommand() *cobra.Command {
	return group("meta", "Look at the metadata of a node", &cobra.Command{
		Use:   "dump DIR",
		Short: "Print the metadata that a node, running or stopped, keeps in DIR",
		Long: "Print the metadata that a node, running or stopped, keeps in DIR (metadata.log.dir, log.dirs, or\n" +
			"the --dir of seawall dev): what its last snapshot holds and the log changed since. The directory\n" +
			"is not changed; of a running node, a copy of the log is read.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := bufio.NewWriter(cmd.OutOrStdout())
			if err := kraftmeta.Dump(out, metadataDir(args[0])); err != nil {
				return err
			}
			return out.Flush()
		},
	})
}

// metadataDir is where below a node's data directory the metadata lies, if dir
// is not that place itself.
func metadataDir(dir string) string {
	below := filepath.Join(dir, "metadata")
	if info, err := os.Stat(below); err == nil && info.IsDir() {
		return below
	}
	return dir
}
