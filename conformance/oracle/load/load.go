package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/conformance/oracle/history"
)

// Config is what to do to which broker.
type Config struct {
	Brokers    []string
	Topic      string            // made when it is not there
	Configs    map[string]string // of the topic, beside retention without end
	Partitions int32             // each producer writes to them in turn
	Producers  int
	Rate       int           // records a second and producer; 0: as fast as acks come
	InFlight   int           // records a producer has unanswered at most
	ValueBytes int           // at least 48
	Linger     time.Duration // of the producers; 0 sends at once
	// Plain leaves waits and retries as the client library has them, for figures
	// of what a client sees. Else clients try again sooner, so that a run of
	// faults does not spend its time in their pauses.
	Plain bool
	// OnAck is told of every ack as it comes, in the order of each partition's
	// offsets; it must not block, nor call the Load. It may be nil.
	OnAck func(Ack)
	// OnRead is told when records reached the tail reader; as OnAck.
	OnRead func(at time.Time)
}

// Ack is one record's answer.
type Ack struct {
	Partition int32
	Sent      time.Time // when the client was given the record
	At        time.Time
}

// Load is producers and a tail reader at work. Its methods may be called from
// any goroutine.
type Load struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	clients []*kgo.Client

	mu       sync.Mutex
	history  *history.History
	problems []error       // clients' errors: none of them is expected
	resume   chan struct{} // closed while the producers may send
	sending  int           // producers that are giving a record to their clients
	lastAck  time.Time
	acked    chan struct{}           // closed and made anew at each ack that somebody waits for
	waiting  bool                    // somebody waits for acked
	tail     map[int32]int64         // next offset of the tail reader, by partition
	latency  *hdrhistogram.Histogram // µs from due to ack, since the last TakeLatency
	readers  int                     // full reads so far, for their names
}

// problemsMax bounds how many errors of clients are kept.
const problemsMax = 20

// Start makes the topic and starts the producers and the tail reader. It waits
// for the broker as long as ctx allows; the load itself goes on until Close.
func Start(ctx context.Context, cfg Config) (*Load, error) {
	if err := createTopic(ctx, cfg); err != nil {
		return nil, err
	}
	l := &Load{
		cfg: cfg, history: history.New(true), resume: make(chan struct{}), acked: make(chan struct{}),
		tail: make(map[int32]int64), latency: newHistogram(),
	}
	close(l.resume)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for producer := range cfg.Producers {
		cl, err := kgo.NewClient(cfg.producerOptions()...)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.clients = append(l.clients, cl)
		l.done.Go(func() { l.produce(cl, producer) })
	}
	reader, err := newReader(cfg)
	if err != nil {
		l.Close()
		return nil, err
	}
	l.done.Go(func() { defer reader.Close(); l.followTail(reader) })
	return l, nil
}

// Close stops everything; what was sent and not answered stays unknown.
func (l *Load) Close() {
	l.cancel()
	for _, cl := range l.clients {
		cl.Close()
	}
	l.done.Wait()
}

// clientOptions make a client that never gives up and, unless it is to be a
// plain one, comes back soon after a restart.
func (cfg Config) clientOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.AlwaysRetryEOF(),
		kgo.RetryTimeout(10 * time.Minute),
		kgo.RequestRetries(1 << 30),
	}
	if cfg.Plain {
		return opts
	}
	return append(opts,
		kgo.DialTimeout(2*time.Second),
		kgo.MetadataMinAge(20*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
	)
}

func (cfg Config) producerOptions() []kgo.Opt {
	return append(cfg.clientOptions(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(cfg.Linger),
		kgo.MaxBufferedRecords(cfg.InFlight),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.StopProducerOnDataLossDetected(), // a producer that the broker forgot is a finding
		kgo.UnknownTopicRetries(-1),
	)
}

func createTopic(ctx context.Context, cfg Config) error {
	cl, err := kgo.NewClient(cfg.clientOptions()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	configs := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
	for name, value := range cfg.Configs {
		configs[name] = &value
	}
	_, err = kadm.NewClient(cl).CreateTopic(ctx, cfg.Partitions, 1, configs, cfg.Topic)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", cfg.Topic, err)
	}
	return nil
}

// SetConfig changes a property of the topic. It does not wait until that has taken
// effect.
func (l *Load) SetConfig(ctx context.Context, name, value string) error {
	cl, err := kgo.NewClient(l.cfg.clientOptions()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}
	answers, err := kadm.NewClient(cl).AlterTopicConfigs(ctx, change, l.cfg.Topic)
	for _, a := range answers {
		err = errors.Join(err, a.Err)
	}
	if err != nil {
		return fmt.Errorf("setting %s=%s of topic %s: %w", name, value, l.cfg.Topic, err)
	}
	return nil
}

// Pause stops the producers from sending and waits until all that was sent is answered.
func (l *Load) Pause(ctx context.Context) error {
	l.mu.Lock()
	select {
	case <-l.resume:
		l.resume = make(chan struct{})
	default:
	}
	l.mu.Unlock()
	if err := l.awaitSends(ctx); err != nil {
		return fmt.Errorf("waiting for the producers to pause: %w", err)
	}
	for _, cl := range l.clients {
		if err := cl.Flush(ctx); err != nil {
			return fmt.Errorf("waiting for the answers to what was sent: %w", err)
		}
	}
	return nil
}

// Resume lets the producers send again.
func (l *Load) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.resume:
	default:
		close(l.resume)
	}
}

// WaitAck waits for an ack after a moment and returns when it came.
func (l *Load) WaitAck(ctx context.Context, after time.Time) (time.Time, error) {
	for {
		l.mu.Lock()
		last, acked := l.lastAck, l.acked
		l.waiting = true
		l.mu.Unlock()
		if last.After(after) {
			return last, nil
		}
		select {
		case <-acked:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("no ack: %w", errors.Join(context.Cause(ctx), l.Problem()))
		}
	}
}

// Counts is how many records were sent and acknowledged so far.
func (l *Load) Counts() (sent, acked int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.history.SentCount(), l.history.AckedCount()
}

// Problem is the first error that a client reported, or nil: the broker's
// absence is none, since clients wait for it.
func (l *Load) Problem() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.problems) == 0 {
		return nil
	}
	return fmt.Errorf("%d client errors, the first: %w", len(l.problems), l.problems[0])
}

// History runs f on the history, which nobody changes meanwhile.
func (l *Load) History(f func(*history.History) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return f(l.history)
}

func (l *Load) problem(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.problems) < problemsMax {
		l.problems = append(l.problems, err)
	}
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3)
}

// TakeLatency returns the latencies of acks since it was last called, in µs.
func (l *Load) TakeLatency() *hdrhistogram.Histogram {
	fresh := newHistogram()
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.latency
	l.latency = fresh
	return taken
}
