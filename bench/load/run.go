package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/result"
)

// startDelay is between the last preparation and the first record.
const startDelay = 10 * time.Millisecond

// Result is what a load came to.
type Result struct {
	Config Config
	// Sent and Acked count records from the first on, warm-up included; the
	// rest counts the window alone.
	Sent, Acked, Failed int64
	// Latency runs from a record's intended time to its acknowledgement, EndToEnd
	// to when a consumer had it, each group for itself.
	Latency, EndToEnd *hist.Histogram
	// Lag is how late records were handed to the client: the driver's share of
	// Latency.
	Lag *hist.Histogram
	// Window is the length of the window.
	Window time.Duration
	// WindowAcked are the records acked in the window, WindowBatches the batches
	// written and WindowConsumed the records that came to consumers in it.
	WindowAcked, WindowBatches, WindowConsumed int64
	// Consumed came to all groups from the first record on.
	Consumed int64
	// CatchUp is what the catch-up consumer read in the window.
	CatchUp Reading
	// CPU of the window.
	CPU CPU
	// Series are the seconds, from the first record that was due.
	Series []result.Point
	// FirstFailure is why some record failed.
	FirstFailure error
	// ConsumeFault is what was wrong with the consumers, nil if nothing.
	ConsumeFault error

	fates []fate // of each producer, and of the backfill
}

// BytesPerSecond is what was acknowledged in the window.
func (r *Result) BytesPerSecond() float64 { return r.perSecond(r.WindowAcked) }

// ConsumedBytesPerSecond is what came to consumers in the window.
func (r *Result) ConsumedBytesPerSecond() float64 { return r.perSecond(r.WindowConsumed) }

func (r *Result) perSecond(records int64) float64 {
	return float64(records) * float64(r.Config.Scenario.RecordBytes) / r.Window.Seconds()
}

// CatchUpBytesPerSecond is how fast the catch-up consumer read.
func (r *Result) CatchUpBytesPerSecond() float64 {
	if r.CatchUp.Took <= 0 {
		return 0
	}
	return float64(r.CatchUp.Records) * float64(r.Config.Scenario.RecordBytes) / r.CatchUp.Took.Seconds()
}

// run is a load that is going on.
type run struct {
	cfg       Config
	result    *Result
	records   *records
	meter     *meter
	producers []*producer
	consumers *consumers
	catchUp   *catchUp // nil without a backfill
}

// Run applies the load and returns when everything sent was answered and has come
// to the consumers. Records that failed are counted, not an error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, meter: newMeter()}
	r.result = &Result{Config: cfg}
	r.records = newRecords(&r.cfg)
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if err := r.window(ctx); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	for _, p := range r.producers {
		if err := p.client.Flush(ctx); err != nil {
			return nil, fmt.Errorf("load: waiting for the last answers: %w", err)
		}
	}
	r.collect(ctx)
	return r.result, ctx.Err()
}

// prepare does everything that is not to be charged to the load.
func (r *run) prepare(ctx context.Context) (err error) {
	var backfill []fate
	if bytes := r.cfg.Scenario.BackfillBytes; bytes > 0 {
		f, err := fill(ctx, &r.cfg, r.records, r.cfg.Scenario.Producers, bytes)
		if err != nil {
			return err
		}
		backfill = append(backfill, f)
		if r.catchUp, err = newCatchUp(ctx, &r.cfg); err != nil {
			return err
		}
	}
	r.result.fates = backfill
	if r.consumers, err = startConsumers(ctx, &r.cfg); err != nil {
		return err
	}
	for i := range r.cfg.Scenario.Producers {
		p, err := newProducer(&r.cfg, i, r.records, r.meter)
		if err != nil {
			return err
		}
		r.producers = append(r.producers, p)
		if err := p.connect(ctx); err != nil {
			return err
		}
	}
	return nil
}

// edge is what the window's ends are compared by.
type edge struct {
	at                      time.Time
	acked, batches, records int64
	cpu                     cpuTimes
}

