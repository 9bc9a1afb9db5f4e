package load

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// CPU is what a machine and this process used of its CPUs in a window.
type CPU struct {
	// Busy is the share of all CPUs' time that went to anything, 0 to 1; 0 if the
	// system does not tell.
	Busy float64
	// Own is the time that this process used: clients, pacing, consumers.
	Own time.Duration
	// Share is Own's part of all CPUs' time, 0 to 1.
	Share float64
}

// cpuTimes are what was used since some time.
type cpuTimes struct{ busy, all, own time.Duration }

// readCPU reads the first line of /proc/stat, whose fields are user, nice, system,
// idle, iowait and more that are busy; their unit does not matter to shares.
func readCPU() (t cpuTimes) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		t.own = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t // not this system's
	}
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	for i, field := range bytes.Fields(line) {
		const name, idle, ioWait, guest = 0, 4, 5, 9 // guests are part of user
		n, err := strconv.ParseInt(string(field), 10, 64)
		if i == name || i >= guest || err != nil {
			continue
		}
		ticks := time.Duration(n) * clockTick
		t.all += ticks
		if i != idle && i != ioWait {
			t.busy += ticks
		}
	}
	return t
}

// clockTick is the unit of /proc/stat, the same on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// since is what was used after before.
func (t cpuTimes) since(before cpuTimes) CPU {
	c := CPU{Own: t.own - before.own}
	if all := t.all - before.all; all > 0 {
		c.Busy = min(float64(t.busy-before.busy)/float64(all), 1)
		c.Share = min(float64(c.Own)/float64(all), 1)
	}
	return c
}
