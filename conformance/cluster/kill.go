package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
	"github.com/seawallmq/seawall/conformance/toxic"
)

// series are the circumstances of a kill.
var series = []struct {
	name       string
	storeAway  bool
	controller bool
}{
	{"store up", false, false},
	{"store away", true, false},
	{"active controller", false, true},
}

// runKills kills the leader of a partition again and again, and measures from
// the kill to the first ack of a record that was sent after it.
func runKills(ctx context.Context, s settings) (*rig, error) {
	fmt.Printf("cluster kill: %d kills in each of %d series, seed %d\n", s.kills, len(series), s.seed)
	r, err := newRig(ctx, s, s.voters, false)
	if err != nil {
		return r, err
	}
	p, err := newProbe(ctx, r, "kill", load.Config{Rate: 500, InFlight: 20_000, ValueBytes: 300})
	if err != nil {
		return r, err
	}
	defer p.Close()
	random := rand.New(rand.NewPCG(s.seed, 0))
	for _, in := range series {
		var took []time.Duration
		for n := range s.kills {
			d, err := p.killLeader(ctx, random, in.storeAway, in.controller)
			if err != nil {
				return r, fmt.Errorf("%s, kill %d: %w\n%s", in.name, n+1, err, r.logTails())
			}
			took = append(took, d)
		}
		fmt.Printf("kill -9 of a leader to the first ack elsewhere, %s, %d times: %s\n", in.name, s.kills, percentiles(took))
	}
	return r, p.verify(ctx)
}

// killLeader kills once and starts the node again.
func (p *probe) killLeader(ctx context.Context, random *rand.Rand, storeAway, ofController bool) (time.Duration, error) {
	victim, err := p.controller(ctx)
	if err != nil {
		return 0, err
	}
	if !ofController {
		others := make([]*node, 0, len(p.nodes))
		for _, n := range p.nodes {
			if n != victim {
				others = append(others, n)
			}
		}
		victim = others[random.IntN(len(others))]
	}
	if err := p.settle(ctx, victim); err != nil {
		return 0, err
	}
	if storeAway {
		p.store.Proxy.Switch(toxic.Refuse)
		defer p.store.Proxy.Switch(toxic.Pass)
	}
	if err := pause(ctx, between(random, 500*time.Millisecond, time.Second)); err != nil {
		return 0, err
	}
	killed := time.Now()
	victim.process.Kill9()
	waited, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	first, err := p.gaps.await(waited, killed)
	if err != nil {
		return 0, fmt.Errorf("no ack after node %d was killed: %w", victim.ID, err)
	}
	p.store.Proxy.Switch(toxic.Pass)
	if err := p.start(victim); err != nil {
		return 0, err
	}
	return first.Sub(killed), p.waitReady(ctx, victim)
}
