package objstore_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
)

func TestTokenBucketHoldsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := objstore.NewTokenBucket(clock.Wall(), 1000, 500)
		start := time.Now()
		for _, c := range []struct {
			n    int64
			want time.Duration // since start
		}{
			{500, 0},                       // the burst
			{100, 100 * time.Millisecond},  // refilled
			{2000, 600 * time.Millisecond}, // on credit once the bucket is full
			{1, 2101 * time.Millisecond},   // 1500 repaid, and its own
			{0, 2101 * time.Millisecond},
		} {
			if err := b.Wait(ctx, objstore.PriorityUpload, c.n); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start).Truncate(time.Millisecond); got != c.want {
				t.Errorf("%d bytes granted after %v, want %v", c.n, got, c.want)
			}
		}
	})
}

func TestTokenBucketServesByPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := objstore.NewTokenBucket(clock.Wall(), 1000, 10)
		if err := b.Wait(ctx, objstore.PriorityUpload, 10); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var got []objstore.Priority
		var wg sync.WaitGroup
		come := []objstore.Priority{objstore.PriorityCatchUp, objstore.PriorityUpload, objstore.PriorityCatchUp,
			objstore.PriorityUpload}
		for _, p := range come {
			wg.Go(func() {
				if err := b.Wait(ctx, p, 10); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, p)
			})
		}
		synctest.Wait() // all of them wait before time passes
		wg.Wait()
		want := slices.Sorted(slices.Values(come))
		if !slices.Equal(got, want) {
			t.Errorf("served %v, want %v", got, want)
		}
	})
}

func TestTokenBucketForgetsWhoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := objstore.NewTokenBucket(clock.Wall(), 10, 10)
		if err := b.Wait(ctx, objstore.PriorityUpload, 10); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		if err := b.Wait(short, objstore.PriorityUpload, 1_000_000); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		start := time.Now()
		if err := b.Wait(ctx, objstore.PriorityCatchUp, 2); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("waited %v behind somebody who has gone", took)
		}
	})
}

func TestPacedWaitsForItsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := objstore.NewTokenBucket(clock.Wall(), 10, 10)
		s := objstore.NewRetry(mem.New(clock.Wall()), clock.Wall(), rand.Int64N, objstore.RetryOptions{}).Paced(b, objstore.PriorityUpload)
		body := objstore.NewBody(make([]byte, 10))
		start := time.Now()
		u, err := s.CreateMultipart(ctx, "m", objstore.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			s.Put(ctx, "k", body, objstore.PutOptions{}), // at once
			u.UploadPart(ctx, 1, body),                   // 1 s
			u.Complete(ctx),
			func() error { _, err := s.GetRange(ctx, "k", 0, make([]byte, 10)); return err }(), // 2 s
		} {
			if err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start).Truncate(time.Millisecond); took != 2*time.Second {
			t.Errorf("took %v, want 2s", took)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.Put(ended, "k", body, objstore.PutOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTokenBucketChangesItsRateForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := objstore.NewTokenBucket(clock.Wall(), 1, 10)
		_ = b.Wait(ctx, objstore.PriorityUpload, 10) // the burst
		start := time.Now()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _ = b.Wait(ctx, objstore.PriorityUpload, 10) })
		}
		time.Sleep(5 * time.Second) // half of the first
		b.SetRate(5)                // the other half in 1 s, the second's in 2 s
		wg.Wait()
		if took := time.Since(start).Truncate(time.Millisecond); took != 8*time.Second {
			t.Errorf("took %v, want 8s", took)
		}
		if waited := b.Waited(objstore.PriorityUpload).Truncate(time.Millisecond); waited != 14*time.Second {
			t.Errorf("waited %v, want 6s + 8s", waited)
		}
		wg.Go(func() { _ = b.Wait(ctx, objstore.PriorityUpload, 1<<40) })
		wg.Go(func() { _ = b.Wait(ctx, objstore.PriorityCatchUp, 1<<40) })
		synctest.Wait()
		b.SetRate(math.Inf(1))
		wg.Wait()
		b.SetRate(1) // and full: what went by without a bound is no debt
		start = time.Now()
		_ = b.Wait(ctx, objstore.PriorityUpload, 10)
		if took := time.Since(start); took != 0 {
			t.Errorf("after a time without a bound: waited %v", took)
		}
	})
}

// A store that fails twice is sent everything three times: each time in turn.
func TestRepeatedBytesWaitToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := objstore.NewTokenBucket(clock.Wall(), 1, 10)
		failing := &failingPuts{Store: mem.New(clock.Wall()), left: 2}
		r := objstore.NewRetry(failing, clock.Wall(), func(int64) int64 { return 0 }, objstore.RetryOptions{Total: time.Second}).Paced(b, objstore.PriorityUpload)
		start := time.Now()
		if err := r.Put(ctx, "k", objstore.NewBody(make([]byte, 10)), objstore.PutOptions{}); err != nil {
			t.Fatal(err) // though the waits are longer than Total
		}
		if took := time.Since(start).Truncate(time.Millisecond); took != 20*time.Second {
			t.Errorf("took %v, want 20s: three times 10 bytes, the first at once", took)
		}
	})
}

type failingPuts struct {
	objstore.Store
	left int
}

func (f *failingPuts) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) error {
	if f.left > 0 {
		f.left--
		return &objstore.Error{Op: "put", Key: key, Err: objstore.ErrUnavailable}
	}
	return f.Store.Put(ctx, key, body, opts)
}
