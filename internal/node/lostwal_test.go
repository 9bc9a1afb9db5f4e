package node

import (
	"os"
	"path/filepath"
	"testing"
)

// A WAL whose file is gone keeps a node from starting if it may have held what
// is nowhere else, and does not after a drain that uploaded everything.
func TestLostWAL(t *testing.T) {
	dir := t.TempDir()
	lose := func() {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "wal*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no WAL in %s: %v", dir, err)
		}
		for _, f := range files {
			if err := os.Rename(f, filepath.Join(dir, "lost-"+filepath.Base(f))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for round := range 2 { // the second drains what a rescue left, too
		n := start(t, smallConfig(t, dir, nil))
		produce(t, n, "t", 200*round, 100)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		n = start(t, smallConfig(t, dir, nil))
		produce(t, n, "t", 200*round+100, 100)
		if r, err := n.Drain(deadline(t)); err != nil || !r.Uploaded {
			t.Fatalf("drain: %v, %v", r, err)
		}
		lose()
		n = start(t, smallConfig(t, dir, nil))
		consume(t, n, "t", 200*(round+1))
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	wantWords(t, refusal(t, smallConfig(t, dir, nil)), "is not in", "bring it back")
}
