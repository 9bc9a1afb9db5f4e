package wal

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
)

func env(name string, def int) int {
	if v, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return v
	}
	return def
}

func sleepUntil(at time.Time) {
	d := time.Until(at)
	if d <= 0 {
		return
	}
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}

func TestPaced(t *testing.T) {
	if os.Getenv("PACED") == "" {
		t.Skip()
	}
	rate, n, secs, g := env("RATE", 10000), env("SIZE", 1024), env("SECS", 5), env("APPENDERS", 4)
	v, _ := fileVolume(t, 2048*mib)
	l := startLog(t, createArea(t, v, 1), func(c *Config) {
		c.GatherBytesMin = env("GATHER", 128<<10)
		c.ZeroAheadBytes = int64(env("AHEAD", 64<<20))
	})
	time.Sleep(1500 * time.Millisecond)
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for i := range g {
		wg.Go(func() {
			rec, w := dataRecord(ids.StreamID(i), 0, 1, make([]byte, n)), newWaiter()
			per := time.Second * time.Duration(g) / time.Duration(rate)
			var took []time.Duration
			next := time.Now()
			for range rate * secs / g {
				next = next.Add(per)
				sleepUntil(next)
				if _, err := l.Append(rec, w); err != nil {
					t.Error(err)
					return
				}
				<-w.done
				took = append(took, time.Since(next))
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(all)
	s := l.Stats()
	var ru unix.Rusage
	_ = unix.Getrusage(0, &ru)
	fmt.Printf("log    p50 %v p99 %v p999 %v  flushes %d inline %d zeroed %d cpu %.2fs\n", all[len(all)/2], all[len(all)*99/100], all[len(all)*999/1000], s.Flushes, s.InlineFlushes, s.ZeroedBytes, time.Duration(ru.Utime.Nano()+ru.Stime.Nano()).Seconds())
	_ = l.Close()

	area := createArea(t, v, 2)
	buf := device.Aligned((n + 104 + 511) &^ 511)
	zeros := device.Aligned(mib)
	for at := int64(mib); at < 64*mib; at += mib {
		_ = device.Do(area.Device, &device.Op{Kind: device.Write, Offset: at, Bufs: [][]byte{zeros}})
	}
	op := &device.Op{Kind: device.Write, Offset: mib, Bufs: [][]byte{buf}}
	all = all[:0]
	next := time.Now()
	drate := min(rate, 2000)
	for range drate * secs {
		next = next.Add(time.Second / time.Duration(drate))
		sleepUntil(next)
		b := time.Now()
		_ = device.Do(area.Device, op)
		all = append(all, time.Since(b))
		if op.Offset += int64(len(buf)); op.Offset > 63*mib {
			op.Offset = mib
		}
	}
	slices.Sort(all)
	fmt.Printf("device p50 %v p99 %v p999 %v\n", all[len(all)/2], all[len(all)*99/100], all[len(all)*999/1000])
}
