package kraftmeta

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

func dump(t *testing.T, dir string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Dump(&b, dir); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in:\n%s", p, text)
		}
	}
}

func TestDumpBesideARunningController(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, Options{Dir: dir, Node: 1, Features: []image.Feature{{Name: "metadata.version", Level: 1}}})
	n.register(t)
	must(t, n, &image.CreateTopics{Topics: []image.NewTopic{{Name: "shown", ID: newUUID(), Leaders: []ids.NodeID{1}}}})

	wantIn(t, dump(t, dir), n.ClusterID().String(), "copy of its log", "shown", "metadata.version")

	// A copy during which a command was committed is taken again.
	copies := 0
	copied, err := copyLog(filepath.Join(dir, logFile), func(f *os.File) (string, error) {
		copies++
		path, err := copyWhole(f)
		if copies < 3 {
			must(t, n, &image.AllocateProducerIDs{Node: 1, NodeEpoch: 1, Count: 1})
		}
		return path, err
	})
	if err != nil || copies != 3 {
		t.Fatalf("%d copies, %v", copies, err)
	}
	if err := verifyLog(copied); err != nil {
		t.Error(err)
	}
	if err := os.Remove(copied); err != nil {
		t.Error(err)
	}
	n.close(t)
	wantIn(t, dump(t, dir), "no snapshot", "shown")

	before := files(t, dir)
	dump(t, dir)
	if after := files(t, dir); before != after {
		t.Errorf("a look changed the directory from %s to %s", before, after)
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			b.WriteString(path + info.ModTime().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
