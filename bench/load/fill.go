package load

import (
	"context"
	"fmt"
	"time"
)

// fillTimeout is how long one record of Fill may take.
const fillTimeout = time.Minute

// Fill produces about totalBytes of records to a topic as fast as one client
// can, and returns when all are acknowledged.
func Fill(ctx context.Context, brokers []string, topic string, partitions, recordBytes int, totalBytes int64) error {
	cfg := Config{
		Brokers: brokers, Topic: topic, Partitions: partitions, RecordBytes: recordBytes,
		Producers: 1, Duration: 1, DeliveryTimeout: fillTimeout,
	}
	if err := cfg.validate(); err != nil {
		return err
	}
	p, err := newProducer(&cfg, 0)
	if err != nil {
		return err
	}
	defer p.client.Close()
	if err := p.connect(ctx); err != nil {
		return err
	}
	for ; int64(p.sent)*int64(recordBytes) < totalBytes && ctx.Err() == nil; p.sent++ {
		p.client.Produce(ctx, p.records.get(p.id, p.sent, partitionOf(p.sent, partitions)), p.answered)
	}
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("filling topic %s: %w", topic, err)
	}
	for _, err := range p.failed {
		return fmt.Errorf("filling topic %s: %d records failed: %w", topic, len(p.failed), err)
	}
	return nil
}
