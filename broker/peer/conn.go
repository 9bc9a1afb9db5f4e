package peer

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/ids"
)

// conn is one connection with its unanswered requests.
type conn struct {
	client *Client
	node   ids.NodeID
	nc     net.Conn
	places chan struct{} // one for each request in flight

	write sync.Mutex // orders requests on the wire

	mu      sync.Mutex
	next    int32   // correlation id
	pending []*call // in the order of the wire
	err     error   // why the connection is of no more use
}

// call is a request that waits for its answer.
type call struct {
	correlationID int32
	flexible      bool // response header has tagged fields
	resp          kmsg.Response
	err           error
	done          chan struct{}
}

func newConn(c *Client, node ids.NodeID, nc net.Conn) *conn {
	return &conn{client: c, node: node, nc: nc, places: make(chan struct{}, c.cfg.InFlightMax)}
}

// do sends req and waits for its answer. The request keeps its place until it
// is answered, even when ctx ends before.
func (cn *conn) do(ctx context.Context, req kmsg.Request, timeout time.Duration) (kmsg.Response, error) {
	timer := cn.client.cfg.Clock.AfterFunc(timeout, func() { cn.fail(ErrTimeout) })
	defer timer.Stop()
	select {
	case cn.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := &call{
		resp:     req.ResponseKind(),
		flexible: req.IsFlexible() && req.Key() != int16(kmsg.ApiVersions),
		done:     make(chan struct{}),
	}
	if err := cn.send(c, req); err != nil {
		return nil, err
	}
	select {
	case <-c.done:
		return c.resp, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send writes req and lists c as pending. It may block as long as the peer does
// not read, until the connection fails.
func (cn *conn) send(c *call, req kmsg.Request) error {
	cn.write.Lock()
	defer cn.write.Unlock()
	cn.mu.Lock()
	if cn.err != nil {
		defer cn.mu.Unlock()
		<-cn.places // whoever waits for it shall fail too
		return cn.err
	}
	cn.next++
	c.correlationID = cn.next
	cn.pending = append(cn.pending, c)
	cn.mu.Unlock()
	frame := cn.client.formatter.AppendRequest(nil, req, c.correlationID)
	if _, err := cn.nc.Write(frame); err != nil {
		cn.fail(err) // ends c too, with the first reason there was
		<-c.done
		return c.err
	}
	return nil
}

// readLoop is the connection's goroutine.
func (cn *conn) readLoop() {
	br := bufio.NewReaderSize(cn.nc, 4<<10)
	for {
		if err := cn.readResponse(br); err != nil {
			cn.fail(err)
			return
		}
	}
}

// readResponse reads the answer to the oldest request.
func (cn *conn) readResponse(br *bufio.Reader) error {
	var head [8]byte
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return err
	}
	n := int(int32(binary.BigEndian.Uint32(head[:])))
	if n < 4 || n > cn.client.cfg.ResponseBytesMax {
		return fmt.Errorf("response of %d bytes, want 4 to %d", n, cn.client.cfg.ResponseBytesMax)
	}
	body := make([]byte, n-4)
	if _, err := io.ReadFull(br, body); err != nil {
		return err
	}
	c, err := cn.oldest(int32(binary.BigEndian.Uint32(head[4:])))
	if err != nil {
		return err
	}
	if c.flexible {
		body, err = skipNoTags(body)
	}
	if err == nil {
		err = c.resp.ReadFrom(body)
	}
	if err != nil {
		// The frame was whole, so the answers behind it are as good as ever.
		c.resp, c.err = nil, fmt.Errorf("malformed response: %w", err)
	}
	cn.finish(c)
	return nil
}

// oldest takes the request that a response must belong to.
func (cn *conn) oldest(correlationID int32) (*call, error) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	switch {
	case cn.err != nil:
		return nil, cn.err
	case len(cn.pending) == 0 || cn.pending[0].correlationID != correlationID:
		return nil, fmt.Errorf("response with correlation id %d was not asked for", correlationID)
	}
	c := cn.pending[0]
	cn.pending[0] = nil
	cn.pending = cn.pending[1:]
	return c, nil
}

// finish ends a call and frees its place.
func (cn *conn) finish(c *call) {
	close(c.done)
	<-cn.places
}

// skipNoTags steps over the tagged fields of a response header, of which our
// brokers send none.
func skipNoTags(body []byte) ([]byte, error) {
	if len(body) == 0 || body[0] != 0 {
		return nil, fmt.Errorf("response header with tagged fields")
	}
	return body[1:], nil
}

// fail ends the connection and all that waits on it; only the first reason
// counts.
func (cn *conn) fail(err error) {
	cn.mu.Lock()
	if cn.err != nil {
		cn.mu.Unlock()
		return
	}
	cn.err = err
	pending := cn.pending
	cn.pending = nil
	cn.mu.Unlock()
	_ = cn.nc.Close()
	for _, c := range pending {
		c.resp, c.err = nil, err
		cn.finish(c)
	}
}

func (cn *conn) broken() bool {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	return cn.err != nil
}
