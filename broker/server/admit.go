package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// admit starts serving an accepted connection if the limits let it.
func (s *Server) admit(nc net.Conn, info Listener) {
	// Past the limit the accepted connection waits here, and those after it in
	// the listener's backlog.
	if !s.takePlace() {
		_ = nc.Close()
		return
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		// A peer that vanished without a word is noticed within a minute, also
		// by a connection that only waits to answer a long poll.
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3,
		})
	}
	c := newConn(s, nc, info)
	c.limited = true
	if host, _, err := net.SplitHostPort(nc.RemoteAddr().String()); err == nil {
		c.ip = host
	}
	if err := s.start(c); err != nil {
		s.refusals.Log(s.cfg.Log, slog.LevelWarn, s.cfg.Clock.Now(), "connection refused", "listener", info.Name, "client", nc.RemoteAddr().String(), "reason", err)
	}
}

// SetLimits changes how many connections there may be, in all and from one
// address; zero or less is without a limit. Those that are open stay.
func (s *Server) SetLimits(connectionsMax, perIPMax int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connectionsMax, s.perIPMax = connectionsMax, perIPMax
	s.tellFreed()
}

// takePlace waits for a place among the connections; false if the server stops
// before.
func (s *Server) takePlace() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.connectionsMax > 0 && s.taken >= s.connectionsMax {
		freed := s.freed
		s.mu.Unlock()
		select {
		case <-freed:
			s.mu.Lock()
		case <-s.stop:
			s.mu.Lock()
			return false
		}
	}
	s.taken++
	return true
}

// freePlace gives back the place of a connection. Caller holds s.mu.
func (s *Server) freePlace(c *Conn) {
	if c.limited {
		s.taken--
		s.tellFreed()
	}
}

// tellFreed wakes who waits for a place. Caller holds s.mu.
func (s *Server) tellFreed() {
	close(s.freed)
	s.freed = make(chan struct{})
}

var errPerIP = errors.New("too many connections from this address")

// start registers a connection and starts its reader. When it may not, the
// connection is closed.
func (s *Server) start(c *Conn) error {
	s.mu.Lock()
	var err error
	switch {
	case s.stopped:
		err = ErrClosed
	case c.ip != "" && s.perIPMax > 0 && s.perIP[c.ip] >= s.perIPMax:
		err = fmt.Errorf("%w: %d", errPerIP, s.perIP[c.ip])
	}
	if err != nil {
		s.freePlace(c)
		s.mu.Unlock()
		c.cancel()
		_ = c.nc.Close()
		return err
	}
	s.conns[c] = struct{}{}
	if c.ip != "" {
		s.perIP[c.ip]++
	}
	c.id = s.nextID.Add(1)
	s.wg.Add(1)
	s.mu.Unlock()
	go c.readLoop()
	return nil
}

// forget frees what a closed connection held of the limits.
func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.ip != "" {
		if s.perIP[c.ip]--; s.perIP[c.ip] == 0 {
			delete(s.perIP, c.ip)
		}
	}
	s.freePlace(c)
	if s.empty != nil && len(s.conns) == 0 {
		select {
		case <-s.empty:
		default:
			close(s.empty)
		}
	}
}
