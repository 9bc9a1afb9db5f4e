package objstore

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// Priority says whose work goes first when the link is short (I9).
type Priority int

// The priorities, first to last. Appends and reads at the tail have none: they
// come before all of it, since they never wait for the store.
const (
	PriorityUpload Priority = iota
	PriorityCatchUp
	priorities
)

// Pacer shares out bytes a second.
type Pacer interface {
	// Wait returns when n bytes may be moved at the given priority, or with
	// ctx's error when that is done first.
	Wait(ctx context.Context, p Priority, n int64) error
}

// Pacers is a Pacer that waits for each of its elements in turn: none is the
// Pacer that never makes anybody wait.
type Pacers []Pacer

// Wait implements Pacer.
func (all Pacers) Wait(ctx context.Context, p Priority, n int64) error {
	for _, one := range all {
		if err := one.Wait(ctx, p, n); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// TokenBucket is a Pacer of one rate, which may be changed. Whoever has the
// highest priority is served next, in the order of coming; a lower one gets what
// higher ones leave.
//
// More bytes than the burst are granted on credit once the bucket is full:
// then those who come next wait until the credit is repaid. A large write so
// needs no cutting, and the rate holds over any time much longer than it takes.
type TokenBucket struct {
	clock  clock.Clock
	burst  float64                  // bytes
	waited [priorities]atomic.Int64 // nanoseconds

	mu      sync.Mutex
	rate    float64 // bytes a second; +Inf: nobody waits
	tokens  float64 // bytes; below zero while credit is repaid
	at      time.Time
	waiting [priorities][]*turn
	timer   clock.Timer // pending for the first waiter, or nil
}

// turn is one who waits.
type turn struct {
	n     float64
	ready chan struct{} // closed when granted
}

var _ Pacer = (*TokenBucket)(nil)

// NewTokenBucket makes a bucket, full at first, that refills by bytesPerSecond
// and holds at most burst bytes. Both must be above zero.
func NewTokenBucket(c clock.Clock, bytesPerSecond, burst int64) *TokenBucket {
	if bytesPerSecond <= 0 || burst <= 0 {
		panic(fmt.Sprintf("objstore: token bucket of %d bytes a second, burst %d", bytesPerSecond, burst))
	}
	return &TokenBucket{clock: c, rate: float64(bytesPerSecond), burst: float64(burst), tokens: float64(burst), at: c.Now()}
}

// SetRate changes the rate, which must be above zero, for those who wait
// already too. With +Inf nobody waits.
func (b *TokenBucket) SetRate(bytesPerSecond float64) {
	if !(bytesPerSecond > 0) {
		panic(fmt.Sprintf("objstore: token bucket of %v bytes a second", bytesPerSecond))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	b.rate = bytesPerSecond
	b.grant()
}

// Rate is the rate in bytes a second; +Inf is none.
func (b *TokenBucket) Rate() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rate
}

// Waited is how long those of a priority have waited until now, all together.
func (b *TokenBucket) Waited(p Priority) time.Duration { return time.Duration(b.waited[p].Load()) }

// Wait implements Pacer.
func (b *TokenBucket) Wait(ctx context.Context, p Priority, n int64) error {
	if err := ctx.Err(); err != nil || n <= 0 {
		return err
	}
	t := &turn{n: float64(n), ready: make(chan struct{})}
	b.mu.Lock()
	b.waiting[p] = append(b.waiting[p], t)
	b.grant()
	came := b.at
	b.mu.Unlock()
	select {
	case <-t.ready: // most are served as they come
		return nil
	default:
	}
	defer func() { b.waited[p].Add(int64(b.clock.Now().Sub(came))) }()
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
		b.forget(p, t)
		return ctx.Err()
	}
}

// grant serves all whose turn has come and sets the timer for the next. Caller
// holds b.mu.
func (b *TokenBucket) grant() {
	b.refill()
	for {
		p, t := b.first()
		if t == nil {
			b.stopTimer()
			return
		}
		if missing := min(t.n, b.burst) - b.tokens; missing > 0 && !math.IsInf(b.rate, 1) {
			b.stopTimer()
			b.timer = b.clock.AfterFunc(b.timeFor(missing), b.tick)
			return
		}
		b.tokens -= t.n
		b.waiting[p] = b.waiting[p][1:]
		close(t.ready)
	}
}

// refill adds what time has brought. Caller holds b.mu.
func (b *TokenBucket) refill() {
	now := b.clock.Now()
	if math.IsInf(b.rate, 1) {
		b.tokens = b.burst
	} else {
		b.tokens = min(b.burst, b.tokens+now.Sub(b.at).Seconds()*b.rate)
	}
	b.at = now
}

// timeFor is how long the bucket takes to gain some bytes, rounded up so that
// the timer never comes a nanosecond early.
func (b *TokenBucket) timeFor(bytes float64) time.Duration {
	return time.Duration(bytes/b.rate*float64(time.Second)) + 1
}

func (b *TokenBucket) first() (Priority, *turn) {
	for p := range b.waiting {
		if len(b.waiting[p]) > 0 {
			return Priority(p), b.waiting[p][0]
		}
	}
	return 0, nil
}

func (b *TokenBucket) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.grant()
}

func (b *TokenBucket) stopTimer() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
}

// forget takes a waiter out who has given up. One that was granted its turn
// meanwhile gives the bytes back.
func (b *TokenBucket) forget(p Priority, t *turn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-t.ready:
		b.tokens += t.n
	default:
		for i, w := range b.waiting[p] {
			if w == t {
				b.waiting[p] = append(b.waiting[p][:i:i], b.waiting[p][i+1:]...)
				break
			}
		}
	}
	b.grant()
}
