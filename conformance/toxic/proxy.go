package toxic

import (
	"io"
	"net"
	"sync"
)

// Mode is what the proxy does to connections.
type Mode int

// The modes.
const (
	Pass   Mode = iota
	Refuse      // cut what there is, close what comes
	Hang        // cut what there is, accept what comes and never answer
	Stall       // hold back every byte, of connections old and new, until the next mode: a network that drops packets
)

// Proxy stands before a server, on the loopback, and can seem to be its loss.
// Goroutines: one that accepts, and two a connection; Close ends them all.
type Proxy struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu    sync.Mutex
	mode  Mode
	conns map[net.Conn]struct{} // both sides
	flows chan struct{}         // closed unless the mode is Stall
}

// NewProxy listens on a free port before target, which is host:port.
func NewProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, conns: make(map[net.Conn]struct{}), flows: make(chan struct{})}
	close(p.flows)
	p.done.Go(p.accept)
	return p, nil
}

// Addr is the address in front of the server.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Switch changes what happens to connections. It cuts those that there are,
// but to Stall and back from it.
func (p *Proxy) Switch(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.mode
	p.mode = m
	switch {
	case m == was && m == Stall:
		return
	case m == Stall:
		p.flows = make(chan struct{})
		return
	case was == Stall:
		close(p.flows)
		if m == Pass {
			return
		}
	}
	for c := range p.conns {
		c.Close()
	}
}

// Close ends the proxy.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Switch(Refuse)
	p.done.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		m := p.mode
		if m == Refuse {
			client.Close()
		} else {
			p.conns[client] = struct{}{}
		}
		p.mu.Unlock()
		switch m {
		case Pass, Stall:
			p.done.Go(func() { p.serve(client) })
		case Hang:
			p.done.Go(func() { p.swallow(client) })
		}
	}
}

// swallow takes what a client sends until it is cut.
func (p *Proxy) swallow(client net.Conn) {
	defer p.forget(client)
	_, _ = io.Copy(io.Discard, client) // its end is what matters
}

func (p *Proxy) serve(client net.Conn) {
	defer p.forget(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.conns[server] = struct{}{}
	passing := p.mode == Pass || p.mode == Stall
	p.mu.Unlock()
	defer p.forget(server)
	if !passing {
		return
	}
	var copies sync.WaitGroup
	copies.Go(func() { p.relay(server, client) })
	p.relay(client, server)
	copies.Wait()
}

// relay copies one direction and then ends both, as the end of either does.
func (p *Proxy) relay(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		flows := p.flows
		p.mu.Unlock()
		<-flows
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *Proxy) forget(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
