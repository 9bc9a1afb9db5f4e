package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

const (
	ownFolder = ".seawall"
	lockName  = "lock"
)

// Store keeps objects in a directory.
type Store struct {
	root    *os.Root
	session string   // folder of this Store's unfinished writes, below root
	lock    *os.File // locked while the Store is open
	counter atomic.Uint64
	stages  chan []byte // aligned buffers for direct writes, free
	sync    func(folder *os.File) error
}

var _ objstore.Store = (*Store)(nil)

// Open opens the store in dir, which it makes if need be, and removes what
// crashed processes left unfinished. An error says what to do about dir.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("objstore: directory %s cannot be made: %w", dir, explain(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("objstore: directory %s cannot be opened: %w", dir, explain(err))
	}
	s := &Store{root: root, stages: make(chan []byte, stagesKept), sync: (*os.File).Sync}
	if err := s.begin(); err != nil {
		root.Close()
		return nil, fmt.Errorf("objstore: directory %s cannot be written: %w", dir, explain(err))
	}
	return s, nil
}

// begin makes this Store's session folder and removes dead ones. The common
// lock keeps one opener from taking another's, not yet locked, for dead.
func (s *Store) begin() error {
	if err := s.root.MkdirAll(ownFolder, 0o755); err != nil {
		return err
	}
	common, err := lockFile(s.root, ownFolder+"/"+lockName, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer common.Close()
	sessions, err := fs.ReadDir(s.root.FS(), ownFolder)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, e := range sessions {
		if e.IsDir() && !s.removeDead(ownFolder+"/"+e.Name()) {
			taken[e.Name()] = true
		}
	}
	name := ""
	for n := 0; ; n++ {
		if name = fmt.Sprintf("session-%d", n); !taken[name] {
			break
		}
	}
	s.session = ownFolder + "/" + name
	if err := s.root.Mkdir(s.session, 0o755); err != nil {
		return err
	}
	s.lock, err = lockFile(s.root, s.session+"/"+lockName, syscall.LOCK_EX|syscall.LOCK_NB)
	return err
}

// removeDead removes a session folder unless somebody holds its lock, or it
// cannot be removed, and says whether the name is free.
func (s *Store) removeDead(session string) bool {
	lock, err := lockFile(s.root, session+"/"+lockName, syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return false
	}
	defer lock.Close()
	return s.root.RemoveAll(session) == nil
}

// Close gives up whatever is unfinished. The Store is not used afterwards.
func (s *Store) Close() error {
	err := s.root.RemoveAll(s.session)
	return errors.Join(err, s.lock.Close(), s.root.Close())
}

// lockFile opens the file, making it if need be, and locks it by flock.
func lockFile(root *os.Root, path string, how int) (*os.File, error) {
	f, err := root.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
	}
	return f, nil
}

// explain adds the kind of error, and what to do about it, to a system error.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (uid %d): change its owner or mode, or choose another: %w", objstore.ErrDenied, os.Getuid(), err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: its file system is read-only: %w", objstore.ErrDenied, err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: a file stands in its place: %w", objstore.ErrInvalid, err)
	}
	return classify(err)
}

// classify adds the kind of error to a system error.
func classify(err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", objstore.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", objstore.ErrDenied, err)
	case errors.As(err, &errno):
		// No space, I/O error, stale NFS handle, too many open files: each may
		// pass, and a write is begun anew with a fresh file.
		return fmt.Errorf("%w: %w", objstore.ErrUnavailable, err)
	}
	return err
}
