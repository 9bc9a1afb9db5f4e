package s3sim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/ncw/directio"
	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/internal/crc"
)

const (
	// blockBytes is what offsets and lengths of direct I/O are multiples of.
	blockBytes = 4 << 10
	// chunkBytes is one write or read of the volume.
	chunkBytes = 256 << 10
	// chunksMax bounds the buffers, and with them how many transfers are under
	// way at once: 64 MiB.
	chunksMax = 256
	// growBytes is how far the file is lengthened at a time.
	growBytes = 64 << 20
)

// errFull says that the volume has no room.
var errFull = errors.New("the simulated store is full")

// extent is where bytes lie in the volume. The zero extent is of no bytes.
type extent struct{ off, len int64 }

// volume keeps the bytes of all objects in one file without a name, which the
// kernel frees with the process, however that ends. One file, whose space is
// written again and again, keeps the file system's journal out of a disk that
// is being measured. Nothing is ever synced.
type volume struct {
	f *os.File

	mu    sync.Mutex // leaf
	space space
	size  int64 // of the file

	turns chan struct{} // one for each buffer that may be out
	idle  struct {
		sync.Mutex // leaf
		chunks     [][]byte
	}
}

// openVolume makes a volume in dir of at most capacityBytes.
func openVolume(dir string, capacityBytes int64) (*volume, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("s3sim: folder %s cannot be made: %w", dir, err)
	}
	named, err := os.CreateTemp(dir, "s3sim-*")
	if err != nil {
		return nil, fmt.Errorf("s3sim: folder %s cannot be written: %w", dir, err)
	}
	defer os.Remove(named.Name())
	v := &volume{f: named, space: space{max: capacityBytes}, turns: make(chan struct{}, chunksMax)}
	// Not every file system has direct I/O.
	if f, err := os.OpenFile(named.Name(), os.O_RDWR|syscall.O_DIRECT, 0); err == nil {
		named.Close()
		v.f = f
	}
	return v, nil
}

// Close frees everything.
func (v *volume) Close() error { return v.f.Close() }

// chunk waits for a buffer of chunkBytes; giveChunk takes it back. The last one
// that came back leaves first: it is warm.
func (v *volume) chunk() []byte {
	v.turns <- struct{}{}
	v.idle.Lock()
	defer v.idle.Unlock()
	if last := len(v.idle.chunks) - 1; last >= 0 {
		b := v.idle.chunks[last]
		v.idle.chunks = v.idle.chunks[:last]
		return b
	}
	return directio.AlignedBlock(chunkBytes)
}

func (v *volume) giveChunk(b []byte) {
	v.idle.Lock()
	v.idle.chunks = append(v.idle.chunks, b)
	v.idle.Unlock()
	<-v.turns
}

// allocate finds room for n bytes and makes the file as long.
func (v *volume) allocate(n int64) (extent, error) {
	if n == 0 {
		return extent{}, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	off, ok := v.space.take(padded(n))
	if !ok {
		return extent{}, errFull
	}
	if v.space.end > v.size {
		size := (v.space.end + growBytes - 1) / growBytes * growBytes
		if err := grow(v.f, v.size, size); err != nil {
			v.space.give(off, padded(n))
			return extent{}, fmt.Errorf("%w: %w", errFull, err)
		}
		v.size = size
	}
	return extent{off, n}, nil
}

// grow lengthens a file, with real space where the file system can: then a full
// disk shows here, and writes need not find room.
func grow(f *os.File, from, to int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, from, to-from)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return f.Truncate(to)
	}
	return err
}

// release frees extents.
func (v *volume) release(extents ...extent) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range extents {
		if e.len > 0 {
			v.space.give(e.off, padded(e.len))
		}
	}
}

// store writes n bytes of r, and computes their CRC32C if that is wanted. An
// error of r is returned as it is.
func (v *volume) store(r io.Reader, n int64, wantCRC bool) (e extent, sum uint32, err error) {
	if e, err = v.allocate(n); err != nil || n == 0 {
		return e, 0, err
	}
	b := v.chunk()
	defer v.giveChunk(b)
	for at := int64(0); at < n; at += chunkBytes {
		part := b[:min(n-at, chunkBytes)]
		if _, err = io.ReadFull(r, part); err != nil {
			break
		}
		if wantCRC {
			sum = crc.Update(sum, part)
		}
		// What follows the last byte up to its block's end is never read.
		if _, err = v.f.WriteAt(b[:padded(int64(len(part)))], e.off+at); err != nil {
			break
		}
	}
	if err != nil {
		v.release(e)
		return extent{}, 0, err
	}
	return e, sum, nil
}

// load hands n bytes of an extent, from off on, to use in pieces, each valid
// until use returns.
func (v *volume) load(e extent, off, n int64, use func(piece []byte) error) error {
	for end := off + n; off < end; {
		first := off &^ (blockBytes - 1)
		upTo := min(end, first+chunkBytes)
		if err := v.loadChunk(e.off+first, off-first, upTo-first, use); err != nil {
			return err
		}
		off = upTo
	}
	return nil
}

// loadChunk hands over bytes from up to to of the chunk at off.
func (v *volume) loadChunk(off, from, to int64, use func(piece []byte) error) error {
	b := v.chunk()
	defer v.giveChunk(b)
	if _, err := v.f.ReadAt(b[:padded(to)], off); err != nil {
		return err
	}
	return use(b[from:to])
}

func padded(n int64) int64 { return (n + blockBytes - 1) &^ (blockBytes - 1) }
