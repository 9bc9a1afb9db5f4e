package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/conformance/oracle/load"
)

// probe is a load on a partition.
type probe struct {
	*partition
	load  *load.Load
	reads gaps // of the tail reader
}

// newProbe starts a load of its own on a topic of one partition.
func newProbe(ctx context.Context, r *rig, topic string, cfg load.Config) (*probe, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	at, err := newPartition(r, topic)
	if err != nil {
		return nil, err
	}
	p := &probe{partition: at}
	cfg.Brokers, cfg.Topic, cfg.Partitions, cfg.Producers, cfg.OnAck = r.brokers(), topic, 1, 1, p.gaps.note
	cfg.OnRead, cfg.Configs = p.reads.noteRead, r.topicConfigs()
	if p.load, err = load.Start(ctx, cfg); err != nil {
		p.client.Close()
		return nil, err
	}
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
