package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

// moveWindow is how long after the order to move a pause is its doing.
const moveWindow = 600 * time.Millisecond

// runMoves moves a partition that takes 5 MB/s from node to node, and measures
// the longest time without an ack, and without a record for a reader, each time.
func runMoves(ctx context.Context, s settings) (*rig, error) {
	away := ", as many with it away"
	if s.acksNeedStore() {
		away = ""
	}
	fmt.Printf("cluster moves: %d moves with the store up%s, under 5 MB/s\n", s.moves, away)
	r, err := newRig(ctx, s, s.voters, false)
	if err != nil {
		return r, err
	}
	p, err := newProbe(ctx, r, "moves", load.Config{Rate: 5000, InFlight: 20_000, ValueBytes: 1000, Linger: time.Millisecond, Plain: true})
	if err != nil {
		return r, err
	}
	defer p.Close()
	for _, away := range []bool{false, true} {
		if away && s.acksNeedStore() {
			continue // nothing is acknowledged meanwhile
		}
		name := "store up"
		if away {
			name = "store away"
			r.store.Proxy.Switch(toxic.Refuse)
		}
		m, err := p.moveAround(ctx, s.moves)
		r.store.Proxy.Switch(toxic.Pass)
		if err != nil {
			return r, fmt.Errorf("%s: %w\n%s", name, err, r.logTails())
		}
		fmt.Printf("planned move under 5 MB/s, %s, %d times, clients as their library sets them up:\n", name, s.moves)
		fmt.Printf("  without an ack:    %s (no move: %s)\n", load.Percentiles(m.acks), load.Percentiles(m.still.acks))
		fmt.Printf("  without a record:  %s (no move: %s)\n", load.Percentiles(m.reads), load.Percentiles(m.still.reads))
	}
	return r, p.verify(ctx)
}

// pauses are the longest times without an ack, and without a record for a
// reader, of one window each.
type pauses struct{ acks, reads []time.Duration }

// moved are the pauses of windows with a move, and of windows without.
type moved struct {
	pauses
	still pauses
}

// moveAround moves the partition to one node after the other.
func (p *probe) moveAround(ctx context.Context, times int) (m moved, err error) {
	for range times {
		at, err := p.leader(ctx)
		if err != nil {
			return m, err
		}
		if err := p.watch(ctx, &m.still, func() error { return nil }); err != nil {
			return m, err
		}
		to := p.nodes[(slices.Index(p.nodes, at)+1)%len(p.nodes)]
		if err := p.watch(ctx, &m.pauses, func() error { return p.move(ctx, to) }); err != nil {
			return m, err
		}
		if at, err = p.leader(ctx); err != nil || at != to {
			return m, fmt.Errorf("the partition was to move to node %d: %v, %w", to.ID, at, err)
		}
	}
	return m, nil
}

// watch adds the pauses of a window that begins with event.
func (p *probe) watch(ctx context.Context, to *pauses, event func() error) error {
	p.gaps.begin()
	p.reads.begin()
	if err := event(); err != nil {
		return err
	}
	if err := pause(ctx, moveWindow); err != nil {
		return err
	}
	if _, err := p.gaps.await(ctx, time.Now()); err != nil { // a pause that is not over belongs here
		return err
	}
	to.acks, to.reads = append(to.acks, p.gaps.end()), append(to.reads, p.reads.end())
	return nil
}
