package broker

import (
	"log/slog"
	"sync"
	"time"
)

// faultLogEvery is how often a fault that clients' retries repeat is logged.
const faultLogEvery = time.Second

// faultLog logs faults that come again with every retry of every client: one
// line in faultLogEvery, which says how many were left out before it.
type faultLog struct {
	mu      sync.Mutex
	next    time.Time
	leftOut int
}

func (l *faultLog) error(log *slog.Logger, now time.Time, message string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.next) {
		l.leftOut++
		return
	}
	log.Error(message, append(args, "left_out", l.leftOut)...)
	l.next, l.leftOut = now.Add(faultLogEvery), 0
}
