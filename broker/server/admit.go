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
	if s.places != nil {
		// Past the limit the accepted connection waits here, and those after it
		// in the listener's backlog.
		select {
		case s.places <- struct{}{}:
		case <-s.stop:
			_ = nc.Close()
			return
		}
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		// A peer that vanished without a word is noticed within a minute, also
		// by a connection that only waits to answer a long poll.
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3,
		})
	}
	c := newConn(s, nc, info)
	c.limited = s.places != nil
	if host, _, err := net.SplitHostPort(nc.RemoteAddr().String()); err == nil && s.cfg.ConnectionsPerIPMax > 0 {
		c.ip = host
	}
	if err := s.start(c); err != nil {
		s.refusals.Log(s.cfg.Log, slog.LevelWarn, s.cfg.Clock.Now(), "connection refused", "listener", info.Name, "client", nc.RemoteAddr().String(), "reason", err)
	}
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
	case c.ip != "" && s.perIP[c.ip] >= s.cfg.ConnectionsPerIPMax:
		err = fmt.Errorf("%w: %d", errPerIP, s.perIP[c.ip])
	}
	if err != nil {
		s.mu.Unlock()
		if c.limited {
			<-s.places
		}
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
	if c.limited {
		<-s.places
	}
	if s.empty != nil && len(s.conns) == 0 {
		select {
		case <-s.empty:
		default:
			close(s.empty)
		}
	}
}
