package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

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

// clients meet each kill at once, each with a partition of the same leader: what
// the cluster takes shows with the one that tries again at once, and what users
// see with the other.
var clients = []struct {
	name, topic string
	plain       bool
}{
	{"a client that tries again every 20 ms", "kill", false},
	{"a client as its library sets it up", "kill-plain", true},
}

// kills has a probe for each of the clients.
type kills struct {
	*rig
	probes []*probe
	random *rand.Rand
}

// runKills kills the leader of partitions again and again, and measures from the
// kill to the first ack of a record that was sent after it.
func runKills(ctx context.Context, s settings) (*rig, error) {
	fmt.Printf("cluster kill: %d kills in each series, seed %d\n", s.kills, s.seed)
	r, err := newRig(ctx, s, s.voters, false)
	if err != nil {
		return r, err
	}
	k := &kills{rig: r, random: rand.New(rand.NewPCG(s.seed, 0))}
	for _, c := range clients {
		p, err := newProbe(ctx, r, c.topic, load.Config{Rate: 500, InFlight: 20_000, ValueBytes: 300, Plain: c.plain})
		if err != nil {
			return r, err
		}
		defer p.Close()
		k.probes = append(k.probes, p)
	}
	for _, in := range series {
		if in.storeAway && s.acksNeedStore() {
			continue // nothing is acknowledged while it is away
		}
		took := make([][]time.Duration, len(clients))
		for n := range s.kills {
			each, err := k.killLeader(ctx, in.storeAway, in.controller)
			if err != nil {
				return r, fmt.Errorf("%s, kill %d: %w\n%s", in.name, n+1, err, r.logTails())
			}
			for i := range each {
				took[i] = append(took[i], each[i])
			}
		}
		fmt.Printf("kill -9 of a leader to the first ack elsewhere, %s, %d times:\n", in.name, s.kills)
		for i, c := range clients {
			fmt.Printf("  %s: %s\n", c.name, load.Percentiles(took[i]))
		}
	}
	var failed error
	for _, p := range k.probes {
		failed = errors.Join(failed, p.verify(ctx))
	}
	return r, failed
}

// killLeader kills once, says how long each client went without an ack, and
// starts the node again.
func (k *kills) killLeader(ctx context.Context, storeAway, ofController bool) ([]time.Duration, error) {
	victim, err := k.victim(ctx, ofController)
	if err != nil {
		return nil, err
	}
	for _, p := range k.probes {
		if err := p.settle(ctx, victim); err != nil {
			return nil, err
		}
	}
	if storeAway {
		k.store.Proxy.Switch(toxic.Refuse)
		defer k.store.Proxy.Switch(toxic.Pass)
	}
	if err := pause(ctx, between(k.random, 500*time.Millisecond, time.Second)); err != nil {
		return nil, err
	}
	killed := time.Now()
	victim.process.Kill9()
	took, err := k.firstAcks(ctx, killed)
	if err != nil {
		return nil, fmt.Errorf("no ack after node %d was killed: %w", victim.ID, err)
	}
	k.store.Proxy.Switch(toxic.Pass)
	if err := k.start(victim); err != nil {
		return nil, err
	}
	return took, k.waitReady(ctx, victim)
}

// victim is the active controller or one of the other nodes.
func (k *kills) victim(ctx context.Context, controller bool) (*node, error) {
	active, err := k.controller(ctx)
	if err != nil || controller {
		return active, err
	}
	var others []*node
	for _, n := range k.nodes {
		if n != active {
			others = append(others, n)
		}
	}
	return others[k.random.IntN(len(others))], nil
}

// firstAcks waits until each client has an ack of a record that it was given
// after a moment, and says how long after that moment it came.
func (k *kills) firstAcks(ctx context.Context, since time.Time) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	took := make([]time.Duration, len(k.probes))
	waits, ctx := errgroup.WithContext(ctx)
	for i, p := range k.probes {
		waits.Go(func() error {
			first, err := p.gaps.await(ctx, since)
			took[i] = first.Sub(since)
			if err != nil {
				err = fmt.Errorf("topic %s: %w", p.topic, err)
			}
			return err
		})
	}
	return took, waits.Wait()
}
