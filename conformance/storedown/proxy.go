package main

import (
	"io"
	"net"
	"sync"
)

// mode is what the proxy does to connections.
type mode int

const (
	modePass   mode = iota
	modeRefuse      // cut what there is, close what comes
	modeHang        // cut what there is, accept what comes and never answer
)

// proxy stands before a server, on the loopback, and can seem to be its loss.
// Goroutines: one that accepts, and two a connection; Close ends them all.
type proxy struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu    sync.Mutex
	mode  mode
	conns map[net.Conn]struct{} // both sides
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: make(map[net.Conn]struct{})}
	p.done.Go(p.accept)
	return p, nil
}

// Addr is the address in front of the server.
func (p *proxy) Addr() string { return p.listener.Addr().String() }

// Switch changes what happens to connections, and cuts those that there are.
func (p *proxy) Switch(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	for c := range p.conns {
		c.Close()
	}
}

// Close ends the proxy.
func (p *proxy) Close() {
	p.listener.Close()
	p.Switch(modeRefuse)
	p.done.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		m := p.mode
		if m == modeRefuse {
			client.Close()
		} else {
			p.conns[client] = struct{}{}
		}
		p.mu.Unlock()
		switch m {
		case modePass:
			p.done.Go(func() { p.serve(client) })
		case modeHang:
			p.done.Go(func() { p.swallow(client) })
		}
	}
}

// swallow takes what a client sends until it is cut.
func (p *proxy) swallow(client net.Conn) {
	defer p.forget(client)
	_, _ = io.Copy(io.Discard, client) // its end is what matters
}

func (p *proxy) serve(client net.Conn) {
	defer p.forget(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.conns[server] = struct{}{}
	passing := p.mode == modePass
	p.mu.Unlock()
	defer p.forget(server)
	if !passing {
		return
	}
	var copies sync.WaitGroup
	copies.Go(func() { relay(server, client) })
	relay(client, server)
	copies.Wait()
}

// relay copies one direction and then ends both, as the end of either does.
func relay(to, from net.Conn) {
	_, _ = io.Copy(to, from) // its end is what matters
	to.Close()
	from.Close()
}

func (p *proxy) forget(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
