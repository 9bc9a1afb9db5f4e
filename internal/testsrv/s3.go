package testsrv

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/testlog"
)

// startTimeout bounds how long a server may take until it answers.
const startTimeout = 20 * time.Second

// S3 is a running versitygw.
type S3 struct {
	Endpoint  string // http://127.0.0.1:port
	Region    string
	AccessKey string
	SecretKey string

	bin  string
	addr string // host:port
	dir  string // each folder in it is a bucket
	cmd  *exec.Cmd
	log  *testlog.Buffer
	done chan struct{} // closed once the process is gone
}

// StartS3 starts an S3 server that lives as long as the test.
func StartS3(t testing.TB) *S3 {
	t.Helper()
	bin, err := VersityGW()
	if err != nil {
		t.Fatal(err)
	}
	// The port is free only until somebody takes it: then try another.
	for attempt := 1; ; attempt++ {
		s, err := start(bin, t.TempDir())
		if err == nil {
			t.Cleanup(s.Kill)
			return s
		}
		if attempt == 3 {
			t.Fatal(err)
		}
	}
}

func start(bin, dir string) (*S3, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &S3{
		Endpoint: "http://" + addr, Region: "us-east-1", AccessKey: "seawall", SecretKey: "seawall-secret",
		bin: bin, addr: addr, dir: dir, log: &testlog.Buffer{},
	}
	return s, s.run()
}

// run starts the process and waits until it answers.
func (s *S3) run() error {
	s.done = make(chan struct{})
	s.cmd = exec.Command(s.bin, "--port", s.addr, "--quiet", "--keep-alive", "posix", s.dir)
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not to outlive a test that crashes
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("testsrv: starting %s: %w", s.bin, err)
	}
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // its end is what matters, not its status
		close(done)
	}(s.cmd, s.done)
	if err := s.waitReady(); err != nil {
		s.Kill()
		return err
	}
	return nil
}

// waitReady asks until the server answers anything at all.
func (s *S3) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case <-s.done:
			return fmt.Errorf("testsrv: versitygw ended at once:\n%s", s.log)
		case <-ctx.Done():
			return fmt.Errorf("testsrv: versitygw does not answer at %s after %v:\n%s", s.Endpoint, startTimeout, s.log)
		case <-tick.C:
		}
	}
}

// NewBucket makes an empty bucket.
func (s *S3) NewBucket(t testing.TB, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(s.dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the server as kill -9 does and waits until it is gone.
func (s *S3) Kill() {
	_ = s.cmd.Process.Kill() // already gone is as good
	<-s.done
}

// Restart starts a killed server again, with its address and its objects.
func (s *S3) Restart(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
