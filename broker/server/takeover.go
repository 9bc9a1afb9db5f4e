package server

import (
	"bufio"
	"net"
	"sync"
)

// handOver gives the connection away once nothing is in flight, and waits until
// it is closed by whoever took it, or by the server.
func (c *Conn) handOver() error {
	c.mu.Lock()
	for !c.closed && !c.draining && (c.q.len() > 0 || c.busy) {
		c.room.Wait()
	}
	closed, draining := c.closed, c.draining
	c.mu.Unlock()
	switch {
	case closed:
		return errClosed
	case draining:
		return errDraining
	}
	c.taken.Store(true)
	given := &takenConn{Conn: c.nc, br: c.in.br, closed: make(chan struct{})}
	c.in.handOver(given)
	select {
	case <-given.closed:
	case <-c.ctx.Done():
	}
	return errClosed
}

// takenConn is a connection that was handed over, beginning with what the
// server had read of it in advance.
type takenConn struct {
	net.Conn
	br     *bufio.Reader
	once   sync.Once
	closed chan struct{}
}

// Read implements net.Conn.
func (t *takenConn) Read(p []byte) (int, error) { return t.br.Read(p) }

// Close implements net.Conn.
func (t *takenConn) Close() error {
	err := net.ErrClosed
	t.once.Do(func() {
		err = t.Conn.Close()
		close(t.closed)
	})
	return err
}
