package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/config"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	p := &process{stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), signals: notifySignals}
	os.Exit(p.run(context.Background(), os.Args[1:]))
}

// process is what a command has of the world around it.
type process struct {
	stdout, stderr io.Writer
	environ        []string
	signals        func() <-chan os.Signal // takes over SIGINT and SIGTERM, for a command that drains
}

// notifySignals holds two: the first drains, the second must not be lost
// meanwhile.
func notifySignals() <-chan os.Signal {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals
}

// run executes one command line and returns its exit code.
func (p *process) run(ctx context.Context, args []string) int {
	root := p.newRoot()
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(p.stderr, "seawall: "+line)
	}
	var usage usageError
	var faults config.Faults
	if errors.As(err, &usage) || errors.As(err, &faults) {
		return exitUsage
	}
	return exitFailed
}

// newRoot assembles the command tree.
func (p *process) newRoot() *cobra.Command {
	root := group("seawall", "A Kafka-compatible broker: WAL acknowledgement at disk latency, storage in S3",
		newDevCommand(p),
		newStartCommand(p),
		newStatusCommand(),
		newDrainCommand(),
		newBalanceCommand(),
		group("wal", "Look at a write-ahead log, or give one up", newWALDumpCommand(), newWALAbandonCommand()),
		newObjectCommand(),
		newMetaCommand(),
		newConfigCommand(),
		newBenchCommand(p),
		newVersionCommand(),
		newManCommand(),
	)
	root.Version = versionText()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return root
}

// group is a command that only has commands below it.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(below...)
	return c
}

// usageError is an error of the command line itself.
type usageError struct{ error }

// Unwrap is the error without its class.
func (e usageError) Unwrap() error { return e.error }

// usageArgs makes the faults of an argument check usage errors.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}
