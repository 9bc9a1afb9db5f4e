package kraftmeta

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
)

// identityFile says whose a controller's directory is, in Kafka's form.
const identityFile = "meta.properties"

// identityVersion is the version of that file.
const identityVersion = 1

type identity struct {
	cluster ids.UUID
	node    ids.NodeID
}

// claimDir makes dir if need be, and returns whose it is: as it says itself,
// or from now on want's. A zero cluster in want fits any, and is drawn if the
// directory is new.
func claimDir(dir string, want identity, draw func() ids.UUID) (identity, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return identity{}, fmt.Errorf("make metadata directory: %w", err)
	}
	path := filepath.Join(dir, identityFile)
	got, err := readIdentity(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, logFile)); err == nil {
			return identity{}, fmt.Errorf("%w: %s has a log and no %s", ErrDamaged, dir, identityFile)
		}
		if want.cluster.IsZero() {
			want.cluster = draw()
		}
		return want, writeIdentity(path, want)
	case err != nil:
		return identity{}, err
	case !want.cluster.IsZero() && got.cluster != want.cluster:
		return identity{}, fmt.Errorf("%w: %s is of cluster %s, this node is to join %s",
			ErrForeignDir, dir, got.cluster, want.cluster)
	case got.node != want.node:
		return identity{}, fmt.Errorf("%w: %s is of node %d, this is node %d", ErrForeignDir, dir, got.node, want.node)
	}
	return got, nil
}

func readIdentity(path string) (id identity, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return id, fmt.Errorf("read %s: %w", path, err)
	}
	seen := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		seen[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	if v := seen["version"]; v != strconv.Itoa(identityVersion) {
		return id, fmt.Errorf("read %s: version %q, this program reads %d", path, v, identityVersion)
	}
	node, err := strconv.ParseInt(seen["node.id"], 10, 32)
	if err != nil {
		return id, fmt.Errorf("read %s: %w: node.id %q", path, ErrDamaged, seen["node.id"])
	}
	id.node = ids.NodeID(node)
	if id.cluster, err = ids.ParseUUID(seen["cluster.id"]); err != nil {
		return id, fmt.Errorf("read %s: %w: %w", path, ErrDamaged, err)
	}
	return id, nil
}

// writeIdentity writes the file whole or not at all.
func writeIdentity(path string, id identity) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "version=%d\ncluster.id=%s\nnode.id=%d\n", identityVersion, id.cluster, id.node)
	if err := writeDurably(path, b.Bytes()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeDurably(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
