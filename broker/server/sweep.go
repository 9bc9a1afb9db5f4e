package server

import (
	"errors"
	"time"
)

var (
	errFrameStalled  = errors.New("a frame or handshake was not finished in time")
	errClientStalled = errors.New("the client stopped reading its responses")
)

// sweepEvery is the time between two sweeps: a limit is kept to a quarter.
func (s *Server) sweepEvery() time.Duration {
	every := s.cfg.FrameMax
	if s.cfg.IdleMax > 0 {
		every = min(every, s.cfg.IdleMax)
	}
	return min(max(every/4, time.Millisecond), 10*time.Second)
}

// sweep closes the connections that are past a time limit. One pass over all
// of them every few seconds is cheaper than deadlines on every read.
func (s *Server) sweep() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	now := s.now()
	for _, c := range conns {
		c.judge(now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.timer = s.cfg.Clock.AfterFunc(s.sweepEvery(), s.sweep)
	}
}

// judge closes the connection if it is past a time limit.
func (c *Conn) judge(now int64) {
	if c.taken.Load() {
		return
	}
	idleMax := int64(c.srv.cfg.IdleMax)
	if deadline := c.reading.Load(); deadline != 0 && now > deadline {
		c.fail(errFrameStalled)
		return
	}
	if idleMax < 0 {
		return
	}
	if since := c.writing.Load(); since != 0 && now-since > idleMax {
		c.fail(errClientStalled)
		return
	}
	if now-c.active.Load() <= idleMax {
		return
	}
	c.mu.Lock()
	idle := c.q.len() == 0 && !c.busy
	c.mu.Unlock()
	if idle && c.close() {
		c.srv.cfg.Log.Debug("idle connection closed", "listener", c.listener.Name, "client", c.RemoteAddr().String())
	}
}
