package device

import (
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// Caps are what a cloud volume gives: past it, it delays by far more than it
// has to. Zero is no cap.
type Caps struct {
	// OpsPerSecond counts an operation once for every opBytes of its length,
	// as the volumes do.
	OpsPerSecond   float64
	BytesPerSecond float64
}

const (
	// opBytes is how much one operation may move and still count as one.
	opBytes = 256 << 10
	// burst is how far ahead of its rate a device may run: enough to cover the
	// lateness of timers.
	burst = 10 * time.Millisecond
)

// Limited is a device under caps: operations are started in the order of their
// submission, none before its turn.
type Limited struct {
	Device
	clock clock.Clock
	caps  Caps

	mu      sync.Mutex
	turn    time.Time // when what was admitted so far is paid for
	waiting []*Op
	armed   bool
}

// Limit puts caps on a device.
func Limit(d Device, c clock.Clock, caps Caps) Device {
	if caps == (Caps{}) {
		return d
	}
	return &Limited{Device: d, clock: c, caps: caps}
}

// cost is how long an operation uses the device up.
func (l *Limited) cost(op *Op) time.Duration {
	var seconds float64
	n := op.Bytes()
	if l.caps.OpsPerSecond > 0 {
		seconds = float64(max((n+opBytes-1)/opBytes, 1)) / l.caps.OpsPerSecond
	}
	if l.caps.BytesPerSecond > 0 {
		seconds = max(seconds, float64(n)/l.caps.BytesPerSecond)
	}
	return time.Duration(seconds * float64(time.Second))
}

// admit takes op's cost if it is its turn, else says how long it is until
// then. The caller holds mu.
func (l *Limited) admit(op *Op) (wait time.Duration) {
	now := l.clock.Now()
	if l.turn.Before(now) {
		l.turn = now
	}
	if wait := l.turn.Sub(now) - burst; wait > 0 {
		return wait
	}
	l.turn = l.turn.Add(l.cost(op))
	return 0
}

// Inline implements Device: false when it is not op's turn.
func (l *Limited) Inline(op *Op) bool {
	l.mu.Lock()
	ok := len(l.waiting) == 0 && l.admit(op) == 0
	l.mu.Unlock()
	if !ok {
		return false
	}
	if !l.Device.Inline(op) {
		// Admitted already: to be submitted now, it must not pay again.
		return l.submitAndWait(op)
	}
	return true
}

func (l *Limited) submitAndWait(op *Op) bool {
	done, callback := make(chan struct{}), op.Done
	op.Done = func(*Op) { close(done) }
	l.Device.Submit(op)
	<-done
	op.Done = callback
	return true
}

// Submit implements Device.
func (l *Limited) Submit(op *Op) {
	l.mu.Lock()
	l.waiting = append(l.waiting, op)
	alone := len(l.waiting) == 1 && !l.armed
	l.mu.Unlock()
	if alone {
		l.start()
	}
}

// start submits what has its turn and arms a timer for the rest.
func (l *Limited) start() {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 || l.armed {
			l.mu.Unlock()
			return
		}
		op := l.waiting[0]
		if wait := l.admit(op); wait > 0 {
			l.armed = true
			l.mu.Unlock()
			l.clock.AfterFunc(wait, func() {
				l.mu.Lock()
				l.armed = false
				l.mu.Unlock()
				l.start()
			})
			return
		}
		l.waiting = append(l.waiting[:0], l.waiting[1:]...)
		l.mu.Unlock()
		l.Device.Submit(op)
	}
}
