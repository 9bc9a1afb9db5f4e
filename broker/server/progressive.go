package server

import (
	"errors"
	"fmt"
	"io"
)

const (
	// progressiveMin is from where on a frame's body is left for its API to read.
	progressiveMin = 256 << 10
	// progressiveBytes of it are read before, and at a time: less costs system
	// calls, more has left the processor's cache when it is looked at.
	progressiveBytes = 128 << 10
)

// ErrCut says that a body did not come to its end.
var ErrCut = errors.New("request cut short")

// Await waits until all but the last n bytes of Body have come. With an API that
// is Progressive, Serve may read of Body only what it has awaited; what it looks
// at when it has just come is still in the processor's cache. After an error,
// which is ErrCut, the request is to be ended by Ticket.Done: the connection ends
// by itself.
func (r *Request) Await(n int) error {
	c := r.Conn
	missing := len(c.in.rest) - n
	if missing <= 0 {
		return nil
	}
	step := c.in.rest[:min(max(missing, progressiveBytes), len(c.in.rest))]
	got, err := io.ReadAtLeast(c.in.br, step, missing)
	c.in.rest = c.in.rest[got:]
	if err != nil {
		c.in.cut = fmt.Errorf("frame of %d bytes cut short: %w", r.bytes, partial(err))
		return ErrCut
	}
	if len(c.in.rest) == 0 {
		c.reading.Store(0)
		r.arrived = c.srv.cfg.Clock.Now()
	}
	return nil
}

// endBody ends a frame whose API may have left some of it unread. The request may
// be answered by now, and its memory another's.
func (c *Conn) endBody() error {
	left, err := len(c.in.rest), c.in.cut
	if left == 0 && err == nil {
		return nil
	}
	c.in.rest, c.in.cut = nil, nil
	if err == nil {
		_, err = c.in.br.Discard(left)
		err = partial(err)
	}
	c.reading.Store(0)
	return err
}
