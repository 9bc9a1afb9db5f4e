package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/pace"
)

// Result is what a load came to.
type Result struct {
	Config Config
	// Sent and Acked count records from the first on, warm-up included; the
	// rest counts the window alone.
	Sent, Acked, Failed int64
	// Latency runs from a record's intended time to its ack.
	Latency *hist.Histogram
	// Lag is how late records were handed to the client: the driver's share of
	// Latency.
	Lag *hist.Histogram
	// Window is the length of the window.
	Window time.Duration
	// WindowAcked are the records acked in the window, and WindowBatches the
	// batches written in it.
	WindowAcked, WindowBatches int64
	// FirstFailure is why some record failed.
	FirstFailure error

	fates []fate // a producer
}

// fate is what one producer was told.
type fate struct {
	sent   uint64           // sequence numbers below
	failed map[uint64]error // not acknowledged
}

// BytesPerSecond is what was acknowledged in the window.
func (r *Result) BytesPerSecond() float64 {
	return float64(r.WindowAcked) * float64(r.Config.RecordBytes) / r.Window.Seconds()
}

// Run applies the load and returns when everything sent was answered. Records
// that failed are counted, not an error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	producers := make([]*producer, cfg.Producers)
	for i := range producers {
		p, err := newProducer(&cfg, i)
		if err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
		defer p.client.Close()
		if err := p.connect(ctx); err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
		producers[i] = p
	}
	result := &Result{Config: cfg}
	result.window(ctx, producers)
	for _, p := range producers {
		if err := p.client.Flush(ctx); err != nil {
			return nil, fmt.Errorf("load: waiting for the last answers: %w", err)
		}
	}
	result.collect(producers)
	return result, ctx.Err()
}

// window lets the producers send, and looks at them at both ends of the time
// that counts.
func (r *Result) window(ctx context.Context, producers []*producer) {
	start := time.Now().Add(10 * time.Millisecond)
	open := start.Add(r.Config.WarmUp)
	shut := open.Add(r.Config.Duration)
	var sending sync.WaitGroup
	for _, p := range producers {
		p.begin(start)
		sending.Go(func() { p.send(ctx, shut) })
	}
	edge := func(at time.Time, isOpen bool) (when time.Time, acked, batches int64) {
		pace.SleepUntil(at)
		for _, p := range producers {
			acked += p.acked.Load()
			batches += p.batches.Load()
		}
		when = time.Now()
		if r.Config.AtWindow != nil {
			r.Config.AtWindow(isOpen)
		}
		return when, acked, batches
	}
	opened, ackedBefore, batchesBefore := edge(open, true)
	closed, ackedAfter, batchesAfter := edge(shut, false)
	r.Window = closed.Sub(opened)
	r.WindowAcked, r.WindowBatches = ackedAfter-ackedBefore, batchesAfter-batchesBefore
	sending.Wait()
}

// collect takes over what the producers know.
func (r *Result) collect(producers []*producer) {
	r.Latency, r.Lag = hist.New(), hist.New()
	for _, p := range producers {
		r.Latency.Add(p.latency)
		r.Lag.Add(p.lag)
		r.Sent += int64(p.sent)
		r.Acked += p.acked.Load()
		r.Failed += int64(len(p.failed))
		for _, err := range p.failed {
			r.FirstFailure = err
			break
		}
		r.fates = append(r.fates, fate{sent: p.sent, failed: p.failed})
	}
}

const (
	// lagShareMax of the median latency may be the driver's own.
	lagShareMax = 0.5
	// lagP99Max is the lateness past which the driver did not keep its pace.
	lagP99Max = 2 * time.Millisecond
)

// Saturation says why the figures tell of the driver rather than of the
// broker, or nothing if they do not.
func (r *Result) Saturation() string {
	if r.Config.RatePerSecond == 0 || r.Lag == nil {
		return ""
	}
	lag, latency := r.Lag.Summary(), r.Latency.Summary()
	switch {
	case latency.Count > 0 && float64(lag.P50) > lagShareMax*float64(latency.P50):
		return fmt.Sprintf("the driver's own lag is %v of a median of %v", lag.P50.Round(time.Microsecond), latency.P50.Round(time.Microsecond))
	case lag.P99 > lagP99Max && lag.P99 > latency.P99/2:
		return fmt.Sprintf("the driver sent 1 %% of the records more than %v late", lag.P99.Round(time.Microsecond))
	}
	return ""
}
