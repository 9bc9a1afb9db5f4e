package server

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
)

// big asks for a response of n bytes.
func (c *client) big(n uint32) {
	c.t.Helper()
	c.send(keyBig, string(binary.BigEndian.AppendUint32(nil, n)))
}

// pendingOut is how many bytes of answered requests the client has not taken.
func pendingOut(c *Conn) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outBytes
}

// A client that does not read its responses is read no more, costs a bounded
// number of bytes and disturbs nobody. When it reads again it gets everything.
func TestSlowReader(t *testing.T) {
	s := startServer(t, Config{OutBytesMax: 1 << 20})
	slow, other := s.dial(t), s.dial(t)
	const n, size = 200, 1 << 20
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range n {
			slow.big(size)
		}
	}()
	eventually(t, "the server to stop reading", func() bool {
		return pendingOut(s.connOf(slow)) > 1<<20
	})
	for range 50 {
		other.want(other.send(keyEcho, "quick"), "quick")
	}
	if got := pendingOut(s.connOf(slow)); got > 4<<20 {
		t.Errorf("%d bytes wait for a client that does not read", got)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 64<<20 {
		t.Errorf("%d bytes of heap", m.HeapAlloc)
	}
	for i := range n {
		id, body := slow.receive()
		if id != int32(i+1) || len(body) != size {
			t.Fatalf("response %d has id %d and %d bytes", i, id, len(body))
		}
	}
	<-sent
}

// connOf is the server's side of c, once it was accepted.
func (s *testServer) connOf(c *client) (conn *Conn) {
	c.t.Helper()
	eventually(c.t, "the connection to be accepted", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for x := range s.conns {
			if x.RemoteAddr().String() == c.LocalAddr().String() {
				conn = x
			}
		}
		return conn != nil
	})
	return conn
}

// A completer returns at once although the client does not read.
func TestCompleterDoesNotWait(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	const n, size = 100, 256 << 10
	var tickets [n]Ticket
	for i := range n {
		c.send(keyHold, "")
		tickets[i] = <-s.h.held
	}
	pattern := make([]byte, size)
	for i := range pattern {
		pattern[i] = byte(i * 7)
	}
	for _, ticket := range tickets { // 25 MiB that nobody reads: no answer may block
		ticket.Respond(Response{Head: pattern[:10], Segments: [][]byte{pattern[10:20_000], pattern[20_000:]}})
	}
	for i := range n {
		id, body := c.receive()
		if id != int32(i+1) || !bytes.Equal(body, pattern) {
			t.Fatalf("response %d (id %d) is damaged", i, id)
		}
	}
}

// Responses of any shape arrive as they were made.
func TestShapesOfResponses(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	segments := func(n, size int) (list [][]byte) {
		for i := range n {
			list = append(list, bytes.Repeat([]byte{byte(i)}, size))
		}
		return list
	}
	for _, r := range []Response{
		{},
		{Head: []byte("head only")},
		{Segments: segments(3, 10)},
		{Segments: segments(5000, 1)}, // coalesced
		{Head: make([]byte, 100), Segments: segments(3000, 6000)}, // more than one writev takes
		{Segments: segments(1, 3<<20)},
		{Segments: [][]byte{nil, {1}, {}, {2}}},
		{Segments: segments(2, 30_000)}, // written by the completer
	} {
		var want []byte
		want = append(want, r.Head...)
		for _, seg := range r.Segments {
			want = append(want, seg...)
		}
		owner := new(countingOwner)
		r.Owner = owner
		id := c.send(keyHold, "")
		(<-s.h.held).Respond(r)
		gotID, got := c.receive()
		if gotID != id || !bytes.Equal(got, want) {
			t.Errorf("response of %d segments, %d bytes: got id %d, %d bytes", len(r.Segments), len(want), gotID, len(got))
		}
		eventually(t, "release", func() bool { return owner.count() == 1 })
	}
}

// A client that has stopped reading is closed after the idle time, a slow one
// is not.
func TestStalledClient(t *testing.T) {
	var log logBuffer
	manual := clock.NewManual(time.Unix(1e9, 0))
	s := startServer(t, Config{Clock: manual, Log: log.logger(), IdleMax: time.Minute})
	c := s.dial(t)
	c.big(64 << 20)
	conn := s.connOf(c)
	eventually(t, "the writer to wait", func() bool { return conn.writing.Load() != 0 })
	for range 3 {
		manual.Advance(40 * time.Second)
		before := conn.writing.Load()
		buf := make([]byte, 4<<20)
		eventually(t, "progress", func() bool {
			_, _ = c.Read(buf)
			return conn.writing.Load() != before
		})
	}
	if strings.Contains(log.String(), errClientStalled.Error()) {
		t.Fatal("a client that reads slowly was closed")
	}
	manual.Advance(2 * time.Minute)
	eventually(t, "close", func() bool { return s.Connections() == 0 })
	log.wait(t, errClientStalled.Error())
}

// A connection without a descriptor of its own is served by its writer.
func TestPipe(t *testing.T) {
	s := startServer(t, Config{})
	near, far := net.Pipe()
	if err := s.ServeConn(far, Listener{Private: true}); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, Conn: near}
	for range 10 {
		c.want(c.send(keyPriv, "over a pipe"), "over a pipe")
	}
	_ = near.Close()
}

// A TLS client that never finishes its handshake is closed like a stalled frame.
func TestStalledHandshake(t *testing.T) {
	manual := clock.NewManual(time.Unix(1e9, 0))
	s := startServer(t, Config{Clock: manual})
	near, far := net.Pipe()
	if err := s.ServeConn(tls.Server(far, &tls.Config{}), Listener{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "handshake", func() bool { return s.anyReading() })
	manual.Advance(time.Minute)
	c := &client{t: t, Conn: near}
	c.wantClosed()
}
