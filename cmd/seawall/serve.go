package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/node"
	"github.com/seawallmq/seawall/s3stream/objstore/storeurl"
)

// drainTimeout fits into the 30 seconds that supervisors commonly give between
// SIGTERM and SIGKILL. What is not uploaded by then stays in the WAL.
const drainTimeout = 25 * time.Second

// closeTimeout is how long a node may take to close, beyond the time for a drain,
// before the process ends all the same: a read or a write of a disk that hangs may
// be waited for for good, and meanwhile nobody starts this process anew, and it
// keeps the lock of its log.
const closeTimeout = 4 * time.Second

// errStuck is the outcome of that.
var errStuck = errors.New("the node could not be closed in time, perhaps a disk hangs: stopped at once; the next start recovers what is in the WAL")

// errCutShort is the outcome of a second signal.
var errCutShort = errors.New("stopped at once by a second signal; the next start recovers what is in the WAL")

// loadConfig merges what the process was started with into src and loads it.
// Warnings go to the log.
func (p *process) loadConfig(src config.Sources, log *slog.Logger) (*config.Config, error) {
	src.Env = p.environ
	src.Hostname, _ = os.Hostname() // without one, the configuration asks for advertised.listeners
	src.MemoryBytes = memoryBytes(os.DirFS("/"))
	cfg, warnings, err := config.Load(src)
	for _, w := range warnings {
		log.Warn("configuration", "property", w.Property, "warning", w.Message)
	}
	if err != nil {
		return nil, err
	}
	// The parameters of a store's URL are known above the configuration.
	if _, err := storeurl.Parse(cfg.Store.URL); err != nil {
		return nil, config.Faults{{Property: "s3.data.buckets", Wrong: err.Error()}}
	}
	return cfg, nil
}

// server is what serve needs of a node.
type server interface {
	Start(ctx context.Context) error
	Drain(ctx context.Context) (node.Report, error)
	Done() <-chan error
	Close() error
}

// runNode runs a node with this configuration; see serve. One that the cluster
// took for dead is closed, and started anew as another incarnation.
func (p *process) runNode(ctx context.Context, cfg *config.Config, log *slog.Logger, announce func(*node.Node)) error {
	signals := p.signals()
	for {
		n, err := node.New(cfg, log)
		if err != nil {
			return err
		}
		err = serve(ctx, n, signals, log, func() { announce(n) })
		if !errors.Is(err, node.ErrFenced) {
			return err
		}
		log.Warn("joining the cluster anew", "reason", err)
	}
}

// serve runs s until a signal, or a fault that s cannot go on with, drains it;
// another signal cuts the drain short. announce is called once clients are served.
func serve(ctx context.Context, s server, signals <-chan os.Signal, log *slog.Logger, announce func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	started := make(chan error, 1)
	go func() { started <- s.Start(ctx) }()
	select {
	case err := <-started:
		if err != nil {
			return err
		}
	case <-signals:
		// Recovery may take a while, and nothing is served yet.
		cancel()
		select {
		case err := <-started:
			if err != nil {
				return fmt.Errorf("stopped by a signal while starting: %w", err)
			}
			return drain(s, signals, log)
		case <-signals:
			return errCutShort
		}
	}
	announce()

	select {
	case err := <-s.Done():
		if errors.Is(err, node.ErrFenced) {
			// What it has is others' now: nothing is to be finished or uploaded.
			return closeFenced(s, err)
		}
		log.Error("the node cannot go on; draining", "error", err, "timeout", drainTimeout.String())
		return errors.Join(err, drain(s, signals, log))
	case sig := <-signals:
		log.Info("draining", "signal", sig.String(), "timeout", drainTimeout.String())
		return drain(s, signals, log)
	}
}

// closeFenced closes a node that was fenced, for why. One that does not close is
// not to be started anew in the same process.
func closeFenced(s server, why error) error {
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		return errors.Join(why, err)
	case <-time.After(drainTimeout + closeTimeout):
		return fmt.Errorf("%v: %w", why, errStuck) // not ErrFenced
	}
}

// drain ends s in good order, or at once on another signal, or if it hangs.
func drain(s server, signals <-chan os.Signal, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	drained := make(chan error, 1)
	go func() {
		report, err := s.Drain(ctx)
		log.Info("drained", "left", report.String())
		drained <- err
	}()
	select {
	case err := <-drained:
		return err
	case <-signals:
		return errCutShort
	case <-time.After(drainTimeout + closeTimeout):
		return errStuck
	}
}
