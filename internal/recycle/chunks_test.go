package recycle

import (
	"testing"
	"unsafe"
)

func TestChunksAreRecycledUpToTheBound(t *testing.T) {
	c := NewChunks(2 * ChunkBytes)
	var all [][]byte
	for range 3 {
		p := c.Get()
		if len(p) != 0 || cap(p) != ChunkBytes || uintptr(unsafe.Pointer(unsafe.SliceData(p)))%ChunkBytes != 0 {
			t.Fatalf("chunk of %d bytes at %p", cap(p), p)
		}
		p = append(p, 1)
		p[:ChunkBytes][ChunkBytes-1] = 2 // all of it is there
		all = append(all, p)
	}
	for _, p := range all {
		c.Put(p[:1])
	}
	if n := len(c.kept.free); n != 2 {
		t.Errorf("%d chunks are kept, the bound is 2", n)
	}
	if again := c.Get(); unsafe.SliceData(again) != unsafe.SliceData(all[1]) {
		t.Error("want the chunk that was given back last of those that are kept")
	}
}

func TestChunksTakeNothingElse(t *testing.T) {
	c := NewChunks(ChunkBytes)
	c.Put(make([]byte, 0, ChunkBytes+1)) // as Get gives where the system has no more
	if n := len(c.kept.free); n != 0 {
		t.Errorf("%d chunks are kept", n)
	}
}
