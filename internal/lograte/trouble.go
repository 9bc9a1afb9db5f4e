package lograte

import (
	"log/slog"
	"sync"
	"time"
)

// The pauses between the lines about one trouble.
const (
	troublePauseFirst = time.Second
	troublePauseMost  = time.Minute
)

// Trouble is for a condition that lasts: a line when it begins, further ones
// after pauses that double up to a minute, and one when it is over. The zero
// value is ready.
type Trouble struct {
	mu    sync.Mutex
	began time.Time // zero while there is none
	next  time.Time // when the next line may be written
	pause time.Duration
	count int
}

// Fail notes that the trouble is there at a time, and warns if it is time to:
// with what it is made of, how long it has lasted and how often it was noted.
func (t *Trouble) Fail(log *slog.Logger, now time.Time, message string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	switch {
	case t.began.IsZero():
		t.began, t.pause = now, troublePauseFirst
		log.Warn(message, "error", err)
	case now.Before(t.next):
		return
	default:
		log.Warn(message, "error", err, "for", now.Sub(t.began).Round(time.Millisecond), "failures", t.count)
		t.pause = min(2*t.pause, troublePauseMost)
	}
	t.next = now.Add(t.pause)
}

// Over notes that there is no trouble, and says so if there was.
func (t *Trouble) Over(log *slog.Logger, now time.Time, message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() {
		return
	}
	log.Info(message, "after", now.Sub(t.began).Round(time.Millisecond), "failures", t.count)
	t.began, t.count = time.Time{}, 0
}

// For is how long the trouble has lasted, 0 while there is none.
func (t *Trouble) For(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() {
		return 0
	}
	return max(now.Sub(t.began), 1)
}
