package device

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ncw/directio"
	"golang.org/x/sys/unix"
)

// FileOptions says how a file or block device is opened.
type FileOptions struct {
	// CreateBytes, if positive, makes the file, which must not exist, of this
	// length.
	CreateBytes int64
	// AllocateBytes of CreateBytes are reserved at once.
	AllocateBytes int64
	// Depth is how many submitted operations run at a time; at least 1.
	Depth int
	// AllowBuffered accepts a file system without direct I/O.
	AllowBuffered bool
	// ReadOnly opens for looking only, and takes no lock.
	ReadOnly bool
	// Lock refuses a file that another process has locked, and locks it.
	Lock bool
	// BeforeWriting, if set, is called once the file is locked and before anything
	// is written to it. It may read, and call Ioctl; its error ends the opening.
	BeforeWriting func(*File) error
	// Foreign opens what another host may still be writing to: nothing is
	// written to find out how writes are made durable, they just are (A2).
	Foreign bool
}

// File is a regular file or a block device with direct I/O.
type File struct {
	path  string
	file  *os.File
	fd    int
	geo   Geometry
	dsync bool // RWF_DSYNC works here; else fdatasync after each write

	// closing is held for reading over every use of queue and fd, which after
	// Close may be another file's.
	closing sync.RWMutex
	closed  bool
	queue   chan *Op
	workers sync.WaitGroup
}

// OpenFile opens the file or block device at path.
func OpenFile(path string, o FileOptions) (*File, error) {
	f := &File{path: path}
	if err := f.open(o); err != nil {
		return nil, err
	}
	if err := f.setUp(o); err != nil {
		_ = f.file.Close()
		if o.CreateBytes > 0 {
			_ = os.Remove(path)
		}
		return nil, err
	}
	depth := max(o.Depth, 1)
	f.queue = make(chan *Op, 4*depth)
	for range depth {
		f.workers.Go(f.work)
	}
	return f, nil
}

// open opens the file with O_DIRECT, or without where that is allowed.
func (f *File) open(o FileOptions) error {
	flags := os.O_RDWR
	switch {
	case o.ReadOnly:
		flags = os.O_RDONLY
	case o.CreateBytes > 0:
		flags |= os.O_CREATE | os.O_EXCL
	case isBlockDevice(f.path):
		flags |= unix.O_EXCL // refused while mounted or held by another
	}
	if info, err := os.Stat(f.path); err == nil && info.IsDir() {
		return fmt.Errorf("open WAL %s: is a directory: name a file in it", f.path)
	}
	file, err := directio.OpenFile(f.path, flags, 0o600)
	if errors.Is(err, unix.EINVAL) {
		// The file system has no direct I/O. With O_CREATE the file may have
		// been made all the same.
		if o.CreateBytes > 0 {
			_ = os.Remove(f.path)
		}
		if !o.AllowBuffered {
			return fmt.Errorf("open WAL %s: its file system does not support direct I/O (O_DIRECT), without which latency and durability are the page cache's: put the WAL on ext4, XFS, NFS or a raw device, or accept buffered writes with buffered=true in s3.wal.path", f.path)
		}
		file, err = os.OpenFile(f.path, flags, 0o600)
	}
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("open WAL %s: the device is mounted, or %w", f.path, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("open WAL: %w", err)
	}
	f.file, f.fd = file, int(file.Fd())
	return nil
}

func isBlockDevice(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeDevice != 0 && info.Mode()&os.ModeCharDevice == 0
}

