package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

// List implements objstore.Store. It reads every folder on its way, so that a
// page costs as much as the folders are wide.
func (s *Store) List(ctx context.Context, prefix, startAfter string, max int) ([]objstore.Entry, error) {
	l := lister{ctx: ctx, root: s.root, prefix: prefix, after: startAfter, max: max}
	folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
	if folder != "" && objstore.CheckKey(strings.TrimSuffix(folder, "/")) != nil {
		return nil, ctx.Err() // no key is like that
	}
	if err := l.walk(folder); err != nil {
		return nil, objstore.Wrap("list", prefix, err)
	}
	return l.found, nil
}

// lister walks the tree in the order of keys.
type lister struct {
	ctx           context.Context
	root          *os.Root
	prefix, after string
	max           int
	found         []objstore.Entry
}

// walk adds what lies below folder, which is "" or ends with a slash.
func (l *lister) walk(folder string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	entries, err := readFolder(l.root, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := folder + e.name
		switch {
		case len(l.found) >= l.max:
			return nil
		case folder == "" && e.name[0] == '.':
			// not an object: see CheckKey
		case e.IsDir():
			inPrefix := strings.HasPrefix(path, l.prefix) || strings.HasPrefix(l.prefix, path)
			if inPrefix && (path > l.after || strings.HasPrefix(l.after, path)) {
				err = l.walk(path)
			}
		case e.Type().IsRegular() && strings.HasPrefix(path, l.prefix) && path > l.after:
			err = l.add(path, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) add(key string, e dirEntry) error {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return classify(err)
	}
	l.found = append(l.found, objstore.Entry{Key: key, Size: info.Size(), ModTime: info.ModTime()})
	return nil
}

// dirEntry is a name as it stands in keys: a folder's ends with a slash.
type dirEntry struct {
	fs.DirEntry
	name string
}

// readFolder reads a folder in the order of keys, which is not that of names:
// "a-b" comes before "a/", but "a" before both. A folder that is gone, or that
// is an object, is empty.
func readFolder(root *os.Root, folder string) ([]dirEntry, error) {
	name := strings.TrimSuffix(folder, "/")
	if name == "" {
		name = "."
	}
	f, err := root.Open(name)
	var read []fs.DirEntry
	if err == nil {
		defer f.Close()
		read, err = f.ReadDir(-1)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, classify(err)
	}
	entries := make([]dirEntry, len(read))
	for i, e := range read {
		entries[i] = dirEntry{DirEntry: e, name: e.Name()}
		if e.IsDir() {
			entries[i].name += "/"
		}
	}
	slices.SortFunc(entries, func(a, b dirEntry) int { return strings.Compare(a.name, b.name) })
	return entries, nil
}
