package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/pace"
)

const (
	// bufferedMax records may be on their way in all clients together before one
	// blocks: enough for a stall of many seconds at any rate we use. Past it
	// records are sent late, and latencies stay true, as they count from when
	// records were due.
	bufferedMax = 1 << 17
	// bufferedUnpacedMax is kgo's own default.
	bufferedUnpacedMax = 10_000
	// lateMin is the lateness past which the client is asked whether it is full.
	lateMin = time.Millisecond
)

// producer sends one client's records.
type producer struct {
	id       uint32
	cfg      *Config
	client   *kgo.Client
	buffered int64 // records at most
	records  *records
	meter    *meter
	timing   *timing // nil until begin
	tx       *transaction

	fate   fate          // of the goroutine of kgo's that calls back, but for sent
	seq    atomic.Uint64 // of the next record
	acked  atomic.Int64
	failed atomic.Int64
	// batches written.
	batches atomic.Int64

	// Of the producer's goroutine.
	lag  *hist.Histogram
	due  time.Time // of the next record; zero if it has no time
	free time.Time // when the broker last let it go on; before that it is not late
}

func newProducer(cfg *Config, id int, rs *records, m *meter) (*producer, error) {
	p := &producer{id: uint32(id), cfg: cfg, records: rs, meter: m, lag: hist.New(), buffered: bufferedUnpacedMax}
	if cfg.paced() {
		p.buffered = int64(bufferedMax / cfg.Scenario.Producers)
	}
	if cfg.Scenario.Transaction > 0 {
		p.tx = &transaction{records: uint64(cfg.Scenario.Transaction)}
	}
	client, err := kgo.NewClient(append(producerOptions(cfg, id), kgo.MaxBufferedRecords(int(p.buffered)), kgo.WithHooks(p))...)
	p.client = client
	return p, err
}

// producerOptions are what the scenario asks of a client.
func producerOptions(cfg *Config, id int) []kgo.Opt {
	s := &cfg.Scenario
	acks := map[string]kgo.Acks{"all": kgo.AllISRAcks(), "1": kgo.LeaderAck(), "0": kgo.NoAck()}
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(acks[s.Acks]),
		kgo.ProducerLinger(s.Linger),
		kgo.ProducerBatchCompression(codecs[s.Compression]),
		kgo.RecordDeliveryTimeout(cfg.DeliveryTimeout),
	}
	if !s.Idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	if s.Transaction > 0 {
		opts = append(opts, kgo.TransactionalID(fmt.Sprintf("%s-%d", cfg.Group, id)), kgo.TransactionTimeout(cfg.DeliveryTimeout))
	}
	return opts
}

// OnProduceBatchWritten counts batches; it is kgo's hook.
func (p *producer) OnProduceBatchWritten(kgo.BrokerMetadata, string, int32, kgo.ProduceBatchMetrics) {
	p.batches.Add(1)
}

// connect makes the client's connections and learns the topics, so that the
// first record that counts does not pay for it: one record to each partition,
// which are the first of the sequence.
func (p *producer) connect(ctx context.Context) error {
	if p.tx != nil {
		if err := p.allowTransactions(ctx); err != nil {
			return err
		}
	}
	first := p.cfg.layout().slots
	if keys := p.cfg.Scenario.DistinctKeys; keys > 0 {
		first = min(first, keys)
	}
	for range first {
		p.produce(ctx)
	}
	p.end(ctx)
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("first records to %v: %w", p.cfg.Brokers, err)
	}
	if p.fate.first != nil {
		return fmt.Errorf("first records to %v: %w", p.cfg.Brokers, p.fate.first)
	}
	return nil
}

// send sends what is due until the window closes, or all that fits if nothing
// has a time, and returns without waiting for the answers.
func (p *producer) send(ctx context.Context, t *timing) {
	defer pace.Lock()()
	p.timing = t
	for ctx.Err() == nil && p.await() {
		p.produce(ctx)
	}
	p.end(ctx)
}

// await returns when the next record is due; false if that is past the end.
func (p *producer) await() bool {
	t := p.timing
	if !p.cfg.paced() {
		return time.Now().Before(t.shut)
	}
	due := t.due(p.id, p.seq.Load())
	if !due.Before(t.shut) {
		return false
	}
	p.due = due
	late := pace.SleepUntil(due)
	if p.free.After(due) {
		late = max(late-p.free.Sub(due), 0)
	}
	if t.counts(due) {
		p.lag.Record(late)
	}
	// A full client blocks until the broker has taken something.
	if late > lateMin && p.client.BufferedProduceRecords() >= p.buffered {
		defer func() { p.free = time.Now() }()
	}
	return true
}

// produce hands the next record to the client.
func (p *producer) produce(ctx context.Context) {
	seq := p.seq.Load()
	if p.tx != nil {
		if err := p.begin(seq); err != nil {
			p.fail(seq, err)
			p.seq.Store(seq + 1)
			return
		}
	}
	r := p.records.get(p.id, seq)
	r.Timestamp = p.due // zero is now
	p.client.Produce(ctx, r, p.answered)
	p.seq.Store(seq + 1)
	if p.tx != nil && seq+1-p.tx.first == p.tx.records {
		p.end(ctx)
	}
}

// answered takes the fate of one record.
func (p *producer) answered(r *kgo.Record, err error) {
	now := time.Now()
	_, seq, _ := identify(r)
	p.records.put(r)
	switch {
	case err != nil:
		p.fail(seq, err)
	case p.tx == nil: // else it is by the commit
		p.ack(seq, now)
	}
}

func (p *producer) fail(seq uint64, why error) {
	p.fate.fail(seq, why)
	p.failed.Store(p.fate.failed.n)
}

// ack counts a record that was acknowledged.
func (p *producer) ack(seq uint64, now time.Time) {
	p.acked.Add(1)
	switch t := p.timing; {
	case t == nil || seq < t.first: // it made the connections
	case p.cfg.paced():
		due := t.due(p.id, seq)
		p.meter.ack(true, t.counts(due), now.Sub(due))
	default:
		p.meter.ack(false, false, 0)
	}
}

// outcome is the fate of all that was sent.
func (p *producer) outcome() fate {
	p.fate.sent = p.seq.Load()
	return p.fate
}
