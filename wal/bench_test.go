package wal

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// BenchmarkAppendDurable compares one append at a time, until durable, with
// the same write straight to the device.
func BenchmarkAppendDurable(b *testing.B) {
	for _, n := range []int{1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("log/%d", n), func(b *testing.B) {
			v, _ := fileVolume(b, 1024*mib)
			l := startLog(b, createArea(b, v, 1), nil)
			defer l.Close()
			rec, w := dataRecord(1, 0, 1, make([]byte, n)), newWaiter()
			measure(b, func() {
				if _, err := l.Append(rec, w); err != nil {
					b.Fatal(err)
				}
				<-w.done
				l.Trim(l.DurableUpTo())
			})
		})
		b.Run(fmt.Sprintf("device/%d", n), func(b *testing.B) {
			v, _ := fileVolume(b, 1024*mib)
			area := createArea(b, v, 1)
			defer area.Close()
			buf := device.Aligned(int(walfmt.Padded(int64(n)+104, 512)))
			zeros := device.Aligned(mib)
			for at := int64(mib); at < 256*mib; at += mib {
				_ = device.Do(area.Device, &device.Op{Kind: device.Write, Offset: at, Bufs: [][]byte{zeros}})
			}
			op := &device.Op{Kind: device.Write, Offset: mib, Bufs: [][]byte{buf}}
			measure(b, func() {
				if err := device.Do(area.Device, op); err != nil {
					b.Fatal(err)
				}
				if op.Offset += int64(len(buf)); op.Offset+int64(len(buf)) > 255*mib {
					op.Offset = mib
				}
			})
		})
	}
}

// measure reports the percentiles of f's time.
func measure(b *testing.B, f func()) {
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		began := time.Now()
		f()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
