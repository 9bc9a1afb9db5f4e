// Package lograte keeps what comes again and again from flooding the log: one
// line a second or in a longer time, after a few at once, which says how many
// were left out before it ([Limiter]); or, of a condition that lasts, ever fewer, and its end
// ([Trouble]).
//
// Owns: when a line may be written. Does not own: the clock, the logger.
// Goroutines: none. Locks: one leaf a Limiter or Trouble, held while its line is
// written.
package lograte

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// everyDefault is how often a Limiter lets a line through in the long run.
const everyDefault = time.Second

// Limiter is for one kind of line. The zero value is ready.
type Limiter struct {
	// Burst is how many lines may come at once after a quiet time; zero is one.
	Burst int
	// Every is how often a line comes in the long run; zero is a second.
	Every time.Duration

	mu      sync.Mutex
	paidFor time.Time // Every for each line, from when they came
	leftOut int
}

// Log writes a line if there is room for it. How many lines were left out since
// the last one stands in it.
func (l *Limiter) Log(log *slog.Logger, level slog.Level, now time.Time, message string, args ...any) {
	if !log.Enabled(context.Background(), level) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	every := l.Every
	if every == 0 {
		every = everyDefault
	}
	if l.paidFor.Before(now) {
		l.paidFor = now
	}
	if l.paidFor.Sub(now) > every*time.Duration(max(l.Burst, 1)-1) {
		l.leftOut++
		return
	}
	if l.leftOut > 0 {
		args = append(args, "left_out", l.leftOut)
	}
	log.Log(context.Background(), level, message, args...)
	l.paidFor, l.leftOut = l.paidFor.Add(every), 0
}
