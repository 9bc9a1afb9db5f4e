package nullbroker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// frameBytesMax bounds a request.
const frameBytesMax = 100 << 20

// Broker is a running null broker.
type Broker struct {
	listener   net.Listener
	partitions int32
	serving    sync.WaitGroup

	paused sync.RWMutex // held for reading around each answer

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// Start listens on addr. Every topic has the given number of partitions.
func Start(addr string, partitions int) (*Broker, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	b := &Broker{listener: l, partitions: int32(partitions), conns: make(map[net.Conn]struct{})}
	b.serving.Go(b.accept)
	return b, nil
}

// Addr is where it listens.
func (b *Broker) Addr() string { return b.listener.Addr().String() }

// Pause stops all answers until resume is called.
func (b *Broker) Pause() (resume func()) {
	b.paused.Lock()
	return b.paused.Unlock
}

// Close ends the broker and its connections. It must not be paused.
func (b *Broker) Close() {
	_ = b.listener.Close()
	b.mu.Lock()
	b.closed = true
	for c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.serving.Wait()
}

// Wait returns when the broker was closed.
func (b *Broker) Wait() { b.serving.Wait() }

func (b *Broker) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		b.mu.Lock()
		if b.closed {
			_ = c.Close()
		} else {
			b.conns[c] = struct{}{}
			b.serving.Go(func() { b.serve(c) })
		}
		b.mu.Unlock()
	}
}

// serve answers the requests of one connection in turn.
func (b *Broker) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		b.mu.Lock()
		delete(b.conns, c)
		b.mu.Unlock()
	}()
	var in, out []byte
	for {
		frame, err := readFrame(c, in)
		if err != nil {
			return // the client has gone
		}
		in = frame
		if out, err = b.answer(out[:0], frame); err != nil {
			return // nothing a client of ours would send
		}
		if len(out) == 0 {
			continue
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// readFrame reads one request into buf, or a larger buffer.
func readFrame(c net.Conn, buf []byte) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(size[:]))
	if n > frameBytesMax {
		return nil, fmt.Errorf("a request of %d bytes", n)
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := io.ReadFull(c, buf)
	return buf, err
}

// answer appends the framed response to a request.
func (b *Broker) answer(out, frame []byte) ([]byte, error) {
	r := kbin.Reader{Src: frame}
	key, version, correlation := r.Int16(), r.Int16(), r.Int32()
	r.NullableString() // client id
	req := kmsg.RequestForKey(key)
	if req == nil {
		return nil, fmt.Errorf("unknown request %d", key)
	}
	req.SetVersion(version)
	if req.IsFlexible() {
		kmsg.SkipTags(&r)
	}
	if err := errors.Join(r.Complete(), req.ReadFrom(r.Src)); err != nil {
		return nil, err
	}
	b.paused.RLock()
	defer b.paused.RUnlock()
	resp := b.respond(req)
	if resp == nil {
		return out, nil
	}
	out = append(out, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, uint32(correlation))
	if resp.IsFlexible() && key != int16(kmsg.ApiVersions) {
		out = append(out, 0) // no tags
	}
	out = resp.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}
