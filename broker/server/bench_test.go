package server

import (
	"encoding/binary"
	"io"
	"slices"
	"testing"
	"time"
)

// BenchmarkRoundTrip is one tiny request at a time over loopback TCP: the
// framework's share of a produce's latency, with the client's system calls.
func BenchmarkRoundTrip(b *testing.B) {
	static := []byte("answer")
	s := startServer(b, Config{}, func(h *testHandler) {
		h.apis[keyEcho].Serve = func(r *Request) { r.Ticket().Respond(Response{Head: static}) }
	})
	c := s.dial(b)
	_ = c.SetDeadline(time.Time{})
	f := frameOf(keyEcho, 0, 1, []byte("hello"))
	answer := make([]byte, 8+len(static))
	times := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		c.write(f)
		if _, err := io.ReadFull(c, answer); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-ns")
}

// BenchmarkPipelined keeps 64 requests in flight: the cost of a request when
// system calls are shared.
func BenchmarkPipelined(b *testing.B) {
	static := []byte("answer")
	s := startServer(b, Config{}, func(h *testHandler) {
		h.apis[keyEcho].Serve = func(r *Request) { r.Ticket().Respond(Response{Head: static}) }
	})
	c := s.dial(b)
	_ = c.SetDeadline(time.Time{})
	const window = 64
	var f []byte
	for range window {
		f = append(f, frameOf(keyEcho, 0, 1, []byte("hello"))...)
	}
	answers := make([]byte, window*(8+len(static)))
	b.ReportAllocs()
	for b.Loop() {
		c.write(f)
		if _, err := io.ReadFull(c, answers); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/window, "ns/request")
}

// BenchmarkCompletion answers from another goroutine than the reader's, as a
// durable write does.
func BenchmarkCompletion(b *testing.B) {
	s := startServer(b, Config{})
	static := []byte("answer")
	c := s.dial(b)
	_ = c.SetDeadline(time.Time{})
	f := frameOf(keyHold, 0, 1, make([]byte, 1024))
	answer := make([]byte, 8+len(static))
	b.ReportAllocs()
	for b.Loop() {
		c.write(f)
		(<-s.h.held).Respond(Response{Head: static})
		if _, err := io.ReadFull(c, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLargeResponse is a fetch of 1 MiB straight from memory.
func BenchmarkLargeResponse(b *testing.B) {
	page := make([]byte, 1<<20)
	s := startServer(b, Config{}, func(h *testHandler) {
		h.apis[keyEcho].Serve = func(r *Request) {
			r.Ticket().Respond(Response{Head: page[:64], Segments: [][]byte{page}})
		}
	})
	c := s.dial(b)
	_ = c.SetDeadline(time.Time{})
	f := frameOf(keyEcho, 0, 1, nil)
	var head [4]byte
	in := make([]byte, 2<<20)
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		c.write(f)
		if _, err := io.ReadFull(c, head[:]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, in[:binary.BigEndian.Uint32(head[:])]); err != nil {
			b.Fatal(err)
		}
	}
}
