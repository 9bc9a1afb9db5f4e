package server

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// readBufferBytes is what one read of a socket may bring beyond the frame that
// is awaited: enough for many small requests in one system call. Larger frames
// are read straight into their own buffer.
const readBufferBytes = 4 << 10

// decodeFreeBytes is the worst case of a decoded request that is not paid for
// beyond its frame: it spares the common small request the accounting.
const decodeFreeBytes = 64 << 10

// inbound is the reader's state.
type inbound struct {
	br       *bufio.Reader
	clientID string         // of the last request: most share it
	handOver func(net.Conn) // set by Request.HandOver
	rest     []byte         // where the rest of a progressive body goes
	cut      error          // why that did not come
}

// readLoop is the connection's reader goroutine.
func (c *Conn) readLoop() {
	defer c.srv.wg.Done()
	err := c.handshake()
	for err == nil {
		err = c.readRequest()
	}
	switch {
	case errors.Is(err, errDraining), errors.Is(err, os.ErrDeadlineExceeded):
		// What is in flight closes the connection when it is done.
	case errors.Is(err, errClosed), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		c.close() // the client is gone: nobody waits for what is in flight
	default:
		c.fail(err)
	}
}

// handshake completes a TLS handshake under the limit of a frame.
func (c *Conn) handshake() error {
	h, ok := c.nc.(interface{ Handshake() error })
	if !ok {
		return nil
	}
	c.reading.Store(c.srv.now() + int64(c.srv.cfg.FrameMax))
	defer c.reading.Store(0)
	return h.Handshake()
}

// readRequest reads one frame and serves it.
func (c *Conn) readRequest() error {
	if err := c.waitRoom(0); err != nil {
		return err
	}
	n, key, version, err := c.readPrefix()
	if err != nil {
		return err
	}
	api, err := c.admit(n, key, version)
	if err != nil {
		return err
	}
	if err := c.waitRoom(n); err != nil {
		return err
	}
	f := frame{n: n, key: key, version: version, api: api}
	if err := f.pay(c); err != nil {
		return err
	}
	if err := f.read(c); err != nil {
		f.drop()
		return err
	}
	return c.serve(&f)
}

// readPrefix waits for a frame and reads its length, API key and version, the
// first 4 of the n bytes that follow the length.
func (c *Conn) readPrefix() (n int, key, version int16, err error) {
	br := c.in.br
	if br.Buffered() < prefixBytes {
		if _, err := br.Peek(1); err != nil {
			return 0, 0, 0, err
		}
		now := c.srv.now()
		c.active.Store(now)
		if br.Buffered() < prefixBytes {
			c.reading.Store(now + int64(c.srv.cfg.FrameMax))
			defer c.reading.Store(0)
		}
	}
	b, err := br.Peek(prefixBytes)
	if err != nil {
		return 0, 0, 0, partial(err)
	}
	n = int(int32(binary.BigEndian.Uint32(b)))
	key = int16(binary.BigEndian.Uint16(b[4:]))
	version = int16(binary.BigEndian.Uint16(b[6:]))
	if n < requestHeaderBytesMin || n > c.srv.cfg.RequestBytesMax {
		return 0, 0, 0, fmt.Errorf("frame of %d bytes, want %d to %d", n, requestHeaderBytesMin, c.srv.cfg.RequestBytesMax)
	}
	_, err = br.Discard(prefixBytes)
	return n, key, version, err
}

// admit finds the API that a frame asks for and judges its length.
func (c *Conn) admit(n int, key, version int16) (*API, error) {
	api := c.srv.handler.API(key)
	switch {
	case api == nil || (api.Private && !c.listener.Private):
		return nil, fmt.Errorf("unknown API key %d (version %d)", key, version)
	case (version < api.MinVersion || version > api.MaxVersion) && !api.AnyVersion:
		return nil, fmt.Errorf("API key %d: unsupported version %d, want %d to %d",
			key, version, api.MinVersion, api.MaxVersion)
	case api.FrameBytesMax > 0 && n > api.FrameBytesMax:
		return nil, fmt.Errorf("API key %d: frame of %d bytes, want at most %d", key, n, api.FrameBytesMax)
	}
	return api, nil
}

// partial turns an end of input inside a frame into the fault it is.
func partial(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// serve parses the header of a frame that was read and hands it over.
func (c *Conn) serve(f *frame) error {
	unsupported := f.version < f.api.MinVersion || f.version > f.api.MaxVersion
	read := len(f.body) - len(c.in.rest)
	correlationID, clientID, body, err := parseHeader(f.body[:read], !unsupported && f.api.flexible(f.version))
	if err != nil {
		f.drop()
		return err
	}
	body = f.body[read-len(body):]
	version := f.version
	if unsupported {
		version, body = 0, nil
	}
	arrived := c.srv.cfg.Clock.Now()
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		f.drop()
		return errClosed
	}
	r := c.q.push()
	seq := r.seq
	*r = Request{
		Conn: c, Key: f.key, Version: version, CorrelationID: correlationID,
		ClientID: c.in.clientString(clientID), ClientIDNull: clientID == nil,
		Unsupported: unsupported, Body: body,
		api: f.api, seq: seq, bytes: f.n, arrived: arrived,
		memory: memory{f.buf, f.leases},
	}
	c.inBytes += f.n
	c.mu.Unlock()
	if f.api.Blocking {
		if err := c.srv.enterBlocking(c); err != nil {
			r.Ticket().Abort(err)
			return err
		}
		defer c.srv.leaveBlocking()
	}
	c.run(f, r)
	if c.in.handOver != nil {
		return c.handOver()
	}
	return c.endBody()
}

// run calls the handler. A panic in it crashes the process: state that other
// requests share may be half changed, and a broker that is restarted recovers
// what it acknowledged. Faults of the input are the decoders' to catch.
func (c *Conn) run(f *frame, r *Request) {
	returned := false
	defer func() {
		if !returned {
			c.srv.cfg.Log.Error("handler panicked", "key", f.key, "version", f.version,
				"client", c.RemoteAddr().String(), "frame_bytes", f.n)
		}
	}()
	f.api.Serve(r)
	returned = true
}

// clientString is id as a string, without an allocation when it is the same as
// the request's before.
func (in *inbound) clientString(id []byte) string {
	if string(id) != in.clientID {
		in.clientID = string(id)
	}
	return in.clientID
}

// frameTime is how long a frame of n bytes may take.
func (c *Config) frameTime(n int) time.Duration {
	return c.FrameMax + time.Duration(n>>20)*time.Second
}
