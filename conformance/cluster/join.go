package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

const (
	joinPartitions = 24
	// joinTimeout bounds how long a new broker may go without its share.
	joinTimeout = 2 * time.Minute
	// shareEnough is the part of an even share that counts as carrying it: the
	// balancing leaves a node alone within a fifth of the mean.
	shareEnough = 0.8
)

// runJoin has a fourth broker join under load, and measures until it leads its
// share of the partitions.
func runJoin(ctx context.Context, s settings) (*rig, error) {
	r, err := newRig(ctx, s, s.voters, false)
	if err != nil {
		return r, err
	}
	cfg := s.load
	cfg.Brokers, cfg.Topic, cfg.Partitions = r.brokers(), "join", joinPartitions
	l, err := load.Start(ctx, cfg)
	if err != nil {
		return r, err
	}
	defer l.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		return r, err
	}
	defer client.Close()
	if err := pause(ctx, 3*time.Second); err != nil { // loads are known by then
		return r, err
	}
	if err := r.addNode(len(r.nodes) + 1); err != nil {
		return r, err
	}
	fresh := r.nodes[len(r.nodes)-1]
	began := time.Now()
	if err := r.start(fresh); err != nil {
		return r, err
	}
	if err := r.waitReady(ctx, fresh); err != nil {
		return r, err
	}
	ready := time.Since(began)
	led, err := waitShare(ctx, kadm.NewClient(client), cfg.Topic, fresh.ID, len(r.nodes))
	if err != nil {
		return r, fmt.Errorf("%w\n%s", err, r.logTails())
	}
	fmt.Printf("a fourth broker joins: ready after %d ms, leads %d of %d partitions after %d ms\n",
		ready.Milliseconds(), led, joinPartitions, time.Since(began).Milliseconds())
	verify, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	_, err = l.Verify(verify)
	return r, err
}

// waitShare waits until a node leads enough partitions of a topic.
func waitShare(ctx context.Context, admin *kadm.Client, topic string, id, nodes int) (led int, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	for {
		topics, err := admin.ListTopics(ctx, topic)
		if err == nil {
			led = 0
			for _, p := range topics[topic].Partitions {
				if p.Leader == int32(id) {
					led++
				}
			}
			if float64(led) >= shareEnough*joinPartitions/float64(nodes) {
				return led, nil
			}
		}
		if pause(ctx, 20*time.Millisecond) != nil {
			return led, fmt.Errorf("node %d leads %d of %d partitions, which is not its share: %w", id, led, joinPartitions, context.Cause(ctx))
		}
	}
}
