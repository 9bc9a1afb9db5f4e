//go:build linux || darwin

package server

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawWriter writes to a socket without ever waiting for room in it. One write
// at a time.
type rawWriter struct {
	conn  syscall.RawConn
	bufs  [][]byte
	n     int
	err   error
	tryFn func(fd uintptr) bool // once made: a closure a write would be garbage
}

// newRawWriter returns nil when nc has no descriptor of its own to write to,
// as a TLS connection or a pipe has none.
func newRawWriter(nc net.Conn) *rawWriter {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	w := &rawWriter{conn: raw}
	w.tryFn = w.try
	return w
}

// write offers bufs to the socket once and says how many bytes it took: none
// when its buffer is full.
func (w *rawWriter) write(bufs [][]byte) (int, error) {
	w.bufs, w.n, w.err = bufs, 0, nil
	err := w.conn.Write(w.tryFn)
	w.bufs = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

// try always returns true, so that RawConn.Write does not wait.
func (w *rawWriter) try(fd uintptr) bool {
	for {
		if len(w.bufs) == 1 {
			w.n, w.err = unix.Write(int(fd), w.bufs[0])
		} else {
			w.n, w.err = unix.Writev(int(fd), w.bufs)
		}
		switch {
		case errors.Is(w.err, unix.EINTR):
			continue
		case errors.Is(w.err, unix.EAGAIN):
			w.n, w.err = 0, nil
		case w.err != nil:
			w.n, w.err = 0, os.NewSyscallError("write", w.err)
		}
		return true
	}
}
