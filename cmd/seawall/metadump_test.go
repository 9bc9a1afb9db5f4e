package main

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// plantMetadata makes the metadata of a node with one topic, and returns its
// directory and the controller that still has it open.
func plantMetadata(t *testing.T) (dir string, c *kraftmeta.Controller) {
	t.Helper()
	dir = t.TempDir()
	c, err := kraftmeta.Open(kraftmeta.Options{Dir: dir, Node: 4, Random: func(b []byte) { _, _ = rand.Read(b) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	o := kraftmeta.NewObserver(c, kraftmeta.ObserverOptions{Node: -1, Clock: clock.Wall()})
	o.Start()
	defer o.Close()
	m := kraftmeta.NewClient(c, o, ids.UUID{9}, clock.Wall())
	_, err = kraftmeta.Do(ctx, m, &image.CreateTopics{Topics: []image.NewTopic{{
		Name: "tour", ID: ids.UUID{3}, Leaders: []ids.NodeID{image.NoLeader},
		Configs: []image.ConfigEntry{{Name: "retention.ms", Value: "5"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return dir, c
}

func TestMetaDump(t *testing.T) {
	dir, c := plantMetadata(t)
	if code, out, stderr := execute(t, "meta", "dump", dir); code != exitDone || !strings.Contains(out, "copy of its log") {
		t.Errorf("while it runs: exit %d, %s%s", code, out, stderr)
	}
	cluster := c.ClusterID().String()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "raft.db"))
	if err != nil {
		t.Fatal(err)
	}
	code, out, stderr := execute(t, "meta", "dump", dir)
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{"directory of node 4, cluster " + cluster, "tour", "retention.ms"} {
		if !strings.Contains(out, want) {
			t.Errorf("dump lacks %q:\n%s", want, out)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, "raft.db")); err != nil || string(after) != string(before) {
		t.Errorf("a look changed the log: %v", err)
	}
	if code, _, stderr := execute(t, "meta", "dump", t.TempDir()); code != exitFailed || !strings.Contains(stderr, "holds no metadata") {
		t.Errorf("an empty directory: exit %d, %s", code, stderr)
	}
}
