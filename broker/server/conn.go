package server

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one client's connection.
type Conn struct {
	id       uint64
	srv      *Server
	nc       net.Conn
	listener Listener
	ip       string // for the limit by address; "" when not counted
	limited  bool   // counts against the limit of connections
	ctx      context.Context
	cancel   context.CancelFunc
	software atomic.Pointer[software]

	// Marks for the sweep, in nanoseconds of the clock; zero is none.
	active  atomic.Int64 // last byte read, or response handed over
	reading atomic.Int64 // deadline of the frame being read
	writing atomic.Int64 // last progress of a writer that had to wait
	taken   atomic.Bool  // handed over: no limit of time holds any more

	in inbound // the reader's

	mu       sync.Mutex
	room     sync.Cond // signalled when the reader may go on
	q        queue
	inBytes  int  // frames unanswered
	outBytes int  // responses answered, not yet taken by the socket
	busy     bool // a goroutine holds the right to write, and with it out
	draining bool // no more requests: close when nothing is in flight
	closed   bool

	out outbound
}

type software struct{ name, version string }

var (
	errClosed   = errors.New("connection closed")
	errDraining = errors.New("server draining")
)

// ID numbers the connections of a server; it is never used again.
func (c *Conn) ID() uint64 { return c.id }

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// LocalAddr is the address the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// Listener is the listener it came by.
func (c *Conn) Listener() Listener { return c.listener }

// Software is the client library's name and version as it gave them by
// ApiVersions, empty before and for old ones.
func (c *Conn) Software() (name, version string) {
	if s := c.software.Load(); s != nil {
		return s.name, s.version
	}
	return "", ""
}

// SetSoftware remembers the client library's name and version.
func (c *Conn) SetSoftware(name, version string) {
	c.software.Store(&software{name, version})
}

func newConn(s *Server, nc net.Conn, l Listener) *Conn {
	c := &Conn{srv: s, nc: nc, listener: l}
	c.room.L = &c.mu
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.in.br = bufio.NewReaderSize(nc, readBufferBytes)
	c.out.raw = newRawWriter(nc)
	c.active.Store(s.now())
	return c
}

// waitRoom waits until the connection may have one more request of n bytes.
func (c *Conn) waitRoom(n int) error {
	cfg := &c.srv.cfg
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && !c.draining && (c.q.len() >= cfg.InFlightMax || c.outBytes > cfg.OutBytesMax ||
		(c.inBytes > 0 && c.inBytes+n > cfg.InFlightBytesMax)) {
		c.room.Wait()
	}
	switch {
	case c.closed:
		return errClosed
	case c.draining:
		return errDraining
	}
	return nil
}

// fail closes the connection because of err, which is logged.
func (c *Conn) fail(err error) {
	if c.close() {
		c.srv.failures.Log(c.srv.cfg.Log, slog.LevelWarn, c.srv.cfg.Clock.Now(), "connection closed", "listener", c.listener.Name,
			"client", c.RemoteAddr().String(), "reason", err)
	}
}

// close ends the connection at once and says whether it was open. Answers that
// wait are dropped, later ones too.
func (c *Conn) close() bool {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.closed = true
	var dropped []Response
	for seq := c.q.head; seq != c.q.next; seq++ {
		if r := c.q.at(seq); r.done {
			dropped = append(dropped, r.resp)
			r.resp = Response{}
		}
	}
	c.room.Broadcast()
	c.mu.Unlock()
	c.cancel()
	_ = c.nc.Close() // wakes reader and writer; there is no one to tell of an error
	for i := range dropped {
		dropped[i].release()
	}
	c.srv.forget(c)
	return true
}

// drain lets the connection finish what is in flight and then closes it.
func (c *Conn) drain() {
	c.mu.Lock()
	c.draining = true
	finished := c.finished()
	c.room.Broadcast()
	c.mu.Unlock()
	if finished {
		c.close()
		return
	}
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // wakes a reader that waits for a frame
}

// finished says that a draining connection has nothing left to do. The caller
// holds c.mu.
func (c *Conn) finished() bool { return c.draining && c.q.len() == 0 && !c.busy }
