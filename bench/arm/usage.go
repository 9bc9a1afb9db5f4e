package arm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of CPU time in /proc, the same on every Linux that Go
// runs on.
const clockTick = 10 * time.Millisecond

// Usage is what a broker has used since its start.
type Usage struct {
	CPU time.Duration // user and system
	// Mallocs counts allocated objects, where the broker tells: else zero.
	Mallocs float64
}

// Usage reads it.
func (s *Server) Usage(ctx context.Context) (u Usage, err error) {
	if s.HasMetrics() {
		metrics, err := s.Metrics(ctx)
		if err != nil {
			return u, err
		}
		u.Mallocs = metrics["go_memstats_mallocs_total"]
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.PID()))
	if err != nil {
		return u, err
	}
	u.CPU, err = parseCPU(stat)
	return u, err
}

// parseCPU reads the 14th and 15th field of /proc/PID/stat. The second is the
// command's name in parentheses and may hold anything.
func parseCPU(stat []byte) (time.Duration, error) {
	_, rest, ok := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(") "))
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat is %q", stat)
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err, err2)
}

// ResidentBytes is the broker's resident memory now.
func (s *Server) ResidentBytes() (int64, error) { return s.process.ResidentBytes() }

// OpenFiles counts the broker's open descriptors, connections among them.
func (s *Server) OpenFiles() (int64, error) {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.process.PID()))
	return int64(len(all)), err
}
