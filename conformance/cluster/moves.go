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
// the longest time without an ack each time.
func runMoves(ctx context.Context, s settings) (*rig, error) {
	fmt.Printf("cluster moves: %d moves with the store up, %d with it away, under 5 MB/s\n", s.moves, s.moves)
	r, err := newRig(ctx, s, s.voters, false)
	if err != nil {
		return r, err
	}
	p, err := newProbe(ctx, r, "moves", load.Config{Rate: 5000, InFlight: 20_000, ValueBytes: 1000, Linger: time.Millisecond})
	if err != nil {
		return r, err
	}
	defer p.Close()
	for _, away := range []bool{false, true} {
		name := "store up"
		if away {
			name = "store away"
			r.store.Proxy.Switch(toxic.Refuse)
		}
		still, pauses, err := p.moveAround(ctx, s.moves)
		r.store.Proxy.Switch(toxic.Pass)
		if err != nil {
			return r, fmt.Errorf("%s: %w\n%s", name, err, r.logTails())
		}
		fmt.Printf("planned move under 5 MB/s, %s, %d times: pause %s (without a move: %s)\n",
			name, s.moves, percentiles(pauses), percentiles(still))
	}
	return r, p.verify(ctx)
}

// moveAround moves the partition to one node after the other; still are the
// longest times without an ack of windows without a move.
func (p *probe) moveAround(ctx context.Context, times int) (still, pauses []time.Duration, err error) {
	window := func() (time.Duration, error) {
		err := pause(ctx, moveWindow)
		return p.gaps.end(), err
	}
	for range times {
		at, err := p.leader(ctx)
		if err != nil {
			return nil, nil, err
		}
		p.gaps.begin()
		d, err := window()
		if err != nil {
			return nil, nil, err
		}
		still = append(still, d)
		to := p.nodes[(slices.Index(p.nodes, at)+1)%len(p.nodes)]
		p.gaps.begin()
		if err := p.move(ctx, to); err != nil {
			return nil, nil, err
		}
		if d, err = window(); err != nil {
			return nil, nil, err
		}
		pauses = append(pauses, d)
		if at, err = p.leader(ctx); err != nil || at != to {
			return nil, nil, fmt.Errorf("the partition was to move to node %d: %v, %w", to.ID, at, err)
		}
	}
	return still, pauses, nil
}