// setUp locks, sizes and probes the open file.
func (f *File) setUp(o FileOptions) error {
	if o.Lock {
		if err := lockFile(f.file); err != nil {
			return err
		}
	}
	block := isBlockDevice(f.path)
	if o.CreateBytes > 0 {
		if err := f.create(min(o.AllocateBytes, o.CreateBytes), o.CreateBytes); err != nil {
			return err
		}
	}
	size, err := f.file.Seek(0, 2)
	if err != nil {
		return fmt.Errorf("size of WAL %s: %w", f.path, err)
	}
	f.geo = Geometry{SizeBytes: size, ZeroAhead: !block}
	f.geo.BlockBytes, f.geo.MemoryAlign = alignment(f.fd, block)
	if o.BeforeWriting != nil {
		if err := o.BeforeWriting(f); err != nil {
			return err
		}
	}
	if o.ReadOnly {
		f.geo.Durability = "read-only"
		return nil
	}
	if o.Foreign {
		f.geo.Durability = "fdatasync"
		return nil
	}
	return f.probe()
}

// create gives a new file its length and reserves its first n bytes.
func (f *File) create(n, size int64) error {
	if err := unix.Ftruncate(f.fd, size); err != nil {
		return fmt.Errorf("set length of WAL %s to %d: %w", f.path, size, err)
	}
	return f.Allocate(n)
}

// Allocate reserves the space of the first n bytes, so that the file system
// cannot run full under an acknowledged log. It writes nothing: see
// Geometry.ZeroAhead. Where the file system cannot, nothing happens.
func (f *File) Allocate(n int64) error {
	f.closing.RLock()
	defer f.closing.RUnlock()
	if n <= 0 || f.closed {
		return nil
	}
	err := unix.Fallocate(f.fd, 0, 0, n)
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("allocate %d bytes for WAL %s: %w", n, f.path, err)
	}
	return nil
}

// Punch gives back the space of [from, to), which then reads as zeros. Where
// the file system cannot, nothing happens.
func (f *File) Punch(from, to int64) error {
	f.closing.RLock()
	defer f.closing.RUnlock()
	if to <= from || f.closed || !f.geo.ZeroAhead {
		return nil
	}
	err := unix.Fallocate(f.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, to-from)
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("punch WAL %s from %d to %d: %w", f.path, from, to, err)
	}
	return nil
}

// Ioctl does one of the kernel's device controls, whose argument is a structure.
// It returns what the kernel answers where there is no error: 0, but for
// reservations a status of the device's own.
func (f *File) Ioctl(request uint, argument []byte) (int, error) {
	f.closing.RLock()
	defer f.closing.RUnlock()
	if f.closed {
		return 0, fmt.Errorf("control WAL %s: %w", f.path, ErrClosed)
	}
	return ioctl(f.fd, request, argument)
}

// Geometry implements Device.
func (f *File) Geometry() Geometry { return f.geo }

// Submit implements Device.
func (f *File) Submit(op *Op) {
	f.closing.RLock()
	defer f.closing.RUnlock()
	if f.closed {
		op.Err = f.closedError(op)
		go op.Done(op) // not here: a callback may take the submitter's locks
		return
	}
	f.queue <- op
}

// Inline implements Device: it always performs op.
func (f *File) Inline(op *Op) bool {
	f.closing.RLock()
	defer f.closing.RUnlock()
	if f.closed {
		op.Err = f.closedError(op)
		return true
	}
	f.perform(op)
	return true
}

func (f *File) closedError(op *Op) error {
	return fmt.Errorf("%s WAL %s: %w", op.Kind, f.path, ErrClosed)
}

// Close implements Device.
func (f *File) Close() error {
	f.closing.Lock()
	if f.closed {
		f.closing.Unlock()
		return nil
	}
	f.closed = true
	close(f.queue)
	f.closing.Unlock()
	f.workers.Wait()
	return f.file.Close()
}

func (f *File) work() {
	for op := range f.queue {
		f.perform(op)
		op.Done(op)
	}
}

func (f *File) perform(op *Op) {
	began := time.Now()
	var err error
	switch op.Kind {
	case Read:
		err = f.read(op)
	case Write, WriteRelaxed:
		err = f.write(op)
	case Sync:
		err = unix.Fdatasync(f.fd)
	}
	if err != nil {
		err = fmt.Errorf("%s of %d bytes at %d of WAL %s: %w", op.Kind, op.Bytes(), op.Offset, f.path, err)
	}
	op.Err, op.Took = err, time.Since(began)
}
