package broker

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// wireConn is a client's end of a connection, frame by frame: for what a
// client library would not do.
type wireConn struct {
	net.Conn
	t         testing.TB
	formatter *kmsg.RequestFormatter
	sent      int32
}

// dial connects to b.
func (b *testBroker) dial() *wireConn {
	b.t.Helper()
	own, theirs := net.Pipe()
	if err := b.connect(theirs); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = own.Close() })
	_ = own.SetDeadline(time.Now().Add(20 * time.Second))
	return &wireConn{Conn: own, t: b.t, formatter: kmsg.NewRequestFormatter()}
}

// send writes a request in its own version.
func (c *wireConn) send(req kmsg.Request) {
	c.t.Helper()
	c.sent++
	if _, err := c.Write(c.formatter.AppendRequest(nil, req, c.sent)); err != nil {
		c.t.Fatal(err)
	}
}

// frame reads the body of the next response, after its header.
func (c *wireConn) frame(flexible bool) (body []byte, correlation int32, err error) {
	var head [8]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, 0, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[:])-4)
	if _, err := io.ReadFull(c, body); err != nil {
		return nil, 0, err
	}
	if flexible {
		if body[0] != 0 {
			return nil, 0, fmt.Errorf("%d tags in a response header", body[0])
		}
		body = body[1:]
	}
	return body, int32(binary.BigEndian.Uint32(head[4:])), nil
}

// receive reads the answer to req and holds it against kmsg: it decodes, and
// encodes to the same bytes.
func (c *wireConn) receive(req kmsg.Request) kmsg.Response {
	c.t.Helper()
	body, _, err := c.frame(req.IsFlexible())
	if err != nil {
		c.t.Fatalf("%s v%d: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	resp := req.ResponseKind()
	if err := resp.ReadFrom(body); err != nil {
		c.t.Fatalf("%s v%d: answer %x: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), body, err)
	}
	if again := resp.AppendTo(nil); string(again) != string(body) {
		c.t.Errorf("%s v%d: answer\n%x\nis to kmsg\n%x", kmsg.NameForKey(req.Key()), req.GetVersion(), body, again)
	}
	return resp
}
