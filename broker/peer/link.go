package peer

import (
	"context"
	"sync"

	"github.com/seawallmq/seawall/internal/ids"
)

// loneIdleMax is how many connections of finished polls a link keeps.
const loneIdleMax = 4

// link is the set of connections to one node.
type link struct {
	client *Client
	node   ids.NodeID

	mu      sync.Mutex
	common  *conn         // of Do
	dialing chan struct{} // closed when the attempt to make common is over
	idle    []*conn       // of Poll, none in use
}

// shared returns the connection of Do, which one caller makes if there is none.
func (l *link) shared(ctx context.Context) (*conn, error) {
	for {
		l.mu.Lock()
		if l.common != nil && !l.common.broken() {
			defer l.mu.Unlock()
			return l.common, nil
		}
		if l.dialing == nil {
			l.dialing = make(chan struct{})
			l.mu.Unlock()
			return l.dialShared(ctx)
		}
		dialing := l.dialing
		l.mu.Unlock()
		select {
		case <-dialing:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *link) dialShared(ctx context.Context) (*conn, error) {
	cn, err := l.client.dial(ctx, l.node)
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.dialing)
	l.dialing = nil
	if err != nil {
		return nil, err
	}
	l.common = cn
	return cn, nil
}

// lone returns a connection that nobody else uses.
func (l *link) lone(ctx context.Context) (*conn, error) {
	l.mu.Lock()
	for n := len(l.idle); n > 0; n = len(l.idle) {
		cn := l.idle[n-1]
		l.idle = l.idle[:n-1]
		if !cn.broken() {
			l.mu.Unlock()
			return cn, nil
		}
	}
	l.mu.Unlock()
	return l.client.dial(ctx, l.node)
}

// keep puts a connection of lone by for the next poll.
func (l *link) keep(cn *conn) {
	l.mu.Lock()
	keep := len(l.idle) < loneIdleMax
	if keep {
		l.idle = append(l.idle, cn)
	}
	l.mu.Unlock()
	if !keep {
		cn.fail(errAbandoned)
	}
}
