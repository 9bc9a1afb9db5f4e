package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/pace"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// bufferedPacedMax records may be on their way before the client blocks:
	// enough for a stall of many seconds at any rate we use. Past it the lag
	// grows, so that the latencies stay true.
	bufferedPacedMax = 1 << 17
	// bufferedUnpacedMax is kgo's own default.
	bufferedUnpacedMax = 10_000
)

// producer sends one client's records.
type producer struct {
	id       uint32
	cfg      *Config
	client   *kgo.Client
	schedule pace.Schedule
	records  *records

	// First and last sequence number that counts: [from, to).
	from, to uint64

	sent    uint64
	acked   atomic.Int64
	batches atomic.Int64
	lag     *hist.Histogram // of the producer's goroutine
	// Of kgo's goroutine that calls back, one record at a time.
	latency *hist.Histogram
	failed  map[uint64]error
}

func newProducer(cfg *Config, id int) (*producer, error) {
	p := &producer{
		id: uint32(id), cfg: cfg, records: newRecords(cfg.RecordBytes),
		lag: hist.New(), latency: hist.New(), failed: make(map[uint64]error),
	}
	buffered := bufferedPacedMax
	if cfg.RatePerSecond == 0 {
		buffered = bufferedUnpacedMax
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.DefaultProduceTopic(cfg.Topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(buffered),
		kgo.RecordDeliveryTimeout(cfg.DeliveryTimeout),
		kgo.WithHooks(p),
	)
	p.client = client
	return p, err
}

// OnProduceBatchWritten counts batches; it is kgo's hook.
func (p *producer) OnProduceBatchWritten(kgo.BrokerMetadata, string, int32, kgo.ProduceBatchMetrics) {
	p.batches.Add(1)
}

// connect makes the client's connections and learns the topic, so that the
// first record does not pay for it: one record to each partition, which are
// the first of the sequence.
func (p *producer) connect(ctx context.Context) error {
	var first []*kgo.Record
	for range p.cfg.Partitions {
		first = append(first, p.records.get(p.id, p.sent, partitionOf(p.sent, p.cfg.Partitions)))
		p.sent++
	}
	if err := p.client.ProduceSync(ctx, first...).FirstErr(); err != nil {
		return fmt.Errorf("first records to %v: %w", p.cfg.Brokers, err)
	}
	p.acked.Add(int64(len(first)))
	return nil
}

// begin sets the times: record p.sent is due at start.
func (p *producer) begin(start time.Time) {
	p.schedule = pace.NewSchedule(start, p.cfg.RatePerSecond, int(p.id), p.cfg.Producers)
	p.schedule.Start = p.schedule.Start.Add(-time.Duration(p.sent) * p.schedule.Interval)
	p.from, p.to = p.sent, ^uint64(0)
	if p.schedule.Paced() {
		p.from += uint64(p.cfg.WarmUp / p.schedule.Interval)
		p.to = p.from + uint64(p.cfg.Duration/p.schedule.Interval)
	}
}

// send sends what is due until end, or all that fits if nothing has a time,
// and returns without waiting for the answers.
func (p *producer) send(ctx context.Context, end time.Time) {
	defer pace.Lock()()
	for ; p.sent < p.to && ctx.Err() == nil; p.sent++ {
		if p.schedule.Paced() {
			late := pace.SleepUntil(p.schedule.Due(p.sent))
			if p.sent >= p.from {
				p.lag.Record(late)
			}
		} else if !time.Now().Before(end) {
			return
		}
		p.client.Produce(ctx, p.records.get(p.id, p.sent, partitionOf(p.sent, p.cfg.Partitions)), p.answered)
	}
}

// answered takes the fate of one record.
func (p *producer) answered(r *kgo.Record, err error) {
	now := time.Now()
	_, seq, _ := parseKey(r.Key)
	p.records.put(r)
	if err != nil {
		p.failed[seq] = err
		return
	}
	p.acked.Add(1)
	if p.schedule.Paced() && seq >= p.from && seq < p.to {
		p.latency.Record(now.Sub(p.schedule.Due(seq)))
	}
}
