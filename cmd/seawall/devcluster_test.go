package main

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
)

// What is written for the nodes is a configuration that they start with.
func TestClusterFiles(t *testing.T) {
	nodes, err := layOut(3, "127.0.0.1:9092", "127.0.0.1:9644")
	if err != nil {
		t.Fatal(err)
	}
	if nodes[2] != (config.ClusterNode{ID: 3, Kafka: "127.0.0.1:9094", Controller: "127.0.0.1:19094", Gossip: "127.0.0.1:14094", Admin: "127.0.0.1:9646"}) {
		t.Errorf("node 3 is at %+v", nodes[2])
	}
	d := &devCluster{dir: t.TempDir(), nodes: nodes}
	if err := d.writeFiles(); err != nil {
		t.Fatal(err)
	}
	var cluster string
	wals := map[string]bool{}
	for _, n := range nodes {
		file, err := os.ReadFile(d.file(n))
		if err != nil {
			t.Fatal(err)
		}
		p := &process{}
		cfg, err := p.loadConfig(config.Sources{File: file}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatalf("node %d: %v", n.ID, err)
		}
		if cfg.Node.ID != ids.NodeID(n.ID) || len(cfg.Controller.Voters) != 3 || cfg.Gossip.Listener != n.Gossip || len(cfg.Gossip.Seeds) != 2 || cfg.WAL.FenceKind != config.FenceShared {
			t.Errorf("node %d: %+v, %+v, %+v", n.ID, cfg.Node, cfg.Controller, cfg.WAL)
		}
		if cluster == "" {
			cluster = cfg.Node.ClusterID
		}
		if cfg.Node.ClusterID != cluster || cluster == "" {
			t.Errorf("node %d is of cluster %q, node 1 of %q", n.ID, cfg.Node.ClusterID, cluster)
		}
		wals[cfg.WAL.Path] = true
	}
	if len(wals) != 3 {
		t.Errorf("the WALs are %v", wals)
	}
	if err := d.writeFiles(); err != nil { // as the next start does
		t.Fatal(err)
	}
	if id, err := d.clusterID(); err != nil || id != cluster {
		t.Errorf("the next start has cluster %q, %v", id, err)
	}
}

func TestClusterFlags(t *testing.T) {
	for args, want := range map[string]string{
		"dev --nodes 0":                          "--nodes 0: must be between",
		"dev --nodes 3 --listen 127.0.0.1:0":     "--listen 127.0.0.1:0: with --nodes the port must be",
		"dev --nodes 3 --listen 127.0.0.1:60000": "--listen 127.0.0.1:60000: with --nodes the port must be",
		"dev --nodes 3 --admin nowhere":          "--admin: ",
	} {
		code, _, stderr := execute(t, strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("seawall %s: exit %d, %q", args, code, stderr)
		}
	}
}
