package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim"
)

// newBenchS3SimCommand is what the harness starts beside a broker, and hidden.
func newBenchS3SimCommand(p *process) *cobra.Command {
	var f s3simFlags
	c := &cobra.Command{
		Use:   "s3sim",
		Short: "Serve a simulated object store",
		Long: "Serve a simulated object store over the S3 protocol: real bytes, with the latency, bandwidth and\n" +
			"errors of a profile. Nothing that is measured on it is a measurement of a real store.\n\n" +
			"It says where it listens on its first line, as `serving URL …`, and what it was asked, as JSON, at the\n" +
			"end or at URL/-/stats. POST URL/-/down and URL/-/up take it away and bring it back. Every bucket is\n" +
			"there, any credentials will do, and everything is forgotten when it ends.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := p.untilSignal(cmd.Context())
			defer stop()
			return f.serve(ctx, cmd)
		},
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	c.Flags().StringVar(&f.dir, "dir", os.TempDir(), "`folder` for the objects' bytes, in one file without a name")
	c.Flags().StringVar(&f.profile, "profile", "s3-standard", "`name` of a profile ("+strings.Join(s3sim.ProfileNames(), ", ")+"), or a file of one")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "what latencies and errors are drawn from")
	c.Flags().Int64Var(&f.capacityBytes, "capacity", 0, "at most so many `bytes` (default: what the file system gives)")
	return c
}

// s3simFlags are the flags of the command.
type s3simFlags struct {
	listen, dir, profile string
	seed                 uint64
	capacityBytes        int64
}

// serve runs the store until ctx is done.
func (f *s3simFlags) serve(ctx context.Context, cmd *cobra.Command) error {
	profile, err := s3sim.LoadProfile(f.profile)
	if err != nil {
		return usageError{fmt.Errorf("--profile: %w", err)}
	}
	store, err := s3sim.New(s3sim.Options{
		Dir: f.dir, Profile: profile, Seed: f.seed, Clock: clock.Wall(), CapacityBytes: f.capacityBytes,
	})
	if err != nil {
		return err
	}
	defer store.Close()
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "serving http://%s: a simulated store, profile %s, seed %d\n", l.Addr(), profile.Name, f.seed)
	if err := store.Serve(ctx, l); err != nil {
		return err
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(store.Stats())
}

// untilSignal is ctx until the first SIGINT or SIGTERM.
func (p *process) untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if p.signals == nil { // in a test
		return ctx, cancel
	}
	signals := p.signals()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
