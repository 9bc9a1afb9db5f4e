package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/lograte"
)

// ErrClosed is what Serve returns after Drain or Close.
var ErrClosed = errors.New("server closed")

// Server accepts connections and serves their requests.
type Server struct {
	cfg      Config
	handler  Handler
	blocking chan struct{} // places of blocking handlers
	large    *budget.Account
	nextID   atomic.Uint64
	stop     chan struct{} // closed when no more connections are accepted
	wg       sync.WaitGroup

	// One line for each connection would let anybody flood the log.
	refusals, failures lograte.Limiter

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*Conn]struct{}
	perIP     map[string]int

	// The limits in force, and what counts against them.
	connectionsMax, perIPMax int           // zero or less: no limit
	taken                    int           // of connectionsMax
	freed                    chan struct{} // closed and replaced when there may be room

	stopped bool
	closed  bool
	empty   chan struct{} // set by Drain, closed when conns is empty
	timer   clock.Timer
}

// connLinesBurst are the connections that are logged one by one; of a flood of
// bad ones, only how many there were.
const connLinesBurst = 32

// New makes a server that has its requests served by h. It accepts nothing
// before Serve or ServeConn.
func New(cfg Config, h Handler) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg:       cfg,
		refusals:  lograte.Limiter{Burst: connLinesBurst},
		failures:  lograte.Limiter{Burst: connLinesBurst},
		handler:   h,
		blocking:  make(chan struct{}, cfg.BlockingMax),
		stop:      make(chan struct{}),
		listeners: make(map[net.Listener]struct{}),
		conns:     make(map[*Conn]struct{}),
		perIP:     make(map[string]int),
		freed:     make(chan struct{}),
	}
	large := cfg.Requests.Limit() / 4 * largeQuarters
	s.large = budget.New(large).Account("server.large", large)
	s.connectionsMax, s.perIPMax = cfg.ConnectionsMax, cfg.ConnectionsPerIPMax
	s.mu.Lock()
	s.timer = cfg.Clock.AfterFunc(s.sweepEvery(), s.sweep)
	s.mu.Unlock()
	return s
}

// Serve accepts connections from l, which it closes at the end, until the
// server is drained or closed; then it returns ErrClosed.
func (s *Server) Serve(l net.Listener, info Listener) error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		_ = l.Close()
		return ErrClosed
	}
	s.listeners[l] = struct{}{}
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	retry := clock.Backoff{Min: 5 * time.Millisecond, Max: time.Second}
	for {
		nc, err := l.Accept()
		if err == nil {
			retry.Reset()
			s.admit(nc, info)
			continue
		}
		if s.stopping() {
			return ErrClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("accept on %s: %w", info.Name, err)
		}
		// Out of descriptors, most likely: let some connections go first.
		delay := retry.Next()
		s.cfg.Log.Error("accept failed", "listener", info.Name, "retry_in", delay, "error", err)
		if s.pause(delay) {
			return ErrClosed
		}
	}
}

// ServeConn serves one connection that did not come by a listener, such as one
// end of a net.Pipe. It returns at once and does not count towards the limits
// of connections.
func (s *Server) ServeConn(nc net.Conn, info Listener) error {
	return s.start(newConn(s, nc, info))
}

// Drain accepts no more connections and requests, lets the requests in flight
// be answered and closes each connection when it has nothing left to do. It
// returns when all are closed, or ctx's error when that comes first; Close must
// follow.
func (s *Server) Drain(ctx context.Context) error {
	conns := s.halt()
	s.mu.Lock()
	if s.empty == nil {
		s.empty = make(chan struct{})
		if len(s.conns) == 0 {
			close(s.empty)
		}
	}
	empty := s.empty
	s.mu.Unlock()
	for _, c := range conns {
		c.drain()
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("draining connections: %w", ctx.Err())
	}
}

// Close closes all listeners and connections at once and waits for the
// goroutines. Handlers may still answer their tickets afterwards, in vain.
func (s *Server) Close() {
	conns := s.halt()
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	s.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	s.wg.Wait()
}

// Connections is how many connections are open.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// halt stops accepting and returns the connections there are.
func (s *Server) halt() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		close(s.stop)
		for l := range s.listeners {
			_ = l.Close()
		}
	}
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

func (s *Server) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// pause waits for d and says whether the server stopped meanwhile.
func (s *Server) pause(d time.Duration) bool {
	over := make(chan struct{})
	t := s.cfg.Clock.AfterFunc(d, func() { close(over) })
	defer t.Stop()
	select {
	case <-over:
		return false
	case <-s.stop:
		return true
	}
}

// now is the clock's time in nanoseconds, for the marks of connections.
func (s *Server) now() int64 { return s.cfg.Clock.Now().UnixNano() }

// enterBlocking waits for a place among the blocking handlers.
func (s *Server) enterBlocking(c *Conn) error {
	select {
	case s.blocking <- struct{}{}:
		return nil
	case <-c.ctx.Done():
		return errClosed
	}
}

func (s *Server) leaveBlocking() { <-s.blocking }
