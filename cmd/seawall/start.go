package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/node"
)

// nodeFlags are the flags of both commands that run a node.
type nodeFlags struct {
	overrides []string
	logLevel  string
}

func (f *nodeFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.overrides, "override", nil, "set `property=value`, over file and environment; may be repeated")
	c.Flags().StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

func newStartCommand(p *process) *cobra.Command {
	var flags nodeFlags
	c := &cobra.Command{
		Use:   "start FILE",
		Short: "Run a broker from a Kafka-style properties file",
		Long: "Run a broker from a Kafka-style properties file, KAFKA_… environment variables and --override,\n" +
			"of which the later wins. `seawall config` prints every property.\n\n" +
			"SIGTERM or SIGINT drains and exits 0; a second one exits at once. Either way nothing that was\n" +
			"acknowledged is lost.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := newLogger(cmd.ErrOrStderr(), flags.logLevel)
			if err != nil {
				return err
			}
			file, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			cfg, err := p.loadConfig(config.Sources{File: file, Overrides: flags.overrides}, log)
			if err != nil {
				return err
			}
			log.Info("starting", "version", versionText(), "file", args[0])
			return p.runNode(cmd.Context(), cfg, log, func(*node.Node) {}) // the node logs that it serves
		},
	}
	flags.register(c)
	return c
}
