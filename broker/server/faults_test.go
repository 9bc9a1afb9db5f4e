package server

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/seawallmq/seawall/internal/testlog"
)

// logBuffer collects log lines.
type logBuffer struct{ testlog.Buffer }

// wait waits for a line that contains text.
func (l *logBuffer) wait(t *testing.T, text string) {
	t.Helper()
	eventually(t, "a log line with "+text, func() bool { return strings.Contains(l.String(), text) })
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// prefix is a frame's length, key and version with what follows.
func prefix(n uint32, key, version int16, rest ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, n)
	b = binary.BigEndian.AppendUint16(b, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	return append(b, rest...)
}

// Each of these closes the connection that sent it, with a line that says why,
// and harms no other.
func TestMalformedFramesCloseTheConnection(t *testing.T) {
	var log logBuffer
	s := startServer(t, Config{Log: log.logger()})
	bystander := s.dial(t)
	held := bystander.send(keyHold, "")
	ticket := <-s.h.held
	for _, test := range []struct {
		name, reason string
		bytes        []byte
	}{
		{"2 GiB", "frame of 2147483647 bytes", prefix(math.MaxInt32, keyEcho, 0)},
		{"negative", "frame of -1 bytes", prefix(math.MaxUint32, keyEcho, 0)},
		{"most negative", "frame of -2147483648 bytes", prefix(1<<31, keyEcho, 0)},
		{"empty", "frame of 0 bytes", prefix(0, keyEcho, 0)},
		{"no client id", "frame of 8 bytes", prefix(8, keyEcho, 0, 0, 0, 0, 1)},
		{"just too large", "frame of 104857601 bytes", prefix(100<<20+1, keyEcho, 0)},
		{"above the API's limit", "API key 3: frame of 1048577 bytes", prefix(1<<20+1, keyOwned, 0)},
		{"unknown API", "unknown API key 77", prefix(10, 77, 0)},
		{"negative API", "unknown API key -1", prefix(10, -1, 0)},
		{"private API", "unknown API key 20000", prefix(10, keyPriv, 0)},
		{"version too high", "unsupported version 2", prefix(10, keyEcho, 2)},
		{"version too low", "unsupported version -1", prefix(10, keyEcho, -1)},
		{"HTTP", "frame of 1195725856 bytes", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"client id beyond the frame", "malformed request header", prefix(11, keyEcho, 0, 0, 0, 0, 1, 0, 2, 'x')},
		{"tags missing", "malformed request header", prefix(10, keyEcho, 1, 0, 0, 0, 1, 255, 255)},
		{"tag count too large", "malformed request header", prefix(11, keyEcho, 1, 0, 0, 0, 1, 255, 255, 9)},
		{"tag beyond the frame", "malformed request header", prefix(14, keyEcho, 1, 0, 0, 0, 1, 255, 255, 1, 0, 9, 0)},
		{"tag count overflows", "malformed request header",
			prefix(16, keyEcho, 1, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := s.dial(t)
			c.write(test.bytes)
			c.wantClosed()
			log.wait(t, test.reason)
		})
	}
	ticket.Respond(Response{Head: []byte("fine")})
	bystander.want(held, "fine")
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 && s.decoded.Used() == 0 })
}

// A client that goes away inside a frame leaves nothing behind.
func TestTruncatedFrames(t *testing.T) {
	s := startServer(t, Config{})
	whole := frameOf(keyEcho, 1, 1, bytes.Repeat([]byte("x"), 10_000))
	for _, n := range []int{1, 4, 7, 8, 9, 15, 5_000, len(whole) - 1} {
		c := s.dial(t)
		c.write(whole[:n])
		_ = c.Conn.(*net.TCPConn).CloseWrite()
		c.wantClosed()
	}
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 && s.Connections() == 0 })
}

// A client that is gone is noticed while its request waits, so that a long poll
// can end.
func TestContextEndsWithTheConnection(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	c.send(keyHold, "held for a client that leaves")
	ticket := <-s.h.held
	_ = c.Close()
	<-ticket.Request().Context().Done()
	if s.requests.Used() == 0 {
		t.Error("the request's bytes are free before it is answered")
	}
	ticket.Respond(Response{Head: []byte("in vain")})
	if n := s.requests.Used(); n != 0 {
		t.Errorf("%d bytes held after the answer", n)
	}
}

func TestAbortClosesTheConnection(t *testing.T) {
	var log logBuffer
	s := startServer(t, Config{Log: log.logger()})
	c := s.dial(t)
	c.send(keyHold, "")
	(<-s.h.held).Abort(errHeader)
	c.wantClosed()
	log.wait(t, errHeader.Error())
}

// Unread answers of a connection that closes are released.
func TestOwnersReleasedOnClose(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	for range 3 {
		c.send(keyHold, "")
	}
	first, second, third := <-s.h.held, <-s.h.held, <-s.h.held
	var owners [3]countingOwner
	second.Respond(Response{Head: []byte("waits for the first"), Owner: &owners[1]})
	_ = c.Close()
	<-first.Request().Context().Done()
	eventually(t, "release of the answer that waited", func() bool { return owners[1].count() == 1 })
	first.Respond(Response{Head: []byte("late"), Owner: &owners[0]})
	third.Respond(Response{Owner: &owners[2]})
	for i := range owners {
		if n := owners[i].count(); n != 1 {
			t.Errorf("owner %d released %d times, want once", i, n)
		}
	}
}

// countingOwner counts its releases.
type countingOwner struct {
	mu sync.Mutex
	n  int
}

func (o *countingOwner) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
}

func (o *countingOwner) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}

// A handler that panics takes the process down, after a line that says what it
// was serving.
func TestHandlerPanicIsNotSwallowed(t *testing.T) {
	var log logBuffer
	near, far := net.Pipe()
	defer func() { _ = near.Close() }()
	s := New(Config{Log: log.logger()}, newTestHandler())
	defer s.Close()
	c := newConn(s, far, Listener{})
	defer c.close()
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
		log.wait(t, "handler panicked")
	}()
	c.run(&frame{key: 3, api: &API{Serve: func(*Request) { panic("broken") }}}, new(Request))
}
