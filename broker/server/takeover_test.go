package server

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// keyTake hands its connection over.
const keyTake = 7

// taking adds keyTake, whose connections come by the channel.
func taking(taken chan net.Conn) func(*testHandler) {
	return func(h *testHandler) {
		h.apis[keyTake] = &API{Key: keyTake, MaxVersion: 1, FlexibleVersion: 1, Serve: func(r *Request) {
			r.HandOver(func(nc net.Conn) { taken <- nc })
			body := bytes.Clone(r.Body)
			t := r.Ticket()
			go t.Respond(Response{Head: body})
		}}
	}
}

func TestConnectionIsHandedOver(t *testing.T) {
	taken := make(chan net.Conn, 1)
	idle := 20 * time.Millisecond
	s := startServer(t, Config{IdleMax: idle, FrameMax: idle}, taking(taken))
	c := s.dial(t)
	// A request that is not answered yet is before it, and bytes of the other
	// protocol are right behind.
	_, _ = c.Write(frameOf(keyHold, 0, 1, nil))
	_, _ = c.Write(append(frameOf(keyTake, 0, 2, []byte("go")), "hello"...))
	held := <-s.h.held
	select {
	case <-taken:
		t.Fatal("handed over with a request in flight")
	case <-time.After(time.Millisecond):
	}
	held.Respond(Response{Head: []byte("held")})
	want := [][]byte{[]byte("\x00\x00\x00\x08\x00\x00\x00\x01held"), []byte("\x00\x00\x00\x06\x00\x00\x00\x02go")}
	got := make([]byte, len(want[0])+len(want[1]))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, bytes.Join(want, nil)) {
		t.Fatalf("answers %q, %v", got, err)
	}
	nc := <-taken
	buf := make([]byte, 5)
	if _, err := io.ReadFull(nc, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("the taker read %q, %v", buf, err)
	}
	// The sweep has passed many a time by when the far side speaks again.
	<-time.After(10 * idle)
	if _, err := nc.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, buf[:2]); err != nil || string(buf[:2]) != "hi" {
		t.Fatalf("the client read %q, %v", buf[:2], err)
	}
	if err := nc.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection to be forgotten", func() bool { return s.Connections() == 0 })
}

func TestCloseEndsWhatWasHandedOver(t *testing.T) {
	taken := make(chan net.Conn, 1)
	s := startServer(t, Config{}, taking(taken))
	c := s.dial(t)
	_, _ = c.Write(frameOf(keyTake, 0, 1, nil))
	nc := <-taken
	s.Close()
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Fatal("the connection outlives the server")
	}
}
