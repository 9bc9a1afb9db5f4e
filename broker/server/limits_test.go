package server

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
)

// Past the budget of request bytes the server stops reading; it goes on when
// requests are answered or their bodies released.
func TestBudgetStopsReading(t *testing.T) {
	b := budget.New(1 << 20)
	s := startServer(t, Config{Requests: b.Account("requests", 100<<10)})
	body := strings.Repeat("x", 30<<10) // 32 KiB as a buffer
	c := s.dial(t)
	for range 3 {
		c.send(keyHold, body)
	}
	other := s.dial(t)
	other.send(keyHold, body)
	tickets := []Ticket{<-s.h.held, <-s.h.held, <-s.h.held}
	select {
	case <-s.h.held:
		t.Fatal("a fourth request was read past the budget")
	default:
	}
	if used := s.requests.Used(); used > 100<<10 || used < 90<<10 {
		t.Errorf("%d bytes held by three requests", used)
	}
	tickets[0].Respond(Response{})
	fourth := <-s.h.held
	for _, ticket := range append(tickets[1:], fourth) {
		ticket.Respond(Response{})
	}
	for id := range int32(3) {
		c.want(id+1, "")
	}
	other.want(1, "")
	eventually(t, "budget free", func() bool { return s.requests.Used() == 0 })
}

// Clients that announce large frames and send nothing of them cost no more than
// the budget, and leave room for others.
func TestAnnouncedFrames(t *testing.T) {
	s := startServer(t, Config{}) // 64 MiB
	for range 20 {
		s.dial(t).write(prefix(20<<20, keyEcho, 0, 1, 2, 3))
	}
	eventually(t, "two of them to be read", func() bool { return s.requests.Used() > 40<<20 })
	c := s.dial(t)
	body := strings.Repeat("x", 1<<20)
	for range 5 {
		c.want(c.send(keyEcho, body), body)
	}
	if used := s.requests.Used(); used > 48<<20 {
		t.Errorf("%d bytes held for frames that do not come", used)
	}
}

// A request larger than the whole account is served, alone.
func TestRequestLargerThanTheBudget(t *testing.T) {
	b := budget.New(1 << 20)
	s := startServer(t, Config{Requests: b.Account("requests", 64<<10), Decoded: b.Account("decoded", 64<<10)})
	c := s.dial(t)
	body := strings.Repeat("x", 300<<10)
	c.want(c.send(keyEcho, body), body)
	c.want(c.send(keyOwned, body), body)
}

// What decoding may cost is paid for in advance and corrected afterwards.
func TestDecodedBytes(t *testing.T) {
	decoded := budget.New(1<<30).Account("decoded", 64<<20)
	seen := make(chan int64, 2)
	s := startServer(t, Config{Decoded: decoded}, func(h *testHandler) {
		h.apis[keyOwned].Serve = func(r *Request) {
			seen <- decoded.Used()
			r.DecodedTo(5000)
			seen <- decoded.Used()
			r.Ticket().Respond(Response{})
		}
	})
	c := s.dial(t)
	c.want(c.send(keyOwned, strings.Repeat("x", 2000)), "")
	before, after := <-seen, <-seen
	if before < 200_000 || after != 5000 {
		t.Errorf("decoded bytes held: %d, then %d; want 100 a byte of the frame, then 5000", before, after)
	}
	eventually(t, "budget free", func() bool { return decoded.Used() == 0 })
}

// A body that is freed early is paid for no longer, and its memory serves others
// before the answer.
func TestFreedBody(t *testing.T) {
	s := startServer(t, Config{}, func(h *testHandler) {
		h.apis[keyHold].Serve = func(r *Request) {
			r.FreeBody()
			h.held <- r.Ticket()
		}
	})
	c := s.dial(t)
	const requests = 3
	for range requests {
		c.send(keyHold, strings.Repeat("x", 300<<10))
	}
	for id := range int32(requests) {
		ticket := <-s.h.held
		if used := s.requests.Used(); id == requests-1 && used != 0 {
			t.Errorf("%d bytes held by requests without bodies", used)
		}
		ticket.Respond(Response{})
		c.want(id+1, "")
	}
}

func TestInFlightLimit(t *testing.T) {
	s := startServer(t, Config{InFlightMax: 4})
	c := s.dial(t)
	for range 10 {
		c.send(keyHold, "")
	}
	for i := range 10 {
		ticket := <-s.h.held
		eventually(t, "the reader to fill what is allowed", func() bool {
			return len(s.h.held) == min(3, 10-i-1)
		})
		ticket.Respond(Response{})
		c.want(int32(i+1), "")
	}
}

func TestInFlightBytesLimit(t *testing.T) {
	s := startServer(t, Config{InFlightBytesMax: 10_000})
	c := s.dial(t)
	for range 3 {
		c.send(keyHold, strings.Repeat("x", 4_900))
	}
	c.send(keyHold, strings.Repeat("x", 50_000)) // alone, it may pass
	first, second := <-s.h.held, <-s.h.held
	if len(s.h.held) != 0 {
		t.Error("a third request was read past the limit of bytes")
	}
	first.Respond(Response{})
	third := <-s.h.held
	second.Respond(Response{})
	third.Respond(Response{})
	(<-s.h.held).Respond(Response{})
	for id := range int32(4) {
		c.want(id+1, "")
	}
}

