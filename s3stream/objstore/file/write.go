package file

import (
	"context"
	"errors"
	"io"
	"os"

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
// that is written would cost more than everything else about an upload.
func (s *Store) writeBody(ctx context.Context, f *os.File, off int64, body objstore.Body) error {
	stage := s.takeStage()
	defer s.giveStage(stage)
	if body.Size > bufferedBytesMax {
		// Best effort, both: a file system may know neither.
		_ = unix.Fallocate(int(f.Fd()), 0, off, padded(body.Size))
		setDirect(f, true)
		defer setDirect(f, false)
	}
	for r := body.Reader(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, stage)
		if err == io.EOF {
			return nil
		}
		end := int(padded(int64(n)))
		clear(stage[n:end])
		if _, err := writeAt(f, stage[:end], off); err != nil {
			return classify(err)
		}
		off += int64(n)
	}
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
	select {
	case s.stages <- b:
	default:
	}
}