// window lets the producers send, and looks at them at both ends of the time
// that counts.
func (r *run) window(ctx context.Context) error {
	t := newTiming(&r.cfg.Scenario, r.producers[0].seq.Load(), time.Now().Add(startDelay))
	r.consumers.timing.Store(t)
	var sending, beside sync.WaitGroup
	for _, p := range r.producers {
		sending.Go(func() { p.send(ctx, t) })
	}
	done := make(chan struct{})
	beside.Go(func() { r.meter.watch(t, r.cfg.Scenario.RecordBytes, done, r.tell(t)) })
	err := r.measure(ctx, t, &beside)
	sending.Wait()
	close(done)
	beside.Wait()
	return err
}

// measure sees to the window's ends, and to the catch-up consumer between them.
func (r *run) measure(ctx context.Context, t *timing, beside *sync.WaitGroup) error {
	opened, err := r.edge(ctx, t.open, true)
	if err != nil {
		return err
	}
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	if r.catchUp != nil {
		beside.Go(func() { r.catchUp.run(reading) })
	}
	closed, err := r.edge(ctx, t.shut, false)
	if err != nil {
		return err
	}
	res := r.result
	res.Window = closed.at.Sub(opened.at)
	res.WindowAcked, res.WindowBatches = closed.acked-opened.acked, closed.batches-opened.batches
	res.WindowConsumed = closed.records - opened.records
	res.CPU = closed.cpu.since(opened.cpu)
	return nil
}

// edge waits for an end of the window and looks.
func (r *run) edge(ctx context.Context, at time.Time, isOpen bool) (e edge, err error) {
	select {
	case <-time.After(time.Until(at)):
	case <-ctx.Done():
		return e, context.Cause(ctx)
	}
	for _, p := range r.producers {
		e.acked += p.acked.Load()
		e.batches += p.batches.Load()
	}
	e.records = r.consumers.records()
	e.at, e.cpu = time.Now(), readCPU()
	if r.cfg.AtWindow != nil {
		r.cfg.AtWindow(isOpen)
	}
	return e, nil
}

// tell tells of each second.
func (r *run) tell(t *timing) func(result.Point) {
	return func(point result.Point) {
		if r.cfg.EachSecond == nil {
			return
		}
		p := Progress{Point: point, Left: max(time.Until(t.shut), 0)}
		for _, producer := range r.producers {
			p.Sent += int64(producer.seq.Load())
			p.Acked += producer.acked.Load()
			p.Failed += producer.failed.Load()
		}
		r.cfg.EachSecond(p)
	}
}

// collect takes over what producers and consumers know, all of them at rest.
func (r *run) collect(ctx context.Context) {
	res := r.result
	res.Latency, res.Lag, res.Series = r.meter.latency, hist.New(), r.meter.series
	var fates []fate
	for _, p := range r.producers {
		f := p.outcome()
		res.Lag.Add(p.lag)
		res.Sent += int64(f.sent)
		res.Acked += p.acked.Load()
		res.Failed += f.failed.n
		if res.FirstFailure == nil {
			res.FirstFailure = f.first
		}
		fates = append(fates, f)
	}
	res.fates = append(fates, res.fates...)

	stored := res.Acked
	if r.cfg.Scenario.Acks == "0" {
		stored = 0 // nothing was promised
	}
	err := r.consumers.drain(ctx, stored)
	r.consumers.close()
	res.Consumed, res.EndToEnd = r.consumers.records(), r.consumers.latency
	res.ConsumeFault = errors.Join(r.consumers.fault, err)
	if c := r.catchUp; c != nil {
		res.CatchUp = Reading{Records: c.records.Load(), Took: c.took}
		res.ConsumeFault = errors.Join(res.ConsumeFault, c.err)
	}
}

// close ends what is left.
func (r *run) close() {
	for _, p := range r.producers {
		p.client.Close()
	}
	if r.consumers != nil {
		r.consumers.close()
	}
}
