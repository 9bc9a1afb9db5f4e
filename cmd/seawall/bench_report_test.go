package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/result/resulttest"
)

func TestBenchReport(t *testing.T) {
	dir := t.TempDir()
	in, out, page := filepath.Join(dir, "result.json"), filepath.Join(dir, "again.html"), filepath.Join(dir, "page.md")
	var json strings.Builder
	if err := result.Write(&json, resulttest.Full()); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{in: json.String(), page: "<!-- bench compare: begin -->\nold\n<!-- bench compare: end -->\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := execute(t, "bench", "report", in, "--out", out, "--page", page)
	if code != exitDone || !strings.Contains(stdout, "written to "+out) || !strings.Contains(stdout, "s3-250ms") {
		t.Fatalf("exit %d, %q, %s", code, stderr, stdout)
	}
	for path, want := range map[string]string{out: "</html>", page: "| s3-250ms |"} {
		if b, err := os.ReadFile(path); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: no %q, %v", path, want, err)
		}
	}
}

func TestBenchReportRefuses(t *testing.T) {
	dir := t.TempDir()
	newer, prices := filepath.Join(dir, "newer.json"), filepath.Join(dir, "prices.json")
	for path, content := range map[string]string{newer: `{"format": 99}`, prices: `{}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{newer}, exitFailed, "its format is 99"},
		{[]string{filepath.Join(dir, "none.json")}, exitFailed, "no such file"},
		{nil, exitUsage, "accepts 1 arg(s)"},
	} {
		code, _, stderr := execute(t, append([]string{"bench", "report"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: exit %d, %q", test.args, code, stderr)
		}
	}
}
