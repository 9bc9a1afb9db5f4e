package htmlreport

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seawallmq/seawall/bench/cost"
	"github.com/seawallmq/seawall/bench/result"
	"github.com/seawallmq/seawall/bench/result/resulttest"
)

func TestWritesThreeFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	files, err := Write(dir, resulttest.Full(), cost.Listed())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, JSONFile), filepath.Join(dir, CSVFile), filepath.Join(dir, HTMLFile)}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Fatal(diff)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := result.Read(f); err != nil || len(got.Scenarios) != len(resulttest.Full().Scenarios) {
		t.Errorf("read back: %v", err)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err != nil || info.Size() < 100 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

func TestWriteTellsWhere(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if files, err := Write(blocked, resulttest.Full(), cost.Listed()); err == nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}
