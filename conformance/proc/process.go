package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// Process is a running process.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed once it has ended; err is set then
	err  error
}

// Start runs a command, its output appended to the file log.
func Start(log string, env []string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the process has its own
	p := &Process{cmd: exec.Command(args[0], args[1:]...), log: log, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", args[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed once the process has ended, by whatever.
func (p *Process) Done() <-chan struct{} { return p.done }

// While is a context that also ends with the process, which is then its cause, or after timeout.
func (p *Process) While(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancelTimeout := context.WithTimeout(ctx, timeout)
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.done:
			cancel(fmt.Errorf("process %d ended by itself (%v):\n%s", p.PID(), p.err, p.LogTail()))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); cancelTimeout() }
}

// Kill9 ends the process as kill -9 does and waits until it is gone.
func (p *Process) Kill9() {
	_ = p.cmd.Process.Kill() // already gone is as good
	<-p.done
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the process to end by SIGTERM and returns how it ended; after
// timeout it is killed, and that is an error.
func (p *Process) Stop(timeout time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(timeout):
		p.Kill9()
		return fmt.Errorf("process %d still ran %v after SIGTERM", p.PID(), timeout)
	}
}

// LogTail is the end of what the process has written, for an error message.
func (p *Process) LogTail() string {
	const tailBytes = 3000
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-tailBytes):])
}

// ResidentBytes is the process's resident memory now.
func (p *Process) ResidentBytes() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			fields := bytes.Fields(rest)
			kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in the status of process %d", p.PID())
}

// Ports of servers lie below the range that outgoing connections, and listeners
// on port 0, take theirs from: one of those could take it before its server.
const (
	portMin = 20000
	portMax = 32000
)

// FreeAddress is a loopback address that nobody listens on just now.
func FreeAddress() (addr string, err error) {
	for range 100 {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(portMin+rand.IntN(portMax-portMin)))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}

// WaitListening waits until something accepts connections at addr; an error when the process ends first.
func (p *Process) WaitListening(ctx context.Context, addr string) error {
	for {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		if err := p.pause(ctx, addr); err != nil {
			return err
		}
	}
}

// pause waits a moment between two looks at a server that is to answer at addr.
func (p *Process) pause(ctx context.Context, addr string) error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended (%v) before it answered at %s:\n%s", p.cmd.Path, p.err, addr, p.LogTail())
	case <-ctx.Done():
		return fmt.Errorf("%s does not answer at %s: %w\n%s", p.cmd.Path, addr, ctx.Err(), p.LogTail())
	case <-time.After(2 * time.Millisecond):
		return nil
	}
}
