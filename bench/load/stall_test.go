package load_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/load"
	"github.com/seawallmq/seawall/bench/nullbroker"
	"github.com/seawallmq/seawall/bench/pace"
)

// A broker that stands still for a tenth of the time: what is due then waits for
// up to a stall, and one in a hundred of all records for nine tenths of it. A
// closed loop, which sends the next record when the last was answered, has one
// slow record a stall, and its p99 knows nothing of it.
func TestAClosedLoopHidesAStall(t *testing.T) {
	for _, test := range []struct {
		stall, every time.Duration
		stalls       int
	}{
		{100 * time.Millisecond, time.Second, 3},
		{time.Second, 10 * time.Second, 1},
	} {
		t.Run(fmt.Sprintf("%v of each %v", test.stall, test.every), func(t *testing.T) {
			t.Parallel()
			if testing.Short() && test.every > time.Second {
				t.Skip("takes ten seconds")
			}
			b := startNull(t)
			cfg := nullConfig(b)
			cfg.Scenario.Duration = time.Duration(test.stalls) * test.every
			closed := make(chan hist.Summary, 1)
			stalled := make(chan struct{})
			cfg.AtWindow = func(open bool) {
				if open {
					go func() {
						defer close(stalled)
						standStill(b, test.stall, test.every, test.stalls)
					}()
					go func() { closed <- closedLoop(t, b.Addr(), cfg.Scenario.Duration, 2*time.Millisecond) }()
				}
			}
			r, err := load.Run(t.Context(), cfg)
			<-stalled
			if err != nil {
				t.Fatal(err)
			}
			open, loop := r.Latency.Summary(), <-closed
			t.Logf("open loop: p50 %v, p99 %v, max %v; closed loop: p50 %v, p99 %v, max %v", open.P50, open.P99, open.Max, loop.P50, loop.P99, loop.Max)
			if open.P99 < test.stall*8/10 {
				t.Errorf("open loop: p99 %v hides stalls of %v", open.P99, test.stall)
			}
			if loop.P99 > test.stall/4 || loop.Max < test.stall*8/10 {
				t.Errorf("closed loop: p99 %v, max %v: it is to have seen the stall and to hide it", loop.P99, loop.Max)
			}
		})
	}
}

// standStill pauses a broker in the middle of each period.
func standStill(b *nullbroker.Broker, stall, every time.Duration, times int) {
	for i := range times {
		if i == 0 {
			time.Sleep((every - stall) / 2)
		} else {
			time.Sleep(every - stall)
		}
		resume := b.Pause()
		time.Sleep(stall)
		resume()
	}
}

// closedLoop sends a record, waits for its answer, and sends the next no sooner
// than interval after the last: what many drivers do.
func closedLoop(t *testing.T, addr string, long, interval time.Duration) hist.Summary {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("closed"), kgo.ProducerLinger(0))
	if err != nil {
		t.Error(err)
		return hist.Summary{}
	}
	defer client.Close()
	defer pace.Lock()()
	h := hist.New()
	value := make([]byte, 1000)
	for end := time.Now().Add(long); time.Now().Before(end); {
		sent := time.Now()
		if err := client.ProduceSync(context.Background(), kgo.SliceRecord(value)).FirstErr(); err != nil {
			t.Error(err)
			return hist.Summary{}
		}
		h.Record(time.Since(sent))
		pace.SleepUntil(sent.Add(interval))
	}
	return h.Summary()
}
