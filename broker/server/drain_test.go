package server

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// Drain answers what is in flight, reads nothing new and closes.
func TestDrain(t *testing.T) {
	s := startServer(t, Config{})
	idle, busy := s.dial(t), s.dial(t)
	idle.want(idle.send(keyEcho, ""), "")
	busy.send(keyHold, "")
	busy.send(keyHold, "")
	first, second := <-s.h.held, <-s.h.held
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(context.Background()) }()
	idle.wantClosed()
	if _, err := net.DialTimeout("tcp", s.addr, time.Second); err == nil {
		t.Error("a connection was accepted while draining")
	}
	conn := s.connOf(busy)
	eventually(t, "the busy connection to drain", func() bool { return errors.Is(conn.waitRoom(0), errDraining) })
	_, _ = busy.Write(frameOf(keyHold, 0, 9, nil))
	second.Respond(Response{Head: []byte("second")})
	first.Respond(Response{Head: []byte("first")})
	busy.want(1, "first")
	busy.want(2, "second")
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if len(s.h.held) != 0 {
		t.Error("a request was read while draining")
	}
	if err := s.ServeConn(pipeEnd(t), Listener{}); !errors.Is(err, ErrClosed) {
		t.Errorf("ServeConn while draining: %v, want ErrClosed", err)
	}
}

func pipeEnd(t *testing.T) net.Conn {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close() })
	return far
}

// Drain gives up when its context ends; Close then closes by force, and what is
// answered later is dropped.
func TestDrainGivesUp(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	c.send(keyHold, "")
	ticket := <-s.h.held
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain returned %v, want context.Canceled", err)
	}
	s.Close()
	c.wantClosed()
	ticket.Respond(Response{Head: []byte("late")})
	if n := s.requests.Used(); n != 0 {
		t.Errorf("%d bytes held after the late answer", n)
	}
}

// Close ends blocking handlers by their context, and may be repeated.
func TestCloseEndsBlockingHandlers(t *testing.T) {
	s := startServer(t, Config{})
	c := s.dial(t)
	c.send(keyWait, "")
	eventually(t, "the handler to block", func() bool { return len(s.blocking) == 1 })
	s.Close()
	s.Close()
	c.wantClosed()
}

func TestObserve(t *testing.T) {
	samples := make(chan Sample, 2)
	s := startServer(t, Config{Observe: func(x Sample) { samples <- x }})
	c := s.dial(t)
	c.want(c.send(keyEcho, "12345"), "12345")
	c.send(keyDone, "")
	x := <-samples
	if x.Key != keyEcho || x.RequestBytes != 16 || x.ResponseBytes != 13 || x.Latency <= 0 {
		t.Errorf("sample of an echo: %+v", x)
	}
	if x := <-samples; x.Key != keyDone || x.ResponseBytes != 0 {
		t.Errorf("sample without a response: %+v", x)
	}
}
