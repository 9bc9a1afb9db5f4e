package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// rawClient speaks Kafka's framing and nothing else: it sends what no client
// library would.
type rawClient struct {
	t    *testing.T
	conn net.Conn
}

func dialRaw(t *testing.T, n *Node) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &rawClient{t, conn}
}

func (c *rawClient) send(b []byte) error {
	_ = c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err := c.conn.Write(b)
	return err
}

// do sends a request in the version that is set in it and reads its answer.
func (c *rawClient) do(req kmsg.Request) (kmsg.Response, error) {
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("raw")).AppendRequest(nil, req, 7)
	if err := c.send(frame); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(c.conn, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(c.conn, body); err != nil {
		return nil, err
	}
	if id := binary.BigEndian.Uint32(body); id != 7 {
		return nil, fmt.Errorf("answer to request %d", id)
	}
	body = body[4:]
	if req.IsFlexible() && req.Key() != 18 {
		body = body[1:] // no tags
	}
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	return resp, resp.ReadFrom(body)
}

// closed says that the broker closed the connection without a byte.
func (c *rawClient) closed() error {
	_ = c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	var b [1]byte
	n, err := c.conn.Read(b[:])
	var timeout net.Error
	switch {
	case n > 0:
		return errors.New("answered")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("neither answered nor closed")
	}
	return nil
}
