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

	// While commands go on, a copy of the log must still be whole.
	stop := make(chan struct{})
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		for {
			select {
			case <-stop:
				return
			default:
				must(t, n, &image.AllocateProducerIDs{Node: 1, NodeEpoch: 1, Count: 1})
			}
		}
	}()
	for range 3 {
		wantIn(t, dump(t, dir), n.ClusterID().String(), "copy of its log", "shown", "metadata.version")
	}
	close(stop)
	<-busy
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
