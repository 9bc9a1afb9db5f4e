package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBenchDeviceRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		file:                                "name the folder",
		file + " --raw":                     "is no block device",
		filepath.Dir(file) + " --raw":       "is no block device",
		"/dev/null --raw":                   "is no block device",
		filepath.Dir(file) + " --overwrite": "--overwrite is for --raw",
		file + " --duration 0s":             "--duration",
	} {
		code, _, stderr := execute(t, append([]string{"bench", "device"}, strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %s; want %s", args, code, stderr, want)
		}
	}
}
