package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seawallmq/seawall/internal/budget"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testKeys of the handler below.
const (
	keyEcho  = 0 // pooled body, answered at once by its own bytes
	keyHold  = 1 // pooled body, answered when the test says so
	keyOwned = 3 // decoded body, at most 1 MiB
	keyDone  = 4 // no response
	keyWait  = 5 // blocking
	keyBig   = 6 // answered by as many bytes as the body says
	keyPriv  = 20000
)

// testHandler serves the keys above; versions 0 to 1, 1 is flexible.
type testHandler struct {
	held    chan Ticket
	release chan struct{} // lets keyWait go on
	apis    map[int16]*API
}

func newTestHandler() *testHandler {
	h := &testHandler{held: make(chan Ticket, 10000), release: make(chan struct{})}
	echo := func(r *Request) { r.Ticket().Respond(Response{Head: bytes.Clone(r.Body)}) }
	h.apis = map[int16]*API{
		keyEcho:  {Serve: echo},
		keyHold:  {Serve: func(r *Request) { h.held <- r.Ticket() }},
		keyOwned: {Serve: echo, DecodeFactor: 100, FrameBytesMax: 1 << 20},
		keyDone:  {Serve: func(r *Request) { r.Ticket().Done() }},
		keyWait: {Blocking: true, Serve: func(r *Request) {
			select {
			case <-h.release:
			case <-r.Context().Done():
			}
			echo(r)
		}},
		keyBig: {Serve: func(r *Request) {
			n := binary.BigEndian.Uint32(r.Body)
			r.Ticket().Respond(Response{Head: []byte{1}, Segments: [][]byte{make([]byte, n/2), make([]byte, n-n/2-1)}})
		}},
		keyPriv: {Serve: echo, Private: true},
	}
	for key, a := range h.apis {
		a.Key, a.MaxVersion, a.FlexibleVersion = key, 1, 1
	}
	return h
}

func (h *testHandler) API(key int16) *API { return h.apis[key] }

// testServer is a server on a loopback port with its handler.
type testServer struct {
	*Server
	h        *testHandler
	addr     string
	requests *budget.Account
	decoded  *budget.Account
	served   chan error
}

func startServer(t testing.TB, cfg Config, edit ...func(*testHandler)) *testServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startServerOn(t, cfg, l, edit...)
}

func startServerOn(t testing.TB, cfg Config, l net.Listener, edit ...func(*testHandler)) *testServer {
	t.Helper()
	h := newTestHandler()
	for _, f := range edit {
		f(h)
	}
	b := budget.New(1 << 30)
	if cfg.Requests == nil {
		cfg.Requests = b.Account("requests", 64<<20)
	}
	if cfg.Decoded == nil {
		cfg.Decoded = b.Account("decoded", 64<<20)
	}
	s := &testServer{Server: New(cfg, h), h: h, addr: l.Addr().String(),
		requests: cfg.Requests, decoded: cfg.Decoded, served: make(chan error, 1)}
	go func() { s.served <- s.Serve(l, Listener{Name: "TEST"}) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-s.served; !errors.Is(err, ErrClosed) {
			t.Errorf("Serve returned %v, want ErrClosed", err)
		}
		if n := s.Connections(); n != 0 {
			t.Errorf("%d connections after Close", n)
		}
	})
	return s
}

// client is a raw client of the protocol.
type client struct {
	t testing.TB
	net.Conn
	next int32 // correlation id
}

func (s *testServer) dial(t testing.TB) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t: t, Conn: nc}
}

// frameOf encodes a request with client id "c".
func frameOf(key, version int16, correlationID int32, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(correlationID))
	b = append(b, 0, 1, 'c')
	if version >= 1 {
		b = append(b, 0)
	}
	b = append(b, body...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// send sends a request of version 0 and returns its correlation id.
func (c *client) send(key int16, body string) int32 {
	c.t.Helper()
	c.next++
	c.write(frameOf(key, 0, c.next, []byte(body)))
	return c.next
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// receive reads one response of header version 0.
func (c *client) receive() (correlationID int32, body []byte) {
	c.t.Helper()
	correlationID, body, err := c.tryReceive()
	if err != nil {
		c.t.Fatal(err)
	}
	return correlationID, body
}

func (c *client) tryReceive() (correlationID int32, body []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[:])-4)
	_, err = io.ReadFull(c, body)
	return int32(binary.BigEndian.Uint32(head[4:])), body, err
}

func (c *client) want(correlationID int32, body string) {
	c.t.Helper()
	id, b := c.receive()
	if id != correlationID || string(b) != body {
		c.t.Fatalf("received %d %.40q, want %d %.40q", id, b, correlationID, body)
	}
}

// wantClosed reads until the server closes the connection.
func (c *client) wantClosed() {
	c.t.Helper()
	n, err := io.Copy(io.Discard, c)
	if n != 0 {
		c.t.Fatalf("received %d bytes, want none", n)
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		c.t.Fatal("connection still open")
	}
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestEcho(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	for range 3 {
		c.want(c.send(keyEcho, "hello"), "hello")
	}
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 })
}

// Answers leave in request order whatever the order of their completion.
func TestOrderOfResponses(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	const n = 200
	var ids [n]int32
	var tickets [n]Ticket
	for i := range n {
		ids[i] = c.send(keyHold, "")
		tickets[i] = <-s.h.held
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := n - 1 - w; i >= 0; i -= 4 {
				tickets[i].Respond(Response{Head: []byte{byte(i)}})
			}
		})
	}
	for i := range n {
		c.want(ids[i], string([]byte{byte(i)}))
	}
	wg.Wait()
}

// A request without a response leaves no gap in the order.
func TestDoneSendsNothing(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	first := c.send(keyHold, "")
	c.send(keyDone, "")
	c.send(keyDone, "")
	last := c.send(keyEcho, "last")
	(<-s.h.held).Respond(Response{Head: []byte("first")})
	c.want(first, "first")
	c.want(last, "last")
	c.send(keyDone, "")
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 })
}

// Flexible versions have tagged fields in both headers.
func TestFlexibleHeaders(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	f := frameOf(keyEcho, 1, 7, []byte("body"))
	tags := []byte{2, 0, 3, 'a', 'b', 'c', 9, 0}
	at := bytes.Index(f, []byte("c\x00body")) + 1
	f = append(append(append([]byte{}, f[:at]...), tags...), "body"...)
	binary.BigEndian.PutUint32(f, uint32(len(f)-4))
	c.write(f)
	c.want(7, "\x00body")
}

func TestPanicOnSecondAnswer(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	id := c.send(keyHold, "")
	ticket := <-s.h.held
	ticket.Respond(Response{})
	c.want(id, "")
	defer func() {
		if recover() == nil {
			t.Error("the second answer did not panic")
		}
	}()
	ticket.Done()
}
