package recycle

import (
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ChunkBytes is the size of a chunk: a huge page.
const ChunkBytes = 2 << 20

// Chunks are free chunks, each a huge page off the heap where the system has
// them. What a device is given to write from there costs the kernel one look
// instead of 512, and goes in few pieces. Its methods may be called
// concurrently.
type Chunks struct {
	max  int
	kept *chunkList
}

// chunkList is what outlives Chunks until its memory is given back.
type chunkList struct {
	mu   sync.Mutex
	free []unsafe.Pointer // the last one given back leaves first
}

// NewChunks keeps up to maxBytes free. They go back to the system when nobody
// has the Chunks any more; who uses a chunk has to.
func NewChunks(maxBytes int64) *Chunks {
	c := &Chunks{max: int(maxBytes / ChunkBytes), kept: &chunkList{}}
	runtime.AddCleanup(c, func(l *chunkList) {
		for _, p := range l.free {
			unmap(p)
		}
	}, c.kept)
	return c
}

// Get returns an empty chunk, if there is one the warmest that is free. Its
// memory is not cleared.
func (c *Chunks) Get() []byte {
	l := c.kept
	l.mu.Lock()
	if last := len(l.free) - 1; last >= 0 {
		p := l.free[last]
		l.free = l.free[:last]
		l.mu.Unlock()
		return unsafe.Slice((*byte)(p), ChunkBytes)[:0]
	}
	l.mu.Unlock()
	if p := mapChunk(); p != nil {
		return unsafe.Slice((*byte)(p), ChunkBytes)[:0]
	}
	// The heap serves as well, and never sees it again: Put could not tell.
	return make([]byte, 0, ChunkBytes+1)
}

// Put takes a chunk that Get returned; nobody may use it afterwards.
func (c *Chunks) Put(chunk []byte) {
	if cap(chunk) != ChunkBytes {
		return // of the heap
	}
	p := unsafe.Pointer(unsafe.SliceData(chunk))
	l := c.kept
	l.mu.Lock()
	if len(l.free) < c.max {
		l.free = append(l.free, p)
		p = nil
	}
	l.mu.Unlock()
	if p != nil {
		unmap(p)
	}
}

// mapChunk maps twice as much and gives back what is before and behind the
// aligned half. It returns nil if the system has no more.
func mapChunk() unsafe.Pointer {
	p, err := unix.MmapPtr(-1, 0, nil, 2*ChunkBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	before := -uintptr(p) & (ChunkBytes - 1)
	chunk := unsafe.Add(p, before)
	if before > 0 {
		_ = unix.MunmapPtr(p, before) // cannot fail: it is ours
	}
	_ = unix.MunmapPtr(unsafe.Add(chunk, ChunkBytes), ChunkBytes-before)
	_ = unix.Madvise(unsafe.Slice((*byte)(chunk), ChunkBytes), unix.MADV_HUGEPAGE) // best effort: small pages serve too
	return chunk
}

func unmap(p unsafe.Pointer) { _ = unix.MunmapPtr(p, ChunkBytes) } // cannot fail: it is ours
