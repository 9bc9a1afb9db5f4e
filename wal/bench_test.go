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

// BenchmarkRecover compares recovery with plain large parallel reads of the
// same device.
func BenchmarkRecover(b *testing.B) {
	const bytes = 512 * mib
	v, _ := fileVolume(b, 1024*mib)
	l := startLog(b, createArea(b, v, 1), nil)
	rec := dataRecord(1, 0, 1, make([]byte, 16<<10))
	w := newWaiter()
	for l.Stats().HeadPosition < bytes {
		for range 16 {
			if _, err := l.Append(rec, discard{}); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := l.Append(rec, w); err != nil {
			b.Fatal(err)
		}
		<-w.done
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("log", func(b *testing.B) {
		b.SetBytes(bytes)
		for b.Loop() {
			area, err := v.Open(l.Instance())
			if err != nil {
				b.Fatal(err)
			}
			r, err := Recover(b.Context(), area, expectOf(l, 0), func(*walfmt.Record) error { return nil })
			if err != nil || r.End != l.DurableUpTo() {
				b.Fatal(r, err)
			}
			_ = r.Close()
		}
	})
	b.Run("device", func(b *testing.B) {
		b.SetBytes(bytes)
		for b.Loop() {
			area, err := v.Open(l.Instance())
			if err != nil {
				b.Fatal(err)
			}
			s := newScanner(area, 0, bytes)
			s.ahead = scanDepth
			for at := int64(0); at < bytes; at += scanChunkBytes {
				if _, _, err := s.bytes(at, at+scanChunkBytes); err != nil {
					b.Fatal(err)
				}
			}
			s.close()
			_ = area.Close()
		}
	})
}

// discard is a Completion that nobody waits for.
type discard struct{}

func (discard) Durable(error) {}

// BenchmarkThroughput appends without waiting, with a bounded backlog, and
// compares with large writes at the same depth.
func BenchmarkThroughput(b *testing.B) {
	for _, n := range []int{1 << 10, 16 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("log/%d", n), func(b *testing.B) {
			v, _ := fileVolume(b, 512*mib)
			l := startLog(b, createArea(b, v, 1), nil)
			defer l.Close()
			rec := dataRecord(1, 0, 1, make([]byte, n))
			b.SetBytes(int64(n))
			for b.Loop() {
				_, err := l.Append(rec, discard{})
				for err == ErrFull {
					l.Trim(l.DurableUpTo())
					_ = l.WaitSpace(b.Context())
					_, err = l.Append(rec, discard{})
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			s := l.Stats()
			b.ReportMetric(float64(s.FlushBytes)/float64(s.Flushes), "B/flush")
		})
	}
	b.Run("device", func(b *testing.B) {
		v, _ := fileVolume(b, 512*mib)
		area := createArea(b, v, 1)
		defer area.Close()
		const n, depth = 1 << 20, 4
		buf := device.Aligned(n)
		slots := make(chan struct{}, depth)
		b.SetBytes(n)
		at := int64(mib)
		for b.Loop() {
			slots <- struct{}{}
			area.Device.Submit(&device.Op{Kind: device.Write, Offset: at, Bufs: [][]byte{buf}, Done: func(*device.Op) { <-slots }})
			if at += n; at+n > 512*mib {
				at = mib
			}
		}
		for range depth {
			slots <- struct{}{}
		}
	})
}
