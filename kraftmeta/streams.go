package kraftmeta

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/seawallmq/seawall/internal/ids"
)

// Voter is a controller that takes part in consensus.
type Voter struct {
	Node    ids.NodeID
	Address string // host:port of its controller listener
}

// serverAddress is the voter as consensus addresses it: whoever dials must know
// whom it wants, beside where.
func (v Voter) serverAddress() raft.ServerAddress {
	return raft.ServerAddress(v.Node.String() + "@" + v.Address)
}

// voterAt is the reverse of serverAddress.
func voterAt(a raft.ServerAddress) (Voter, error) {
	id, address, found := strings.Cut(string(a), "@")
	n, err := strconv.ParseInt(id, 10, 32)
	if !found || err != nil {
		return Voter{}, fmt.Errorf("metadata: %q is not the address of a voter", a)
	}
	return Voter{ids.NodeID(n), address}, nil
}

// streams are the connections between this voter and the others. It implements
// raft.StreamLayer, by what it is given: connections that others made come by
// take.
type streams struct {
	self     Voter
	dial     func(ctx context.Context, to Voter) (net.Conn, error)
	accepted chan net.Conn

	mu     sync.Mutex
	open   map[*stream]struct{} // those that others made
	closed chan struct{}
}

func newStreams(self Voter, dial func(context.Context, Voter) (net.Conn, error)) *streams {
	return &streams{
		self: self, dial: dial, accepted: make(chan net.Conn),
		open: map[*stream]struct{}{}, closed: make(chan struct{}),
	}
}

// stream is a connection that another voter made: consensus leaves it to its
// maker to end it, so it is kept to be closed in the end.
type stream struct {
	net.Conn
	of *streams
}

// Close implements net.Conn.
func (s *stream) Close() error {
	s.of.mu.Lock()
	delete(s.of.open, s)
	s.of.mu.Unlock()
	return s.Conn.Close()
}

// take takes a connection over that another voter made. It does not block.
func (s *streams) take(nc net.Conn) {
	st := &stream{nc, s}
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		_ = nc.Close()
		return
	default:
	}
	s.open[st] = struct{}{}
	s.mu.Unlock()
	go func() {
		select {
		case s.accepted <- st:
		case <-s.closed: // and st with it
		}
	}()
}

// Accept implements net.Listener.
func (s *streams) Accept() (net.Conn, error) {
	select {
	case nc := <-s.accepted:
		return nc, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Dial implements raft.StreamLayer.
func (s *streams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	to, err := voterAt(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.dial(ctx, to)
}

// Close implements net.Listener.
func (s *streams) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return nil
	default:
		close(s.closed)
	}
	for st := range s.open {
		_ = st.Conn.Close()
	}
	return nil
}

// Addr implements net.Listener.
func (s *streams) Addr() net.Addr { return s }

// Network implements net.Addr.
func (s *streams) Network() string { return "tcp" }

// String implements net.Addr.
func (s *streams) String() string { return string(s.self.serverAddress()) }
