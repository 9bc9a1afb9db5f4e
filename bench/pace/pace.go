// Package pace wakes its caller at intended times, as precisely as the kernel
// can. Go's timers wake up to a millisecond late on an idle machine; what is
// measured with them is charged with half a millisecond that is not its own.
//
// Owns: schedules and sleeping. Does not own: what is done when. Goroutines:
// none; the caller's is tied to its thread by Lock. Locks: none.
package pace

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Schedule says when each of one sender's records is due.
type Schedule struct {
	Start    time.Time     // of record zero
	Interval time.Duration // zero: at once, one after another
}

// NewSchedule spreads ratePerSecond over senders of which this is number i, so
// that they take turns. A rate of zero has no pace.
func NewSchedule(start time.Time, ratePerSecond float64, i, senders int) Schedule {
	if ratePerSecond <= 0 {
		return Schedule{Start: start}
	}
	interval := time.Duration(float64(time.Second) * float64(senders) / ratePerSecond)
	return Schedule{Start: start.Add(interval * time.Duration(i) / time.Duration(senders)), Interval: interval}
}

// Paced says whether records have times at which they are due.
func (s Schedule) Paced() bool { return s.Interval > 0 }

// Due is when record seq is to be sent.
func (s Schedule) Due(seq uint64) time.Time {
	return s.Start.Add(time.Duration(seq) * s.Interval)
}

// Lock ties the goroutine to its thread and asks for the least timer
// slack there: the kernel's default lets a sleep end 50 µs late.
func Lock() (unlock func()) {
	runtime.LockOSThread()
	// A kernel that refuses leaves a lag, which is measured.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return runtime.UnlockOSThread
}

// SleepUntil returns at t or as little later as the kernel manages, and says
// how late it is. When t is past, it returns at once.
func SleepUntil(t time.Time) (late time.Duration) {
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
