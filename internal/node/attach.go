package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// attach runs the operator's command that brings the volume of another node
// here, and fences it from whoever has it. It ends with the rescue: when that is
// given up, when the time is up, or with this process, which another rescuer
// follows.
func (n *Node) attach(ctx context.Context, w *image.WAL) error {
	command := n.cfg.Rescue.AttachCommand
	if command == "" {
		return nil
	}
	began := n.clock.Now()
	said, err := runAttach(ctx, command, n.cfg.Rescue.AttachTimeout, []string{
		"SEAWALL_WAL_LOCATION=" + w.Location,
		"SEAWALL_DEAD_NODE=" + strconv.Itoa(int(w.Node)),
		"SEAWALL_NODE=" + strconv.Itoa(int(n.cfg.Node.ID)),
	})
	if err != nil {
		n.metrics.attachFailed.Inc()
		return fmt.Errorf("s3.wal.attach.command for %s of node %d: %w: %s", w.Location, w.Node, err, said)
	}
	n.log.Info("volume attached", "location", w.Location, "of", w.Node,
		"took", n.clock.Now().Sub(began).Round(time.Millisecond), "said", said)
	return nil
}

// attachEndsWithin is how long a command that was killed may still be heard
// through processes that it left behind.
const attachEndsWithin = time.Second

// errAttachTimeout: the command was killed since it took too long.
var errAttachTimeout = errors.New("killed, not done in time (s3.wal.attach.timeout.ms)")

// runAttach runs a command with more in its environment, and returns the end of
// what it said. When it is not wanted any more it is killed, with all that it
// has begun, and this process's death kills the shell.
func runAttach(ctx context.Context, command string, timeout time.Duration, env []string) (said string, err error) {
	// The kernel takes the death of the thread that began it for that of the
	// parent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errAttachTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = append(os.Environ(), env...)
	var out lastBytes
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = attachEndsWithin
	err = cmd.Run()
	switch {
	case ctx.Err() != nil && err != nil:
		err = context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay): // it succeeded, and left a process that still can be heard
		err = nil
	}
	return string(out.b), err
}

// lastBytes keeps the end of what is written to it.
type lastBytes struct{ b []byte }

// lastBytesMax is how much of a command's output is kept.
const lastBytesMax = 1 << 10

// Write implements io.Writer.
func (l *lastBytes) Write(p []byte) (int, error) {
	l.b = append(l.b, p...)
	if over := len(l.b) - lastBytesMax; over > 0 {
		l.b = append(l.b[:0], l.b[over:]...)
	}
	return len(p), nil
}
