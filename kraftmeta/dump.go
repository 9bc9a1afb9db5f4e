package kraftmeta

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Dump prints what a controller's directory holds: whose it is, and the
// metadata as its newest snapshot and the log after it have it. It changes
// nothing, and works beside a controller that has the directory open: it then
// reads a copy of the log. With several voters, the log's last commands may not
// have been agreed upon.
func Dump(w io.Writer, dir string) error {
	img, err := readDir(w, dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	return dumpImage(w, img)
}

// readDir notes what it finds on the way.
func readDir(notes io.Writer, dir string) (*image.Image, error) {
	id, err := readIdentity(filepath.Join(dir, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no metadata: %w", dir, err)
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(notes, "directory of node %d, cluster %s\n", id.node, id.cluster)
	img, err := newestSnapshot(notes, filepath.Join(dir, "snapshots"))
	if err != nil {
		return nil, err
	}
	return replayLog(notes, filepath.Join(dir, logFile), img)
}

// newestSnapshot reads the newest snapshot that is whole, and tells of those
// that are not. The folders are the consensus library's, TERM-INDEX-TIME.
func newestSnapshot(w io.Writer, dir string) (*image.Image, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		return slices.Compare(snapshotOrder(b.Name()), snapshotOrder(a.Name()))
	})
	for _, e := range entries {
		if snapshotOrder(e.Name()) == nil {
			continue // one that is being written
		}
		img, err := readSnapshotFile(filepath.Join(dir, e.Name(), "state.bin"))
		if err != nil {
			fmt.Fprintf(w, "snapshot %s cannot be read: %v\n", e.Name(), err)
			continue
		}
		fmt.Fprintf(w, "snapshot %s: metadata at index %d\n", e.Name(), img.Index())
		return img, nil
	}
	fmt.Fprintln(w, "no snapshot")
	return image.New(), nil
}

// snapshotOrder is term, index and time of a snapshot's folder, nil for what
// is none.
func snapshotOrder(name string) []uint64 {
	var order []uint64
	for part := range strings.SplitSeq(name, "-") {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return nil
		}
		order = append(order, n)
	}
	return order
}

func readSnapshotFile(path string) (*image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	img, err := image.ReadSnapshot(f)
	return img, errors.Join(err, f.Close())
}

// replayLog applies the commands that the log holds past img.
func replayLog(w io.Writer, path string, img *image.Image) (*image.Image, error) {
	db, done, err := openReadOnly(w, path)
	if err != nil {
		return nil, err
	}
	defer done()
	first, last, commands := uint64(0), uint64(0), 0
	err = db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(logBucket)
		if b == nil {
			return fmt.Errorf("%w: no log in it", ErrDamaged)
		}
		c := b.Cursor()
		for key, value := c.First(); len(key) == 8; key, value = c.Next() {
			var l raft.Log
			if err := decodeEntry(value, &l); err != nil {
				return fmt.Errorf("entry %d: %w", binary.BigEndian.Uint64(key), err)
			}
			last = binary.BigEndian.Uint64(key)
			if first == 0 {
				first = last
			}
			if l.Type != raft.LogCommand || last <= img.Index() {
				continue
			}
			req, err := image.DecodeRequest(l.Data)
			if err != nil {
				return fmt.Errorf("entry %d: %w", last, err)
			}
			img, _, _ = image.Apply(img, last, req)
			commands++
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	fmt.Fprintf(w, "log of entries %d to %d: %d commands past the snapshot\n", first, last, commands)
	return img, nil
}

// openReadOnly opens the log, or a copy of it when a controller has it open.
// The caller calls done when it is through.
func openReadOnly(w io.Writer, path string) (db *bolt.DB, done func(), err error) {
	open := func(path string) (*bolt.DB, error) {
		return bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockWait})
	}
	if db, err = open(path); err == nil {
		return db, func() { _ = db.Close() }, nil
	}
	if !errors.Is(err, bolterrors.ErrTimeout) {
		return nil, nil, openError(path, err)
	}
	copied, err := copyLog(path, copyWhole)
	if err != nil {
		return nil, nil, err
	}
	if db, err = open(copied); err != nil {
		return nil, nil, errors.Join(openError(copied, err), os.Remove(copied))
	}
	fmt.Fprintln(w, "a controller is running on it: this is a copy of its log")
	return db, func() { _ = db.Close(); _ = os.Remove(copied) }, nil
}

// copyLog copies the file of a log that is being written to, without its lock.
// The pages that a transaction of bbolt replaces are written again only by the
// one after the next, and each ends by writing one of the two pages at the
// file's start: so what copyFile, which is copyWhole but in tests, has copied is
// whole if those pages were the same before and after.
func copyLog(path string, copyFile func(*os.File) (string, error)) (copied string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const attempts = 20
	for range attempts {
		before, err := headPages(f)
		if err != nil {
			return "", err
		}
		if copied, err = copyFile(f); err != nil {
			return "", fmt.Errorf("copy %s: %w", path, err)
		}
		after, err := headPages(f)
		if err == nil && bytes.Equal(before, after) {
			return copied, nil
		}
		if err := errors.Join(err, os.Remove(copied)); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("copy %s: %w: a controller is writing to it all the time, try again", path, ErrLocked)
}

func headPages(f *os.File) ([]byte, error) {
	head := make([]byte, 2*os.Getpagesize())
	n, err := f.ReadAt(head, 0)
	if err == io.EOF {
		err = nil
	}
	return head[:n], err
}

// copyWhole copies a file into a new one of the system's temporary folder.
func copyWhole(f *os.File) (path string, err error) {
	tmp, err := os.CreateTemp("", "seawall-meta-*.db")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(tmp, io.NewSectionReader(f, 0, 1<<62))
	if err = errors.Join(err, tmp.Close()); err != nil {
		return "", errors.Join(err, os.Remove(tmp.Name()))
	}
	return tmp.Name(), nil
}
