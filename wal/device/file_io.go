package device

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"github.com/ncw/directio"
	"golang.org/x/sys/unix"
)

// blockBytesMin is the least that alignment is taken to be: the sector of A3.
const blockBytesMin = 512

func (f *File) read(op *Op) error {
	at := op.Offset
	for _, buf := range op.Bufs {
		for len(buf) > 0 {
			n, err := unix.Pread(f.fd, buf, at)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				return err
			}
			if n == 0 {
				return io.ErrUnexpectedEOF
			}
			buf, at = buf[n:], at+int64(n)
		}
	}
	return nil
}

func (f *File) write(op *Op) error {
	flags := 0
	if op.Kind == Write && f.dsync {
		flags = unix.RWF_DSYNC
	}
	n, err := unix.Pwritev2(f.fd, op.Bufs, op.Offset, flags)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Pwritev2(f.fd, op.Bufs, op.Offset, flags)
	}
	if err != nil {
		return err
	}
	if want := op.Bytes(); n < want {
		if err := f.writeRest(op, n, flags); err != nil {
			return err
		}
	}
	if op.Kind == Write && !f.dsync {
		return unix.Fdatasync(f.fd)
	}
	return nil
}

// writeRest completes a short write, which is rare: a signal or the end of a
// file system's extent.
func (f *File) writeRest(op *Op, done, flags int) error {
	at := op.Offset
	for _, buf := range op.Bufs {
		if done >= len(buf) {
			done -= len(buf)
			at += int64(len(buf))
			continue
		}
		buf, at, done = buf[done:], at+int64(done), 0
		for len(buf) > 0 {
			n, err := unix.Pwritev2(f.fd, [][]byte{buf}, at, flags)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				return err
			}
			if n == 0 {
				return io.ErrShortWrite
			}
			buf, at = buf[n:], at+int64(n)
		}
	}
	return nil
}

// alignment is what direct I/O asks for on this file (A1): what the kernel
// reports, else the block size of the device, else 4096, and never below 512.
func alignment(fd int, block bool) (blockBytes, memoryAlign int) {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st)
	if err == nil && st.Mask&unix.STATX_DIOALIGN != 0 && st.Dio_offset_align > 0 {
		return max(int(st.Dio_offset_align), blockBytesMin), max(int(st.Dio_mem_align), blockBytesMin)
	}
	if block {
		if n, err := unix.IoctlGetInt(fd, unix.BLKSSZGET); err == nil && n > 0 {
			return max(n, blockBytesMin), max(n, blockBytesMin)
		}
	}
	return 4096, 4096
}

// probe finds out at start, with the first block rewritten as it is, whether
// direct writes of the reported alignment work and how they are made durable
// (A1, A2).
func (f *File) probe() error {
	if f.geo.SizeBytes < int64(f.geo.BlockBytes) {
		return fmt.Errorf("open WAL %s: %d bytes are too few for a WAL", f.path, f.geo.SizeBytes)
	}
	op := &Op{Kind: Read, Bufs: [][]byte{Aligned(f.geo.BlockBytes)}}
	if err := f.read(op); err != nil {
		return fmt.Errorf("probe WAL %s: read of %d bytes: %w", f.path, f.geo.BlockBytes, err)
	}
	op.Kind, f.dsync, f.geo.Durability = Write, true, "RWF_DSYNC"
	err := f.write(op)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		f.dsync, f.geo.Durability = false, "fdatasync"
		err = f.write(op)
	}
	if err != nil {
		return fmt.Errorf("probe WAL %s: durable write of %d bytes: %w", f.path, f.geo.BlockBytes, err)
	}
	return nil
}

func ioctl(fd int, request uint, argument []byte) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(argument))))
		switch errno {
		case 0:
			return int(r), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// Aligned makes a buffer of n bytes that is aligned for direct I/O on any
// device.
func Aligned(n int) []byte {
	if n == 0 {
		return nil
	}
	return directio.AlignedBlock(n)[:n:n]
}

// IsAligned says whether buf may be handed to a device of this geometry.
func (g *Geometry) IsAligned(offset int64, buf []byte) bool {
	return offset%int64(g.BlockBytes) == 0 && len(buf)%g.BlockBytes == 0 && len(buf) > 0 &&
		uintptr(unsafe.Pointer(&buf[0]))%uintptr(g.MemoryAlign) == 0
}

// ErrLocked: another process has the WAL.
var ErrLocked = errors.New("WAL is in use by another process")

// lockFile takes the advisory lock of A9 without waiting.
func lockFile(file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%w: %s: one WAL belongs to one broker", ErrLocked, file.Name())
	}
	if err != nil {
		return fmt.Errorf("lock WAL %s: %w", file.Name(), err)
	}
	return nil
}

// Lock is a lock of its own file, for WALs whose files come and go.
type Lock struct{ file *os.File }

// TakeLock makes the file at path if need be and locks it, or says that another
// process has it. The lock ends with Release or with the process.
func TakeLock(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock WAL: %w", err)
	}
	if err := lockFile(file); err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Lock{file}, nil
}

// Release gives up the lock. The file stays: removing it would let two
// processes lock two files of one name.
func (l *Lock) Release() error { return l.file.Close() }
