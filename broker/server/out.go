package server

import "github.com/seawallmq/seawall/internal/invariant"

const (
	inlineBytesMax = 64 << 10  // a completer leaves more than this to the writer
	inlineRounds   = 4         // and so many writes in a row
	batchBytes     = 128 << 10 // responses gathered for one write
	batchMax       = 64
)

// complete answers t's request; respond says whether bytes leave. The caller's
// right to answer makes its reads of the request safe until done is set.
func (c *Conn) complete(t Ticket, resp Response, respond bool) {
	r := t.r
	c.mu.Lock()
	if r.seq != t.seq || r.done {
		c.mu.Unlock()
		invariant.Check(false, "a request (now key %d) was answered twice", r.Key)
	}
	r.done = true
	r.resp = resp
	r.wire = 0
	if respond {
		r.wire = responseHeaderBytes(r.flexibleResponse()) + resp.bytes()
	}
	held := r.memory
	r.memory, r.Body = memory{}, nil
	switch {
	case c.closed:
		r.resp = Response{}
		c.mu.Unlock()
		resp.release()
	case c.busy || r.seq != c.q.head:
		c.outBytes += r.wire
		c.mu.Unlock() // the holder of busy, or the oldest request, takes it along
	default:
		c.outBytes += r.wire
		c.busy = true
		c.flush()
	}
	held.release()
}

// flush writes what is ready without waiting for the client; what would have
// to wait goes to a writer goroutine. It is called with c.mu held and c.busy
// taken, and releases c.mu; busy passes on to the writer or is given up.
func (c *Conn) flush() {
	for round := 0; c.gather(); round++ {
		c.mu.Unlock()
		c.out.lay()
		if c.out.raw != nil && c.out.bytes <= inlineBytesMax && round < inlineRounds {
			if err := c.out.tryWrite(); err != nil {
				c.fail(err)
			}
		}
		c.mu.Lock()
		if len(c.out.bufs) > 0 && !c.closed {
			c.startWriter()
			return
		}
		c.settle()
	}
	c.rest()
}

// startWriter hands what is laid out to a writer goroutine. It is called with
// c.mu held, on an open connection (so that Server.Close cannot have begun to
// wait for the writers), and releases it.
func (c *Conn) startWriter() {
	c.srv.wg.Add(1)
	c.mu.Unlock()
	go c.writeLoop()
}

// writeLoop is the writer goroutine: it writes what is laid out and all that
// becomes ready meanwhile.
func (c *Conn) writeLoop() {
	defer c.srv.wg.Done()
	for {
		if err := c.writeOut(); err != nil {
			c.fail(err)
		}
		c.mu.Lock()
		c.settle()
		if !c.gather() {
			c.rest()
			return
		}
		c.mu.Unlock()
		c.out.lay()
	}
}

// rest gives up busy. It is called with c.mu held and releases it.
func (c *Conn) rest() {
	c.busy = false
	c.room.Signal() // one who waits to hand the connection over
	finished := c.finished()
	c.mu.Unlock()
	if finished {
		c.close()
	}
}

// gather takes answered requests off the queue, in order, and says whether
// there were any. The caller holds c.mu and busy.
func (c *Conn) gather() bool {
	o := &c.out
	for !c.closed && len(o.resps) < batchMax && o.bytes < batchBytes {
		r := c.q.peek()
		if r == nil {
			break
		}
		o.take(r)
		c.inBytes -= r.bytes
		c.q.pop()
	}
	if len(o.resps) == 0 {
		return false
	}
	c.room.Signal()
	return true
}

// settle ends a batch: its bytes were written, or the connection is closed. It
// is called with c.mu and busy held; the lock is open while responses are
// released and reported.
func (c *Conn) settle() {
	c.outBytes -= c.out.bytes
	c.room.Signal()
	c.mu.Unlock()
	now := c.srv.cfg.Clock.Now()
	c.active.Store(now.UnixNano())
	observe := c.srv.cfg.Observe
	for i := range c.out.resps {
		resp := &c.out.resps[i]
		if observe != nil {
			observe(Sample{
				Key: resp.key, RequestBytes: resp.requestBytes, ResponseBytes: resp.wire,
				Latency: now.Sub(resp.arrived),
			})
		}
		resp.release()
	}
	c.out.reset()
	c.mu.Lock()
}
