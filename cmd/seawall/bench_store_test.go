package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/s3sim"
)

func TestBenchStore(t *testing.T) {
	dir := t.TempDir()
	url, out := "0@file://"+filepath.Join(dir, "store"), filepath.Join(dir, "profile.json")
	code, text, stderr := execute(t, "bench", "store", url, "--samples", "5", "--out", out)
	if code != exitDone || !strings.Contains(text, "GET, first byte") || !strings.Contains(text, "The profile is in "+out) {
		t.Fatalf("exit %d: %s\n%s", code, stderr, text)
	}
	profile, err := s3sim.LoadProfile(out)
	if err != nil || !strings.Contains(profile.About, url) {
		t.Errorf("%v, %+v", err, profile)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "store")); err != nil || len(left) != 1 { // .seawall
		t.Errorf("it left %v, %v", left, err)
	}
	if code, _, stderr = execute(t, "bench", "store", "0@ftp://x"); code != exitUsage || !strings.Contains(stderr, "scheme") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "any")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	away := "0@s3://b?region=us-east-1&pathStyle=true&endpoint=http://127.0.0.1:1"
	if code, _, stderr = execute(t, "bench", "store", away); code != exitFailed || !strings.Contains(stderr, "is the endpoint right") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
