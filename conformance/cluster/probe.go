package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// probe is a load on one partition, whose leader is known and can be moved.
type probe struct {
	*rig
	topic  string
	load   *load.Load
	gaps   gaps // of the acks
	reads  gaps // of the tail reader
	client *kgo.Client
	admin  *kadm.Client
}

// newProbe starts a load of its own on a topic of one partition.
func newProbe(ctx context.Context, r *rig, topic string, cfg load.Config) (*probe, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p := &probe{rig: r, topic: topic}
	cfg.Brokers, cfg.Topic, cfg.Partitions, cfg.Producers, cfg.OnAck = r.brokers(), topic, 1, 1, p.gaps.note
	cfg.OnRead = p.reads.noteRead
	var err error
	if p.load, err = load.Start(ctx, cfg); err != nil {
		return nil, err
	}
	p.client, err = kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.MetadataMinAge(10*time.Millisecond), kgo.DialTimeout(2*time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	if err != nil {
		p.load.Close()
		return nil, err
	}
	p.admin = kadm.NewClient(p.client)
	if _, err := p.gaps.await(ctx, time.Now()); err != nil {
		p.Close()
		return nil, fmt.Errorf("no ack at the start: %w", err)
	}
	return p, nil
}

func (p *probe) Close() {
	p.client.Close()
	p.load.Close()
}

// leader asks who leads the partition.
func (p *probe) leader(ctx context.Context) (*node, error) {
	topics, err := p.admin.ListTopics(ctx, p.topic)
	if err != nil {
		return nil, err
	}
	id := topics[p.topic].Partitions[0].Leader
	i := slices.IndexFunc(p.nodes, func(n *node) bool { return n.ID == int(id) })
	if i < 0 {
		return nil, fmt.Errorf("the partition is led by %d", id)
	}
	return p.nodes[i], nil
}

// move gives the partition to a node; it does not wait.
func (p *probe) move(ctx context.Context, to *node) error {
	var req kadm.AlterPartitionAssignmentsReq
	req.Assign(p.topic, 0, []int32{int32(to.ID)})
	resp, err := p.admin.AlterPartitionAssignments(ctx, req)
	return errors.Join(err, resp.Error())
}

// settle moves the partition to a node and waits until that acknowledges.
func (p *probe) settle(ctx context.Context, to *node) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := p.move(ctx, to)
		if err == nil {
			var at *node
			if at, err = p.leader(ctx); err == nil && at == to {
				break
			}
		}
		if paused := pause(ctx, 50*time.Millisecond); paused != nil {
			return fmt.Errorf("the partition does not come to node %d: %w", to.ID, errors.Join(err, paused))
		}
	}
	_, err := p.gaps.await(ctx, time.Now())
	return err
}

// verify reads everything back and judges.
func (p *probe) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	reading, err := p.load.Verify(ctx)
	if err != nil {
		return err
	}
	_, acked := p.load.Counts()
	fmt.Printf("%d acknowledged, %d read back: none lost, repeated, reordered or damaged\n", acked, reading.Records)
	return nil
}

// percentiles are the middle and the worst of durations.
func percentiles(d []time.Duration) string {
	if len(d) == 0 {
		return "none"
	}
	d = slices.Sorted(slices.Values(d))
	at := func(percent int) int64 { return d[(len(d)-1)*percent/100].Milliseconds() }
	return fmt.Sprintf("p50 %d ms, p90 %d ms, worst %d ms", at(50), at(90), at(100))
}
