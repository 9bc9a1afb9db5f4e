package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/seawallmq/seawall/internal/s3sim"
)

func TestBenchS3Sim(t *testing.T) {
	out, in := io.Pipe()
	signals := make(chan os.Signal, 1)
	p := &process{stdout: in, stderr: in, signals: func() <-chan os.Signal { return signals }}
	code := make(chan int, 1)
	go func() {
		code <- p.run(t.Context(), []string{"bench", "s3sim", "--dir", t.TempDir(), "--profile", "none", "--seed", "5"})
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "serving http://127.0.0.1:") {
		t.Fatalf("first line: %q", lines.Text())
	}
	url, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "serving "), ": ")
	answer, err := http.Get(url + "/bucket?list-type=2")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	answer.Body.Close()
	signals <- syscall.SIGTERM
	var stats s3sim.Stats
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &stats) != nil || stats.Charged["LIST"] != 1 || stats.Seed != 5 {
		t.Errorf("last line: %q", lines.Text())
	}
	if got := <-code; got != exitDone {
		t.Errorf("exit %d", got)
	}
	if got, _, stderr := execute(t, "bench", "s3sim", "--profile", "fast"); got != exitUsage || !strings.Contains(stderr, "no profile is named") {
		t.Errorf("exit %d: %s", got, stderr)
	}
}