func TestConnectionLimit(t *testing.T) {
	s := startServer(t, Config{ConnectionsMax: 2})
	a, b := s.dial(t), s.dial(t)
	a.want(a.send(keyEcho, "a"), "a")
	b.want(b.send(keyEcho, "b"), "b")
	third := s.dial(t)
	id := third.send(keyEcho, "c")
	if n := s.Connections(); n != 2 {
		t.Errorf("%d connections served, limit is 2", n)
	}
	_ = a.Close()
	third.want(id, "c")
}

func TestConnectionLimitPerAddress(t *testing.T) {
	var log logBuffer
	s := startServer(t, Config{ConnectionsPerIPMax: 2, Log: log.logger()})
	a, b := s.dial(t), s.dial(t)
	a.want(a.send(keyEcho, "a"), "a")
	b.want(b.send(keyEcho, "b"), "b")
	s.dial(t).wantClosed()
	log.wait(t, "too many connections")
	_ = a.Close()
	eventually(t, "the place of the first", func() bool { return s.Connections() == 1 })
	c := s.dial(t)
	c.want(c.send(keyEcho, "c"), "c")
}

// Requests behind one in a blocking handler start after it, as on Kafka; those
// of other connections do not wait, unless for a place.
func TestBlockingHandlers(t *testing.T) {
	s := startServer(t, Config{BlockingMax: 1})
	a, b, c := s.dial(t), s.dial(t), s.dial(t)
	a.send(keyWait, "a1")
	a.send(keyHold, "")
	c.want(c.send(keyEcho, "c"), "c")
	b.send(keyWait, "b1")
	if len(s.h.held) != 0 {
		t.Error("a request overtook the one before it")
	}
	s.h.release <- struct{}{}
	s.h.release <- struct{}{}
	a.want(1, "a1")
	b.want(1, "b1")
	(<-s.h.held).Respond(Response{})
	a.want(2, "")
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	manual := clock.NewManual(time.Unix(1e9, 0))
	s := startServer(t, Config{Clock: manual, IdleMax: time.Minute})
	idle, waiting, live := s.dial(t), s.dial(t), s.dial(t)
	for _, c := range []*client{idle, waiting, live} {
		c.want(c.send(keyEcho, ""), "")
		eventually(t, "the completer to be done", func() bool { return s.connOf(c).finishedWriting() })
	}
	waiting.send(keyHold, "")
	ticket := <-s.h.held
	manual.Advance(50 * time.Second)
	live.want(live.send(keyEcho, ""), "")
	manual.Advance(50 * time.Second)
	idle.wantClosed()
	ticket.Respond(Response{Head: []byte("not idle")})
	waiting.want(2, "not idle")
	live.want(live.send(keyEcho, ""), "")
}

// A frame that does not come to its end closes the connection, even when bytes
// of it trickle in.
func TestStalledFrame(t *testing.T) {
	for _, n := range []int{3, 20} {
		var log logBuffer
		manual := clock.NewManual(time.Unix(1e9, 0))
		s := startServer(t, Config{Clock: manual, Log: log.logger(), FrameMax: 10 * time.Second})
		c := s.dial(t)
		f := frameOf(keyEcho, 0, 1, bytes.Repeat([]byte("x"), 100))
		c.write(f[:n])
		eventually(t, "the server to see the frame begin", func() bool { return s.anyReading() })
		manual.Advance(8 * time.Second)
		c.write(f[n : n+1])
		manual.Advance(8 * time.Second)
		c.wantClosed()
		log.wait(t, errFrameStalled.Error())
	}
}

func (c *Conn) finishedWriting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.q.len() == 0 && !c.busy
}

func (s *testServer) anyReading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.reading.Load() != 0 {
			return true
		}
	}
	return false
}

// brokenListener fails to accept n times, then is closed.
type brokenListener struct {
	net.Listener
	mu    sync.Mutex
	n     int
	tries chan struct{}
}

func (l *brokenListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n > 0 {
		l.n--
		l.tries <- struct{}{}
		return nil, errors.New("accept: too many open files")
	}
	return l.Listener.Accept()
}

// A listener that cannot accept for a while is tried again, ever more slowly.
func TestAcceptBacksOff(t *testing.T) {
	var log logBuffer
	manual := clock.NewManual(time.Unix(1e9, 0))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broken := &brokenListener{Listener: l, n: 3, tries: make(chan struct{}, 3)}
	s := startServerOn(t, Config{Clock: manual, Log: log.logger()}, broken)
	for _, delay := range []time.Duration{5, 10, 20} {
		<-broken.tries
		eventually(t, "the listener to wait", func() bool {
			at, ok := manual.Next()
			return ok && at.Sub(manual.Now()) == delay*time.Millisecond
		})
		manual.Advance(delay * time.Millisecond)
	}
	c := s.dial(t)
	c.want(c.send(keyEcho, "up again"), "up again")
	if n := strings.Count(log.String(), "accept failed"); n != 3 {
		t.Errorf("%d lines about accept, want 3", n)
	}
}
