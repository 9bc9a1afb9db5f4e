package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/node"
)

func newDevCommand(p *process) *cobra.Command {
	var flags nodeFlags
	var dir, listen, admin, store string
	var nodes int
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run one broker, or a cluster, with everything embedded in one directory",
		Long: "Run one broker with everything embedded in one directory: metadata, a WAL of 1 GiB, and the\n" +
			"object store unless --store names another. KAFKA_… variables win over these, --override over both.\n\n" +
			"With --nodes N, a cluster of N processes that can be killed one by one: each is broker and\n" +
			"controller and can read the WALs of the others. The first has the ports of --listen and --admin,\n" +
			"each other the next ones; its controller listens 10000 ports further on, and its gossip 5000. A\n" +
			"WAL has 512 MiB then. The properties file of each node is made anew at each start.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(cmd.ErrOrStderr(), flags.logLevel)
			if err != nil {
				return err
			}
			absolute, err := filepath.Abs(dir)
			if err != nil {
				return err
			}
			if nodes != 1 {
				return p.runCluster(cmd, &devCluster{
					dir: absolute, store: store, logLevel: flags.logLevel, overrides: flags.overrides, out: cmd.OutOrStdout(),
					program: os.Args[0],
				}, nodes, listen, admin)
			}
			cfg, err := p.loadConfig(config.Sources{
				Defaults:  config.DevDefaults(absolute, listen, admin, store),
				Overrides: flags.overrides,
			}, log)
			if err != nil {
				return err
			}
			return p.runNode(cmd.Context(), cfg, log, func(n *node.Node) {
				fmt.Fprint(cmd.OutOrStdout(), banner(cfg, n.Addr(), n.AdminAddr()))
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", devDir, "keep everything in this `directory`")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9092", "serve Kafka clients on `host:port`; port 0 is a free one")
	c.Flags().StringVar(&admin, "admin", "127.0.0.1:9644", "serve health and metrics on `host:port`; empty for nowhere")
	c.Flags().StringVar(&store, "store", "", "object store `URL`, s3://bucket?region=… or file:///path (default: in the directory)")
	c.Flags().IntVar(&nodes, "nodes", 1, "run a cluster of `N` processes")
	flags.register(c)
	return c
}

// runCluster lays out a cluster and runs it until a signal.
func (p *process) runCluster(cmd *cobra.Command, d *devCluster, nodes int, listen, admin string) (err error) {
	if d.nodes, err = layOut(nodes, listen, admin); err != nil {
		return err
	}
	return d.run(cmd.Context(), p.signals())
}

// banner says where a node listens, where its data is, and one line to try.
func banner(cfg *config.Config, kafka, admin string) string {
	text := fmt.Sprintf("\nSeawall %s is up.\n\n  Kafka    %s\n", versionText(), kafka)
	if admin != "" {
		text += fmt.Sprintf("  admin    http://%s/metrics\n", admin)
	}
	wal := "none: everything is acknowledged from object storage"
	if cfg.WAL.Kind != config.WALObjects {
		wal = fmt.Sprintf("%s (%s)", cfg.WAL.Path, config.FormatSize(cfg.WAL.CapacityBytes))
	}
	text += fmt.Sprintf("  data     %s\n  WAL      %s\n  objects  %s\n\n", cfg.Node.DataDir, wal, strings.TrimPrefix(cfg.Store.URL, "0@"))
	return text + fmt.Sprintf("Try: seq 5 | kcat -b %s -P -t tour && kcat -b %s -C -t tour -e\nStop with Ctrl-C.\n\n", kafka, kafka)
}
