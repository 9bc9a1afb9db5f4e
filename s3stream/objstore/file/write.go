package file

import (
	"context"
	"errors"
	"os"
	"unsafe"

	"github.com/ncw/directio"
	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

const (
	// directBlock is what direct writes are aligned to, in the file and in
	// memory: no less than any disk asks for.
	directBlock = 4 << 10
	// stageBytes is one direct write.
	stageBytes = 1 << 20
	// stagesKept is how many buffers of that size a Store keeps.
	stagesKept = 8
	// bufferedBytesMax is up to where a body goes through the page cache: it
	// is not worth a direct write's padding and preparation.
	bufferedBytesMax = 64 << 10
)

// writeFile makes a new file of the body, and syncs it.
func (s *Store) writeFile(ctx context.Context, name string, body objstore.Body) error {
	return s.onFile(name, os.O_CREATE|os.O_EXCL, func(f *os.File) error {
		if err := s.writeBody(ctx, f, 0, body); err != nil {
			return err
		}
		return classify(errors.Join(f.Truncate(body.Size), f.Sync()))
	})
}

// onFile opens a file for writing and closes it after use.
func (s *Store) onFile(name string, flags int, use func(f *os.File) error) error {
	f, err := s.root.OpenFile(name, flags|os.O_WRONLY, 0o644)
	if err != nil {
		return classify(err)
	}
	return errors.Join(use(f), classify(f.Close()))
}

// writeBody writes the body at off, which is a multiple of directBlock, and
// zeros up to the next one. It does so past the page cache where the file
// system lets it: objects are seldom read soon, and fresh page cache for all
// that is written would cost more than everything else about an upload. What
// lies in memory as direct I/O wants it is written from where it lies.
func (s *Store) writeBody(ctx context.Context, f *os.File, off int64, body objstore.Body) error {
	if body.Size > bufferedBytesMax {
		// Best effort, both: a file system may know neither.
		_ = unix.Fallocate(int(f.Fd()), 0, off, padded(body.Size))
		setDirect(f, true)
		defer setDirect(f, false)
	}
	w := bodyWriter{ctx: ctx, f: f, off: off}
	defer func() { s.giveStage(w.stage) }()
	for _, p := range body.Parts {
		n := w.inPlace(p)
		if err := w.write(p[:n]); err != nil {
			return err
		}
		for p = p[n:]; len(p) > 0; {
			if w.stage == nil {
				w.stage = s.takeStage()
			}
			n := copy(w.stage[w.staged:], p)
			w.staged, p = w.staged+n, p[n:]
			if w.staged < len(w.stage) {
				break
			}
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// bodyWriter writes one body block by block.
type bodyWriter struct {
	ctx    context.Context
	f      *os.File
	off    int64  // of what is written next, a multiple of directBlock
	stage  []byte // where odd pieces gather; nil until there are any
	staged int
}

// inPlace is how much of p, which comes next, can be written from where it is.
func (w *bodyWriter) inPlace(p []byte) int {
	if w.staged > 0 || uintptr(unsafe.Pointer(unsafe.SliceData(p)))%directBlock != 0 {
		return 0
	}
	return len(p) &^ (directBlock - 1)
}

// flush writes what is staged, with zeros up to a whole number of blocks.
func (w *bodyWriter) flush() error {
	if w.staged == 0 {
		return nil
	}
	end := padded(int64(w.staged))
	clear(w.stage[w.staged:end])
	w.staged = 0
	return w.write(w.stage[:end])
}

// write writes whole blocks.
func (w *bodyWriter) write(b []byte) error {
	for len(b) > 0 {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		n := min(len(b), stageBytes)
		if _, err := writeAt(w.f, b[:n], w.off); err != nil {
			return classify(err)
		}
		w.off += int64(n)
		b = b[n:]
	}
	return nil
}

// writeAt writes, and once more through the page cache if the file system
// wants another alignment.
func writeAt(f *os.File, b []byte, off int64) (int, error) {
	n, err := f.WriteAt(b, off)
	if errors.Is(err, unix.EINVAL) {
		setDirect(f, false)
		n, err = f.WriteAt(b, off)
	}
	return n, err
}

// setDirect turns direct I/O on or off; where there is none, nothing happens.
func setDirect(f *os.File, on bool) {
	fd := f.Fd()
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return
	}
	flags &^= unix.O_DIRECT
	if on {
		flags |= unix.O_DIRECT
	}
	_, _ = unix.FcntlInt(fd, unix.F_SETFL, flags)
}

// padded is n rounded up to a whole number of blocks.
func padded(n int64) int64 { return (n + directBlock - 1) &^ (directBlock - 1) }

func (s *Store) takeStage() []byte {
	select {
	case b := <-s.stages:
		return b
	default:
		return directio.AlignedBlock(stageBytes)
	}
}

func (s *Store) giveStage(b []byte) {
	if b == nil {
		return
	}
	select {
	case s.stages <- b:
	default:
	}
}
