package load

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// schedule says when each record of one producer is due.
type schedule struct {
	start    time.Time
	interval time.Duration // zero: at once, one after another
}

// newSchedule spreads ratePerSecond over producers of which this is number i,
// so that they take turns. A rate of zero has no pace.
func newSchedule(start time.Time, ratePerSecond float64, i, producers int) schedule {
	if ratePerSecond <= 0 {
		return schedule{start: start}
	}
	interval := time.Duration(float64(time.Second) * float64(producers) / ratePerSecond)
	return schedule{start: start.Add(interval * time.Duration(i) / time.Duration(producers)), interval: interval}
}

// paced says whether records have times at which they are due.
func (s schedule) paced() bool { return s.interval > 0 }

// due is when record seq is to be sent.
func (s schedule) due(seq uint64) time.Time {
	return s.start.Add(time.Duration(seq) * s.interval)
}

// lockForPacing ties the goroutine to its thread and asks for the least timer
// slack there: the kernel's default lets a sleep end 50 µs late.
func lockForPacing() (unlock func()) {
	runtime.LockOSThread()
	// A kernel that refuses leaves a lag, which is measured.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return runtime.UnlockOSThread
}

// sleepUntil returns at t or as little later as the kernel manages, and says
// how late it is. When t is past, it returns at once.
func sleepUntil(t time.Time) (late time.Duration) {
	for {
		left := time.Until(t)
		if left <= 0 {
			return -left
		}
		ts := unix.NsecToTimespec(int64(left))
		if err := unix.Nanosleep(&ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
			time.Sleep(left) // no nanosleep: the lag will tell
		}
	}
}
