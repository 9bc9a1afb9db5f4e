package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
)

// Errors of a request that got no answer. Whether the peer has acted on it is
// unknown, except after ErrDial: then it has not.
var (
	ErrClosed  = errors.New("peer client closed")
	ErrDial    = errors.New("peer not reached")
	ErrTimeout = errors.New("peer did not answer in time")
)

var (
	errAbandoned = errors.New("poll abandoned")
	errDropped   = errors.New("peer given up")
)

// Config is what a Client needs. Zero values take the defaults stated.
type Config struct {
	// Self is the own node.
	Self ids.NodeID
	// Dial connects to another node, with TLS and authentication done. It
	// should heed ctx, which carries the time-out.
	Dial func(ctx context.Context, node ids.NodeID) (net.Conn, error)
	// Loopback serves one end of a pipe as a connection to the own node; it
	// returns at once.
	Loopback func(net.Conn) error
	// Clock tells when a request has timed out (the wall clock).
	Clock clock.Clock
	// ClientID is what this node calls itself in its requests.
	ClientID string
	// DialMax is how long connecting may take (3 s).
	DialMax time.Duration
	// RequestMax is how long a peer may take to answer (30 s); when one does
	// not, its connection is closed with all that waits on it.
	RequestMax time.Duration
	// InFlightMax bounds the unanswered requests of a connection (256); more
	// wait for their turn.
	InFlightMax int
	// ResponseBytesMax bounds a response (64 MiB).
	ResponseBytesMax int
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = clock.Wall()
	}
	if c.DialMax == 0 {
		c.DialMax = 3 * time.Second
	}
	if c.RequestMax == 0 {
		c.RequestMax = 30 * time.Second
	}
	if c.InFlightMax == 0 {
		c.InFlightMax = 256
	}
	if c.ResponseBytesMax == 0 {
		c.ResponseBytesMax = 64 << 20
	}
	return c
}

// Client sends requests to nodes, the own one included. It is safe for
// concurrent use.
type Client struct {
	cfg       Config
	formatter *kmsg.RequestFormatter
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	readers   sync.WaitGroup

	mu     sync.Mutex
	links  map[ids.NodeID]*link
	conns  map[*conn]struct{} // open ones
	closed bool
}

// New makes a client without connections.
func New(cfg Config) *Client {
	c := &Client{
		cfg:       cfg.withDefaults(),
		formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID(cfg.ClientID)),
		links:     make(map[ids.NodeID]*link),
		conns:     make(map[*conn]struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Do sends req, in the version set in it, to node and waits for the answer.
// Requests to one node share a connection and are answered in their order, so a
// request that waits at the peer holds up those behind it: use Poll for one.
func (c *Client) Do(ctx context.Context, node ids.NodeID, req kmsg.Request) (kmsg.Response, error) {
	cn, err := c.link(node).shared(ctx)
	if err != nil {
		return nil, failed(node, req, err)
	}
	resp, err := cn.do(ctx, req, c.cfg.RequestMax)
	if err != nil {
		return nil, failed(node, req, err)
	}
	return resp, nil
}

// Poll is Do for a request that waits at the peer for up to wait: it has a
// connection to itself meanwhile.
func (c *Client) Poll(ctx context.Context, node ids.NodeID, req kmsg.Request, wait time.Duration) (kmsg.Response, error) {
	l := c.link(node)
	cn, err := l.lone(ctx)
	if err != nil {
		return nil, failed(node, req, err)
	}
	resp, err := cn.do(ctx, req, c.cfg.RequestMax+wait)
	if err != nil {
		cn.fail(errAbandoned)
		return nil, failed(node, req, err)
	}
	l.keep(cn)
	return resp, nil
}

// Stream connects to node, sends req and waits for the answer: what follows on
// the connection is another protocol. The caller closes it, also when the answer
// is not what it wants; Close does not. ctx bounds it all.
func (c *Client) Stream(ctx context.Context, node ids.NodeID, req *Request) (net.Conn, *Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	nc, err := c.connect(ctx, node)
	if err != nil {
		return nil, nil, failed(node, req, fmt.Errorf("%w: %w", ErrDial, err))
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	resp, err := ask(nc, c.formatter.AppendRequest(nil, req, 1), req)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		return nil, nil, failed(node, req, err)
	}
	return nc, resp, nil
}

// streamAnswerMax bounds the answer that comes before a stream.
const streamAnswerMax = 64 << 10

// ask sends a frame and reads the answer to it, and not a byte more.
func ask(nc net.Conn, frame []byte, req *Request) (*Response, error) {
	if _, err := nc.Write(frame); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		return nil, err
	}
	n := int(int32(binary.BigEndian.Uint32(head[:])))
	if n < 4 || n > streamAnswerMax {
		return nil, fmt.Errorf("response of %d bytes, want 4 to %d", n, streamAnswerMax)
	}
	body := make([]byte, n-4)
	if _, err := io.ReadFull(nc, body); err != nil {
		return nil, err
	}
	resp := &Response{APIKey: req.APIKey, Version: req.Version}
	return resp, resp.ReadFrom(body)
}

// Drop closes the connections to node, with all that waits on them: it has been
// found out that it does not answer.
func (c *Client) Drop(node ids.NodeID) {
	c.mu.Lock()
	var conns []*conn
	for cn := range c.conns {
		if cn.node == node {
			conns = append(conns, cn)
		}
	}
	c.mu.Unlock()
	for _, cn := range conns {
		cn.fail(errDropped)
	}
}

func failed(node ids.NodeID, req kmsg.Request, err error) error {
	return fmt.Errorf("request %d to node %s: %w", req.Key(), node, err)
}

// Close closes all connections; requests that wait fail with ErrClosed, as do
// later ones.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	conns := slices.Collect(maps.Keys(c.conns))
	c.mu.Unlock()
	c.cancel()
	for _, cn := range conns {
		cn.fail(ErrClosed)
	}
	c.readers.Wait()
}

// link returns what connects to node.
func (c *Client) link(node ids.NodeID) *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.links[node]
	if l == nil {
		l = &link{client: c, node: node}
		c.links[node] = l
	}
	return l
}

// dial connects to node and starts the connection's reader.
func (c *Client) dial(ctx context.Context, node ids.NodeID) (*conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	defer c.cfg.Clock.AfterFunc(c.cfg.DialMax, cancel).Stop()
	nc, err := c.connect(ctx, node)
	switch {
	case err != nil && c.ctx.Err() != nil:
		return nil, ErrClosed
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDial, err)
	}
	cn := newConn(c, node, nc)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = nc.Close()
		return nil, ErrClosed
	}
	c.conns[cn] = struct{}{}
	c.readers.Add(1)
	go func() {
		defer c.readers.Done()
		cn.readLoop()
		c.mu.Lock()
		delete(c.conns, cn)
		c.mu.Unlock()
	}()
	return cn, nil
}

func (c *Client) connect(ctx context.Context, node ids.NodeID) (net.Conn, error) {
	if node != c.cfg.Self {
		return c.cfg.Dial(ctx, node)
	}
	near, far := net.Pipe()
	if err := c.cfg.Loopback(far); err != nil {
		_ = near.Close()
		return nil, err
	}
	return near, nil
}
