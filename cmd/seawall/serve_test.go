package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/seawallmq/seawall/internal/node"
)

// fakeServer blocks in Start and Drain until it is told to go on, or until its
// context ends.
type fakeServer struct {
	start, drain chan error // what the call returns; nil blocks
	done         chan error
	entered      chan string // what is being called
}

func (f *fakeServer) wait(ctx context.Context, call string, result chan error) error {
	f.entered <- call
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeServer) Start(ctx context.Context) error { return f.wait(ctx, "start", f.start) }
func (f *fakeServer) Done() <-chan error              { return f.done }
func (f *fakeServer) Close() error                    { return nil }
func (f *fakeServer) Drain(ctx context.Context) (node.Report, error) {
	return node.Report{}, f.wait(ctx, "drain", f.drain)
}

// answers is a channel that gives one answer.
func answers(err error) chan error {
	c := make(chan error, 1)
	c <- err
	return c
}

func TestServe(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name      string
		server    fakeServer
		events    string // what happens, in order: start and drain are waited for, the signals sent
		want      string // the error; "" wants none
		announced bool
	}{
		{"drained", fakeServer{start: answers(nil), drain: answers(nil)}, "start up TERM drain", "", true},
		{"drain fails", fakeServer{start: answers(nil), drain: answers(broken)}, "start up INT drain", "broken", true},
		{"cut short", fakeServer{start: answers(nil)}, "start up TERM drain TERM", "second signal", true},
		{"start fails", fakeServer{start: answers(broken)}, "start", "broken", false},
		{"stopped while starting", fakeServer{}, "start TERM", "while starting: context canceled", false},
		{"fenced", fakeServer{start: answers(nil), done: answers(node.ErrFenced)}, "start up", "took it for dead", true},
		{"cannot go on", fakeServer{start: answers(nil), done: answers(broken), drain: answers(nil)}, "start up drain", "broken", true},
		{"cannot go on nor drain", fakeServer{start: answers(nil), done: answers(broken)}, "start up drain TERM", "broken\nstopped at once", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &c.server
			s.entered = make(chan string, 2)
			signals := make(chan os.Signal)
			announced := make(chan struct{})
			result := make(chan error, 1)
			go func() {
				result <- serve(t.Context(), s, signals, slog.New(slog.DiscardHandler), func() { close(announced) })
			}()
			for event := range strings.FieldsSeq(c.events) {
				switch event {
				case "TERM":
					signals <- syscall.SIGTERM
				case "INT":
					signals <- os.Interrupt
				case "up":
					<-announced
				default:
					if call := <-s.entered; call != event {
						t.Fatalf("%s was called, want %s", call, event)
					}
				}
			}
			err := <-result
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("serve returned %v, want %q", err, c.want)
			}
			select {
			case <-announced:
				if !c.announced {
					t.Error("announced a server that never served")
				}
			default:
				if c.announced {
					t.Error("never announced")
				}
			}
		})
	}
}

// stuckServer has a disk that hangs: it neither drains nor closes before that is
// back.
type stuckServer struct {
	fakeServer
	back chan struct{}
}

func (s *stuckServer) Close() error {
	<-s.back
	return nil
}

func (s *stuckServer) Drain(context.Context) (node.Report, error) { return node.Report{}, s.Close() }

// A process whose node does not come to its end ends all the same, whatever the
// reason, and starts no other node beside it.
func TestServeEndsThoughTheNodeHangs(t *testing.T) {
	for name, why := range map[string]error{"signal": nil, "cannot go on": errors.New("broken"), "fenced": node.ErrFenced} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stuckServer{fakeServer{start: answers(nil), entered: make(chan string, 1)}, make(chan struct{})}
				defer close(s.back)
				signals := make(chan os.Signal, 1)
				if why != nil {
					s.done = answers(why)
				}
				err := serve(t.Context(), s, signals, slog.New(slog.DiscardHandler), func() {
					if why == nil {
						signals <- os.Interrupt
					}
				})
				if !errors.Is(err, errStuck) || errors.Is(err, node.ErrFenced) {
					t.Errorf("serve returned %v", err)
				}
			})
		})
	}
}

func TestStartReportsAllFaults(t *testing.T) {
	file := t.TempDir() + "/server.properties"
	if err := os.WriteFile(file, []byte("num.partitions=x\nnode.idd=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := execute(t, "start", file)
	if code != exitUsage {
		t.Errorf("exit %d, want %d", code, exitUsage)
	}
	for _, want := range []string{"did you mean node.id?", "\nseawall: num.partitions=x: ", "\nseawall: node.id: is required", "\nseawall: s3.data.buckets: is required"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, stderr)
		}
	}
	code, _, stderr = execute(t, "dev", "--listen", "127.0.0.1:0", "--store", "s3://sea?regoin=x")
	if code != exitUsage || !strings.Contains(stderr, "seawall: s3.data.buckets: ") || !strings.Contains(stderr, "regoin") {
		t.Errorf("a bad store URL: exit %d, %s", code, stderr)
	}
	if code, _, stderr := execute(t, "start", file+".gone"); code != exitFailed || !strings.Contains(stderr, "no such file") {
		t.Errorf("a missing file: exit %d, %s", code, stderr)
	}
	if code, _, stderr := execute(t, "dev", "--log-level", "loud"); code != exitUsage || !strings.Contains(stderr, "debug, info, warn or error") {
		t.Errorf("a bad level: exit %d, %s", code, stderr)
	}
}
