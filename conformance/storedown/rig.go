package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seawallmq/seawall/conformance/proc"
	"github.com/seawallmq/seawall/conformance/toxic"
)

// startTimeout bounds the start of a server.
const startTimeout = 30 * time.Second

// rig is a broker with its store, and an eye on the broker's memory.
type rig struct {
	settings
	dir       string
	overrides []string
	store     *toxic.Store
	broker    *proc.Broker
	process   *proc.Process

	watch sync.WaitGroup
	stop  chan struct{}

	mu      sync.Mutex
	rssPeak int64
}

// newRig starts store and broker; walBytes is the capacity of the WAL.
func newRig(ctx context.Context, s settings, name string, walBytes int64, overrides ...string) (*rig, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*startTimeout) // the S3 server may have to be built
	defer cancel()
	r := &rig{settings: s, stop: make(chan struct{})}
	var err error
	if r.dir, err = proc.NewDir("storedown-" + name); err != nil {
		return nil, err
	}
	if r.store, err = toxic.StartStore(ctx, r.dir); err != nil {
		return nil, err
	}
	if r.broker, err = proc.NewBroker(s.seawall, nil, filepath.Join(r.dir, "broker")); err != nil {
		r.store.Close()
		return nil, err
	}
	r.broker.Store, r.broker.Env = r.store.URL(), r.store.Env()
	r.overrides = append([]string{
		fmt.Sprintf("s3.wal.path=0@file://%s?capacity=%d", r.walPath(), walBytes),
		fmt.Sprintf("s3.wal.cache.size=%d", s.cacheBytes),
		fmt.Sprintf("memory.budget.bytes=%d", s.budgetBytes),
	}, overrides...)
	if err := r.startBroker(ctx); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *rig) walPath() string { return filepath.Join(r.dir, "broker", "data", "seawall.wal") }

func (r *rig) startBroker(ctx context.Context) error {
	var err error
	if r.process, err = r.broker.StartReady(ctx, startTimeout, r.overrides...); err != nil {
		return err
	}
	process := r.process
	r.watch.Go(func() { r.watchMemory(process) })
	return nil
}

// restartBroker stops the broker politely and starts it again.
func (r *rig) restartBroker(ctx context.Context) error {
	if err := r.process.Stop(startTimeout); err != nil {
		return fmt.Errorf("stopping: %w\n%s", err, r.process.LogTail())
	}
	return r.startBroker(ctx)
}

// watchMemory keeps the highest resident memory that it sees of a process.
func (r *rig) watchMemory(p *proc.Process) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if rss, err := p.ResidentBytes(); err == nil {
			r.mu.Lock()
			r.rssPeak = max(r.rssPeak, rss)
			r.mu.Unlock()
		}
		select {
		case <-tick.C:
		case <-p.Done():
			return
		case <-r.stop:
			return
		}
	}
}

// takeRSSPeak is the highest resident memory since it was last asked.
func (r *rig) takeRSSPeak() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	peak := r.rssPeak
	r.rssPeak = 0
	return peak
}

// rssMax is what the broker may take at most: its budget, and what a Go process
// with clients has besides.
func (r *rig) rssMax() int64 { return r.budgetBytes + 96<<20 }

// walHeld is how many bytes of the WAL are not trimmed, and what part of it that is, by the broker's metrics.
func (r *rig) walHeld(ctx context.Context) (bytes int64, percent float64, err error) {
	const held, capacity = "seawall_wal_untrimmed_bytes", "seawall_wal_capacity_bytes"
	metrics, err := r.broker.Metrics(ctx)
	if err != nil {
		return 0, 0, err
	}
	if metrics[capacity] == 0 {
		return 0, 0, fmt.Errorf("no metric %s", capacity)
	}
	return int64(metrics[held]), 100 * metrics[held] / metrics[capacity], nil
}

// waitTrimmed waits until the WAL holds at most heldMax bytes.
func (r *rig) waitTrimmed(ctx context.Context, heldMax int64, timeout time.Duration) (held int64, took time.Duration, err error) {
	ctx, cancel := r.process.While(ctx, timeout)
	defer cancel()
	began := time.Now()
	for {
		held, _, err = r.walHeld(ctx)
		if err == nil && held <= heldMax {
			return held, time.Since(began), nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return held, time.Since(began), errors.Join(fmt.Errorf("the WAL still holds %s: %w", mib(held), context.Cause(ctx)), err)
		}
	}
}

// Close stops everything; the data stays when keep is set by a failure.
func (r *rig) Close() {
	close(r.stop)
	if r.process != nil {
		r.process.Kill9()
	}
	r.watch.Wait()
	r.store.Close()
}

// discard removes the data of a rig that is closed.
func (r *rig) discard() error { return os.RemoveAll(r.dir) }

func mib(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
