package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// execute runs one command line and returns what it wrote.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &process{stdout: &out, stderr: &errs}
	code = p.run(t.Context(), args)
	return code, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args   string
		code   int
		stderr string // "" wants silence
	}{
		{"version", exitDone, ""},
		{"", exitDone, ""},
		{"config --json", exitDone, ""},
		{"completion bash", exitDone, ""},
		{"conf", exitUsage, "seawall: unknown command \"conf\" for \"seawall\""},
		{"version now", exitUsage, "seawall: unknown command \"now\""},
		{"config --yaml", exitUsage, "seawall: unknown flag: --yaml"},
		{"config --json --markdown", exitUsage, "seawall: --markdown and --json"},
		{"config no.such", exitFailed, "seawall: no property begins with"},
		{"drain", exitUsage, "seawall: accepts 1 arg(s)"},
		{"drain x", exitUsage, "seawall: \"x\" is no node's number"},
		{"balance", exitUsage, "seawall: the active controller balances by itself"},
		{"status --admin 127.0.0.1:1", exitFailed, "seawall: no answer from an admin listener at 127.0.0.1:1: "},
		{"wal abandon", exitUsage, "seawall: accepts 1 arg(s)"},
		{"wal abandon 3 --admin 127.0.0.1:1", exitFailed, "seawall: no answer from an admin listener at 127.0.0.1:1: "},
		{"man", exitUsage, "seawall: accepts 1 arg(s)"},
	} {
		code, _, stderr := execute(t, strings.Fields(c.args)...)
		if code != c.code || !strings.HasPrefix(stderr, c.stderr) || c.stderr == "" && stderr != "" {
			t.Errorf("seawall %s: exit %d, %q; want %d, %q", c.args, code, stderr, c.code, c.stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	_, out, _ := execute(t, "version")
	if !strings.HasPrefix(out, "seawall ") || !strings.Contains(out, "go1.") {
		t.Errorf("version says %q", out)
	}
}

func TestConfigFormats(t *testing.T) {
	_, text, _ := execute(t, "config", "log.retention.m")
	for _, want := range []string{"log.retention.ms=\n", "log.retention.minutes=\n", "else from log.retention.minutes, log.retention.hours\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("config lacks %q:\n%s", want, text)
		}
	}
	_, table, _ := execute(t, "config", "--markdown")
	if !strings.Contains(table, "| `num.partitions` | `1` | int; at least 1; broker, read-only | How many") {
		t.Error("the markdown lacks num.partitions")
	}
	for line := range strings.Lines(table) {
		if got := strings.Count(line, "|") - strings.Count(line, `\|`); got != 5 {
			t.Errorf("a row with %d bars: %s", got, line)
		}
	}
	_, text, _ = execute(t, "config", "--json", "min.insync")
	var list []property
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || !list[0].Broker || !list[0].Topic || list[0].Default != "1" || list[0].Update != "cluster-wide" || list[0].Env != "KAFKA_MIN_INSYNC_REPLICAS" {
		t.Errorf("JSON: %+v", list)
	}
}

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if code, _, stderr := execute(t, "man", dir); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	page, err := os.ReadFile(filepath.Join(dir, "seawall-config.1"))
	if err != nil || !bytes.Contains(page, []byte("seawall config")) {
		t.Errorf("seawall-config.1: %v, %d bytes", err, len(page))
	}
}
