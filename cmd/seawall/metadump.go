package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/magiconair/properties"
	"github.com/spf13/cobra"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// replayTimeout bounds how long the metadata's log may take to be applied.
const replayTimeout = time.Minute

func newMetaCommand() *cobra.Command {
	return group("meta", "Look at the metadata of a node", &cobra.Command{
		Use:   "dump DIR",
		Short: "Print every record of the metadata that a stopped node keeps in DIR",
		Long: "Print every record of the metadata that a stopped node keeps in DIR (metadata.log.dir, log.dirs,\n" +
			"or the --dir of seawall dev): what its last snapshot holds and the log changed since. The\n" +
			"directory is not changed: a copy is opened.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			img, err := readMetadata(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			printImage(out, img)
			return out.Flush()
		},
	})
}

// readMetadata replays the metadata in dir. Opening a controller's directory
// writes to it, so a copy is opened.
func readMetadata(ctx context.Context, dir string) (*image.Image, error) {
	if below := filepath.Join(dir, "metadata"); isDir(below) {
		dir = below
	}
	identity, err := properties.LoadFile(filepath.Join(dir, "meta.properties"), properties.UTF8)
	if err != nil {
		return nil, fmt.Errorf("%s holds no metadata: %w", dir, err)
	}
	scratch, err := os.MkdirTemp("", "seawall-meta-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	if err := copyUnlocked(scratch, dir); err != nil {
		return nil, err
	}
	c, err := kraftmeta.Open(kraftmeta.Options{
		Dir:    scratch,
		Node:   ids.NodeID(identity.GetInt("node.id", -1)),
		Random: func(b []byte) { _, _ = rand.Read(b) },
	})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, replayTimeout)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, c.Err())
	}
	return c.Image(), nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// copyUnlocked copies the directory, and keeps a node from starting meanwhile.
func copyUnlocked(to, from string) error {
	f, err := os.Open(filepath.Join(from, "raft.db"))
	if err != nil {
		return err
	}
	defer f.Close() // and with it the lock
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%s is in use by a running node: stop it first: %w", from, err)
	}
	return os.CopyFS(to, os.DirFS(from))
}

// printImage prints how much there is, and then every record on a line.
func printImage(w io.Writer, img *image.Image) {
	fmt.Fprintf(w, "cluster %s at index %d: %+v\n", img.ClusterID(), img.Index(), img.Sizes())
	for r := range img.Records() {
		kind := strings.TrimPrefix(fmt.Sprintf("%T", r), "*image.")
		fmt.Fprintf(w, "%-10s %s\n", kind, strings.TrimPrefix(fmt.Sprintf("%+v", r), "&"))
	}
}
