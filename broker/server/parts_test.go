package server

import (
	"bytes"
	"net"
	"testing"
)

func TestQueueGrowsInOrder(t *testing.T) {
	var q queue
	next, oldest := uint64(0), uint64(0)
	for range 50 {
		for range 7 {
			if r := q.push(); r.seq != next {
				t.Fatalf("pushed %d, want %d", r.seq, next)
			}
			next++
		}
		for range 6 {
			if q.peek() != nil {
				t.Fatal("an unanswered request is ready")
			}
			r := q.at(oldest)
			r.done = true
			if q.peek() != r || r.seq != oldest {
				t.Fatalf("request %d is not the oldest", r.seq)
			}
			q.pop()
			oldest++
		}
	}
	if q.len() != 50 || len(q.ring) != 64 {
		t.Errorf("%d requests in a ring of %d, want 50 in 64", q.len(), len(q.ring))
	}
}

func TestFillAndAdvance(t *testing.T) {
	all := func() [][]byte { return [][]byte{[]byte("abc"), {}, []byte("defg"), []byte("h")} }
	for n := range 9 {
		window := fill(make([][]byte, 0, 8), all(), n)
		if got := bytes.Join(window, nil); string(got) != "abcdefgh"[:n] {
			t.Errorf("fill %d: %q", n, got)
		}
		rest := advance(all(), n)
		if got := bytes.Join(rest, nil); string(got) != "abcdefgh"[n:] {
			t.Errorf("advance %d: %q", n, got)
		}
	}
	if window := fill(make([][]byte, 0, 2), all(), 8); len(window) != 2 {
		t.Errorf("fill took %d segments, has room for 2", len(window))
	}
}

func TestBuffers(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 1 << 20, 4 << 20, 4<<20 + 1, 100 << 20} {
		b := GetBuffer(n)
		if len(b.B) != 0 || cap(b.B) < n || cap(b.B) > max(512, 2*n) {
			t.Errorf("buffer for %d: length %d, capacity %d", n, len(b.B), cap(b.B))
		}
		if bufferBytes(n) < n || bufferBytes(n) > max(512, 2*n) {
			t.Errorf("%d bytes are said to occupy %d", n, bufferBytes(n))
		}
		b.Release()
	}
	// One that grew serves the class below its capacity, never a larger one.
	b := GetBuffer(600)
	b.B = append(b.B, make([]byte, 3000)...)
	b.Release()
	for range 10 {
		for _, n := range []int{1024, 2048, 4096} {
			if b := GetBuffer(n); cap(b.B) < n {
				t.Fatalf("buffer for %d has capacity %d", n, cap(b.B))
			}
		}
	}
}

// FuzzStream feeds any bytes to a connection: the server neither panics nor
// keeps anything.
func FuzzStream(f *testing.F) {
	f.Add(frameOf(keyEcho, 0, 1, []byte("x")))
	f.Add(append(frameOf(keyDone, 1, 1, nil), frameOf(keyOwned, 1, 2, []byte("abc"))...))
	f.Add(prefix(11, keyEcho, 1, 0, 0, 0, 1, 255, 255, 9))
	f.Add(prefix(100<<20, keyEcho, 1, 1, 2, 3))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		h := newTestHandler()
		delete(h.apis, keyWait)
		delete(h.apis, keyHold)
		delete(h.apis, keyBig)
		s := New(Config{RequestBytesMax: 1 << 20}, h)
		near, far := net.Pipe()
		if err := s.ServeConn(far, Listener{Private: true}); err != nil {
			t.Fatal(err)
		}
		go func() {
			buf := make([]byte, 4096)
			for {
				if _, err := near.Read(buf); err != nil {
					return
				}
			}
		}()
		_, _ = near.Write(in)
		_ = near.Close()
		eventually(t, "the connection to end", func() bool { return s.Connections() == 0 })
		s.Close()
		if n := s.cfg.Requests.Used() + s.cfg.Decoded.Used(); n != 0 {
			t.Fatalf("%d bytes held at the end", n)
		}
	})
}
