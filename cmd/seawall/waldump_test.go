package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// durable waits for one append.
type durable chan error

func (d durable) Durable(err error) { d <- err }

// pages is a page source without a cache behind it.
type pages struct{ *page.Pool }

func (p pages) Page() *page.Page { return p.Get() }

// plantWAL writes n records to a fresh WAL, one flush each, and returns its
// path and where the records stand. The log stays open until the test ends.
func plantWAL(t *testing.T, n int) (path string, positions []int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "seawall.wal")
	v, err := volume.OpenFiles(path, volume.Options{Cluster: ids.UUID{1}, Node: 7, CapacityBytes: 16 << 20, Depth: 2, AllowBuffered: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	area, err := v.Create(volume.Spec{Instance: ids.UUID{2}, NodeEpoch: 3, WindowBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	pool := page.NewPool(budget.New(64<<20).Account("pages", 32<<20))
	log, err := wal.New(wal.Config{Area: area, Clock: clock.Wall(), Pages: pages{pool}, NoKeeper: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	for i := range int64(n) {
		done := make(durable, 1)
		appended, err := log.Append(&wal.Record{Kind: walfmt.KindData, Stream: 5, StreamEpoch: 2, BaseOffset: 10 * i, EndOffset: 10*i + 10, Payload: []byte("payload")}, done)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		positions = append(positions, appended.Position)
	}
	return path, positions
}

func TestWALDump(t *testing.T) {
	path, positions := plantWAL(t, 3)
	code, out, stderr := execute(t, "wal", "dump", path)
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{
		"node 7, fence exclusive", "capacity 16777216 bytes", "instance " + ids.UUID{2}.String() + " (live)", "node epoch 3, ", "trim hint 0",
		"stream 5, epoch 2, offsets 0 to 10, 7 bytes", "offsets 20 to 30", "3 flushes, 3 records, 21 bytes of payload",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("dump lacks %q:\n%s", want, out)
		}
	}
	if _, out, _ = execute(t, "wal", "dump", "--summary", path); strings.Contains(out, "offsets 0 to 10") || !strings.Contains(out, "3 records") {
		t.Errorf("dump --summary:\n%s", out)
	}
	// The second record's flush begins its header before it.
	from := fmt.Sprint(positions[1] - walfmt.FlushHeaderBytes)
	if _, out, stderr = execute(t, "wal", "dump", "--from", from, path); strings.Contains(out, "offsets 0 to 10") || !strings.Contains(out, "2 records") {
		t.Errorf("dump --from %s:\n%s%s", from, out, stderr)
	}
}

// TestWALDumpOfDamage shows that a look at a damaged WAL names the positions.
func TestWALDumpOfDamage(t *testing.T) {
	path, positions := plantWAL(t, 3)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xff}, walfmt.DataOffset+positions[1]+walfmt.RecordHeaderBytes); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := execute(t, "wal", "dump", path)
	hole := fmt.Sprintf("no valid flush at position %d", positions[1]-walfmt.FlushHeaderBytes)
	if code != exitFailed || !strings.Contains(stderr, hole) || !strings.Contains(out, "offsets 0 to 10") || strings.Contains(out, "offsets 10 to 20") {
		t.Errorf("exit %d, %s, want %q\n%s", code, stderr, hole, out)
	}
}

func TestWALDumpFaults(t *testing.T) {
	blank := filepath.Join(t.TempDir(), "blank")
	if err := os.WriteFile(blank, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path, _ := plantWAL(t, 1)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"wal dump", exitUsage, "accepts 1 arg(s)"},
		{"wal dump " + blank, exitFailed, "no WAL header"},
		{"wal dump " + blank + ".gone", exitFailed, "no such file"},
		{"wal dump --from x " + path, exitUsage, "--from"},
		{"wal dump --from 3 " + path, exitFailed, "position 3 is not at a block"},
	} {
		code, _, stderr := execute(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("seawall %s: exit %d, %s; want %d, %q", c.args, code, stderr, c.code, c.want)
		}
	}
}
