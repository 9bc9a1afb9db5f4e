package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// copyBytes is the buffer of sequential reads.
const copyBytes = 256 << 10

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) error {
	if err := check(ctx, key); err != nil {
		return objstore.Wrap("put", key, err)
	}
	tmp := s.newName("tmp")
	defer s.root.Remove(tmp)
	err := s.writeFile(ctx, tmp, body)
	if err == nil {
		err = s.publish(tmp, key, opts)
	}
	return objstore.Wrap("put", key, err)
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	n, err := s.getRange(ctx, key, off, dst)
	return n, objstore.Wrap("get", key, err)
}

func (s *Store) getRange(ctx context.Context, key string, off int64, dst []byte) (int, error) {
	if err := check(ctx, key); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, fmt.Errorf("%w: offset %d", objstore.ErrInvalid, off)
	}
	f, _, err := s.openObject(key)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := f.ReadAt(dst, off)
	if err == io.EOF {
		return n, err
	}
	return n, classify(err)
}

// Head implements objstore.Store. It reads the whole object for its checksum, and
// makes its name durable: a Put that failed after it gave the name is settled by
// Head, which must not find what a crash could still take away.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	info, err := s.head(ctx, key)
	return info, objstore.Wrap("head", key, err)
}

func (s *Store) head(ctx context.Context, key string) (objstore.Info, error) {
	if err := check(ctx, key); err != nil {
		return objstore.Info{}, err
	}
	f, st, err := s.openObject(key)
	if err != nil {
		return objstore.Info{}, err
	}
	defer f.Close()
	if err := s.syncName(key); err != nil {
		return objstore.Info{}, err
	}
	info := objstore.Info{Size: st.Size(), HasCRC: true, ModTime: st.ModTime()}
	buf := make([]byte, min(copyBytes, max(st.Size(), 1)))
	for {
		n, err := f.Read(buf)
		info.CRC32C = crc.Update(info.CRC32C, buf[:n])
		switch {
		case err == io.EOF:
			return info, nil
		case err != nil:
			return objstore.Info{}, classify(err)
		case ctx.Err() != nil:
			return objstore.Info{}, ctx.Err()
		}
	}
}

// openObject opens an object for reading; anything but a regular file is none.
func (s *Store) openObject(key string) (*os.File, fs.FileInfo, error) {
	f, err := s.root.Open(key)
	if err != nil {
		if errors.Is(err, syscall.ENOTDIR) { // a folder of the key is an object
			return nil, nil, objstore.ErrNotFound
		}
		return nil, nil, classify(err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, nil, classify(err)
	}
	return f, st, nil
}

// Delete implements objstore.Store. Folders that it leaves empty go as well.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := s.delete(ctx, key); err != nil {
			return objstore.Wrap("delete", key, err)
		}
	}
	return nil
}

func (s *Store) delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if st, err := s.root.Lstat(key); err == nil && st.IsDir() {
		return nil // a folder is no object
	}
	err := s.root.Remove(key)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil
	case err != nil:
		return classify(err)
	}
	dir := path.Dir(key)
	for dir != "." && s.root.Remove(dir) == nil {
		dir = path.Dir(dir)
	}
	return classify(s.syncFolder(dir))
}

// publish gives a written and synced file its key, durably.
func (s *Store) publish(tmp, key string, opts objstore.PutOptions) error {
	if err := s.name(tmp, key, opts); err != nil {
		return err
	}
	return s.syncName(key)
}

// name gives a file its key. A concurrent Delete may remove a folder between its
// making and its use: then again.
func (s *Store) name(tmp, key string, opts objstore.PutOptions) error {
	const attempts = 100
	var err error
	for range attempts {
		if err = s.root.MkdirAll(path.Dir(key), 0o755); errors.Is(err, fs.ErrExist) {
			err = s.whyExists(path.Dir(key))
		}
		switch {
		case err != nil:
		case opts.IfNoneMatch:
			err = s.root.Link(tmp, key)
		default:
			err = s.root.Rename(tmp, key)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		err = s.judgePublish(tmp, key, opts, err)
	}
	return err
}

// syncName makes the name of an object durable.
func (s *Store) syncName(key string) error {
	for dir := path.Dir(key); ; dir = path.Dir(dir) {
		if err := s.syncFolder(dir); err != nil {
			return classify(err)
		}
		if dir == "." {
			return nil
		}
	}
}

// whyExists says why a folder could not be made because something exists: an
// object has the name of the folder or of one above it, or the folder was there
// and a concurrent Delete took it away before it was looked at.
func (s *Store) whyExists(dir string) error {
	for ; dir != "."; dir = path.Dir(dir) {
		if there, err := s.root.Lstat(dir); err == nil && !there.IsDir() {
			return syscall.ENOTDIR
		}
	}
	return fs.ErrNotExist
}

// judgePublish names the reason why a link or rename failed; nil if it did
// not: an NFS client that repeats a link reports its own first one as EEXIST.
func (s *Store) judgePublish(tmp, key string, opts objstore.PutOptions, err error) error {
	there, statErr := s.root.Lstat(key)
	switch {
	case statErr == nil && there.IsDir(), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: the key is a folder of another key, or the reverse: %w", objstore.ErrInvalid, err)
	case opts.IfNoneMatch && errors.Is(err, fs.ErrExist):
		if ours, err := s.root.Lstat(tmp); err == nil && statErr == nil && os.SameFile(ours, there) {
			return nil
		}
		return objstore.ErrPreconditionFailed
	}
	return classify(err)
}

// syncFolder makes a folder's entries durable. One that is gone has none.
func (s *Store) syncFolder(dir string) error {
	f, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return s.sync(f)
}

// newName is a path of this session that was not used before.
func (s *Store) newName(kind string) string {
	return fmt.Sprintf("%s/%s-%d", s.session, kind, s.counter.Add(1))
}

func check(ctx context.Context, key string) error {
	if err := objstore.CheckKey(key); err != nil {
		return err
	}
	return ctx.Err()
}
