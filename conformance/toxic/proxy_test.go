package toxic

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a server that sends back what it is sent.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

// ask sends a byte and reads the answer, at most for 5 s, or for wait where no answer is due.
func ask(c net.Conn, wait time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

func TestProxy(t *testing.T) {
	p, err := NewProxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	first := dial()
	if err := ask(first, 5*time.Second); err != nil {
		t.Fatalf("passing: %v", err)
	}
	p.Switch(Refuse)
	if err := ask(first, 5*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection outlived the server's loss: %v", err)
	}
	if err := ask(dial(), 5*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("refusing: %v", err)
	}
	p.Switch(Hang)
	hung := dial()
	if err := ask(hung, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hanging: %v, want a time-out", err)
	}
	p.Switch(Pass)
	stalled := dial()
	if err := ask(stalled, 5*time.Second); err != nil {
		t.Errorf("before a stall: %v", err)
	}
	p.Switch(Stall)
	if err := ask(stalled, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("stalled: %v, want a time-out", err)
	}
	p.Switch(Pass)
	if err := stalled.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stalled, make([]byte, 1)); err != nil {
		t.Errorf("what was held back is lost: %v", err)
	}
	if err := ask(hung, 5*time.Second); err == nil {
		t.Error("a connection made during the loss goes on after it")
	}
	if err := ask(dial(), 5*time.Second); err != nil {
		t.Errorf("passing again: %v", err)
	}
}
