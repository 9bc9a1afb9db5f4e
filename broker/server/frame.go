package server

import (
	"errors"
	"fmt"
	"io"

	"github.com/seawallmq/seawall/internal/budget"
)

// requestBytes stands for what a request costs besides its frame.
const requestBytes = 256

// Frames above largeBytes share three quarters of the request budget, so that
// clients which announce large frames and do not send them cannot keep others
// from sending ordinary ones.
const (
	largeBytes    = 2 << 20
	largeQuarters = 3
)

// frame is a request on its way from the socket to its place in the queue.
type frame struct {
	n            int // bytes after the length prefix
	key, version int16
	api          *API
	buf          *Buffer // memory of body, if pooled
	body         []byte  // from the correlation id on
	leases
}

// leases are what a request holds of the budgets.
type leases struct {
	frame   lease
	large   lease // of the part that large frames may have
	decoded lease // for what the frame is decoded to
}

func (l *leases) release() {
	l.frame.lower(0)
	l.large.lower(0)
	l.decoded.lower(0)
}

// pay takes the frame's bytes, and what decoding may make of them, from the
// budgets. The order is the same for all: large, frame, decoded; so nobody
// waits for one who waits for him.
func (f *frame) pay(c *Conn) error {
	account := c.listener.Requests
	if account == nil {
		account = c.srv.cfg.Requests
	}
	n := f.n
	if f.api.DecodeFactor == 0 {
		n = bufferBytes(f.n)
	}
	var err error
	if n > largeBytes && account == c.srv.cfg.Requests {
		err = f.large.take(c, c.srv.large, int64(n))
	}
	if err == nil {
		err = f.frame.take(c, account, int64(n+requestBytes))
	}
	worst := int64(f.n) * int64(f.api.DecodeFactor)
	if err == nil && worst > decodeFreeBytes {
		err = f.decoded.take(c, c.srv.cfg.Decoded, worst)
	}
	if err != nil {
		f.release()
	}
	return err
}

// read reads the frame's body into memory of its own, or only its beginning where
// the API reads the rest.
func (f *frame) read(c *Conn) error {
	n := f.n - (prefixBytes - 4)
	if f.api.DecodeFactor == 0 {
		f.buf = GetBuffer(n)
		f.body = f.buf.B[:n]
	} else {
		f.body = make([]byte, n)
	}
	first := n
	if f.api.Progressive && n > progressiveMin {
		first = progressiveBytes
	}
	c.in.rest = f.body[first:]
	if c.in.br.Buffered() < n {
		c.reading.Store(c.srv.now() + int64(c.srv.cfg.frameTime(n)))
	}
	_, err := io.ReadFull(c.in.br, f.body[:first])
	if err != nil || first == n {
		c.reading.Store(0)
	}
	if err != nil {
		return fmt.Errorf("frame of %d bytes cut short: %w", f.n, partial(err))
	}
	return nil
}

// drop gives back what the frame holds.
func (f *frame) drop() {
	f.release()
	if f.buf != nil {
		f.buf.Release()
	}
}

// lease is what is held of an account.
type lease struct {
	account *budget.Account
	bytes   int64
}

// take waits for n bytes. One request may need more than the account ever has:
// it gets all of it.
func (l *lease) take(c *Conn, account *budget.Account, n int64) error {
	n = min(n, account.Limit())
	if !account.TryAcquire(n) {
		if err := account.Acquire(c.ctx, n); err != nil {
			return errors.Join(errClosed, err)
		}
	}
	*l = lease{account, n}
	return nil
}

// lower gives back what is held above n bytes.
func (l *lease) lower(n int64) {
	if l.bytes > n {
		l.account.Release(l.bytes - n)
		l.bytes = n
	}
}
