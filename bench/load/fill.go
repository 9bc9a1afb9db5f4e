package load

import (
	"context"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/bench/scenario"
)

// fillTimeout is how long one record of Fill may take.
const fillTimeout = time.Minute

// Fill produces about totalBytes of records to a topic as fast as one client
// can, and returns when all are acknowledged.
func Fill(ctx context.Context, brokers []string, topic string, partitions, recordBytes int, totalBytes int64) error {
	s := scenario.Default()
	s.Partitions, s.RecordBytes, s.Rate = partitions, recordBytes, scenario.Rate{Shape: scenario.Unlimited}
	cfg := Config{Brokers: brokers, Topics: []string{topic}, Scenario: s, DeliveryTimeout: fillTimeout}
	if err := cfg.validate(); err != nil {
		return err
	}
	_, err := fill(ctx, &cfg, newRecords(&cfg), 0, totalBytes)
	return err
}

// fill does so, as the producer of an id, with its records.
func fill(ctx context.Context, cfg *Config, rs *records, id int, totalBytes int64) (fate, error) {
	unpaced := *cfg
	unpaced.Scenario.Rate = scenario.Rate{Shape: scenario.Unlimited}
	unpaced.Scenario.Transaction = 0
	p, err := newProducer(&unpaced, id, rs, newMeter())
	if err != nil {
		return fate{}, err
	}
	defer p.client.Close()
	for int64(p.seq.Load())*int64(cfg.Scenario.RecordBytes) < totalBytes && ctx.Err() == nil {
		p.produce(ctx)
	}
	if err := p.client.Flush(ctx); err != nil {
		return fate{}, fmt.Errorf("filling topics %v: %w", cfg.Topics, err)
	}
	f := p.outcome()
	if f.first != nil {
		return f, fmt.Errorf("filling topics %v: %d records failed: %w", cfg.Topics, f.failed.n, f.first)
	}
	return f, nil
}
