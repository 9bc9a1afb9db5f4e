package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// partition is the only one of its topic; its leader is known and can be moved.
type partition struct {
	*rig
	topic  string
	gaps   gaps // of the acks of who writes to it
	client *kgo.Client
	admin  *kadm.Client
}

func newPartition(r *rig, topic string) (*partition, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers()...), kgo.MetadataMinAge(10*time.Millisecond), kgo.DialTimeout(2*time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	if err != nil {
		return nil, err
	}
	return &partition{rig: r, topic: topic, client: client, admin: kadm.NewClient(client)}, nil
}

// leader asks who leads the partition.
func (p *partition) leader(ctx context.Context) (*node, error) {
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
func (p *partition) move(ctx context.Context, to *node) error {
	var req kadm.AlterPartitionAssignmentsReq
	req.Assign(p.topic, 0, []int32{int32(to.ID)})
	resp, err := p.admin.AlterPartitionAssignments(ctx, req)
	return errors.Join(err, resp.Error())
}

// settle moves the partition to a node and waits until that acknowledges.
func (p *partition) settle(ctx context.Context, to *node) error {
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
			return fmt.Errorf("partition %s does not come to node %d: %w", p.topic, to.ID, errors.Join(err, paused))
		}
	}
	_, err := p.gaps.await(ctx, time.Now())
	return err
}
