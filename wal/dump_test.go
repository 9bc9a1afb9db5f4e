package wal

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/wal/walfmt"
)

func dump(t *testing.T, path string, o DumpOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Dump(&b, path, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in:\n%s", w, got)
		}
	}
}

func TestDump(t *testing.T) {
	v, path := fileVolume(t, 4*mib)
	l := startLog(t, createArea(t, v, 1), nil)
	var at []Appended
	for i := range 20 {
		at = append(at, appendWait(t, l, dataRecord(42, int64(3*i), 3, make([]byte, 1000))))
	}
	live := dump(t, path, DumpOptions{From: -1})
	wantLines(t, live, "node 7, fence exclusive", "capacity 4194304 bytes", l.Instance().String()+" (live)", "node epoch 1",
		"20 flushes, 20 records, 20000 bytes of payload", "data at 64: stream 42, epoch 1, offsets 0 to 3, 1000 bytes", "the log ends at position")
	if strings.Contains(live, "CORRUPT") {
		t.Errorf("a sound log:\n%s", live)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("rot"), walfmt.DataOffset+at[10].PayloadPosition+500); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	var b strings.Builder
	err = Dump(&b, path, DumpOptions{From: -1})
	var corrupt *CorruptionError
	if !errors.As(err, &corrupt) || corrupt.HolePosition >= at[10].Position {
		t.Errorf("of a damaged log: %v", err)
	}
	wantLines(t, b.String(), "flush at 0: 1 records, 1040 bytes, durable up to 0",
		"CORRUPT", "19 flushes, 19 records", "acknowledged records from position")
}

// The hint may lag: the dump then starts at the oldest flush there is.
func TestDumpAfterTheRingCameRound(t *testing.T) {
	v, path := fileVolume(t, 4*mib)
	l := startLog(t, createArea(t, v, 1), nil)
	defer l.Close()
	for l.Stats().HeadPosition < 10*mib {
		appendWait(t, l, dataRecord(1, 0, 1, make([]byte, 70_000)))
		l.Trim(l.DurableUpTo())
	}
	wantLines(t, dump(t, path, DumpOptions{From: -1, Summary: true}), "no valid flush at position 0; the first one after it is at 6")
}

func TestDumpOfWhatIsNoWAL(t *testing.T) {
	path := t.TempDir() + "/other"
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Dump(&b, path, DumpOptions{}); err == nil || !strings.Contains(err.Error(), "no WAL header") {
		t.Fatalf("told: %v", err)
	}
	if err := Dump(&b, path+".absent", DumpOptions{}); err == nil {
		t.Fatal("a file that is not there was dumped")
	}
}
