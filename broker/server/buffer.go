package server

import (
	"math/bits"
	"sync"

	"github.com/seawallmq/seawall/internal/invariant"
	"github.com/seawallmq/seawall/internal/recycle"
)

const (
	bufferClassMin = 9  // 512 B
	bufferClassMax = 16 // 64 KiB; larger buffers are of largeBuffers

	// largeBytesMax is how much memory of large requests and responses is kept
	// for the next.
	largeBytesMax = 64 << 20
)

// Buffer is pooled memory. Its holder may replace B, for instance by appending
// to it, and gives it back by Release.
type Buffer struct {
	B []byte
}

var (
	bufferPools  [bufferClassMax + 1]sync.Pool
	largeBuffers = recycle.NewBuffers(largeBytesMax)
)

// GetBuffer returns a buffer with len(B) 0 and a capacity of at least n bytes.
func GetBuffer(n int) *Buffer {
	class := bufferClass(n)
	if class > bufferClassMax {
		return &Buffer{B: largeBuffers.Get(n)}
	}
	if b, ok := bufferPools[class].Get().(*Buffer); ok {
		b.B = b.B[:0]
		return b
	}
	return &Buffer{B: make([]byte, 0, 1<<class)}
}

// Release gives the buffer back; nobody may use it or its bytes afterwards.
func (b *Buffer) Release() {
	if invariant.Enabled {
		for i := range b.B[:cap(b.B)] {
			b.B[:cap(b.B)][i] = 0xdb
		}
	}
	// A buffer grown by append lands in the largest class it can serve.
	class := bits.Len(uint(cap(b.B))) - 1
	switch {
	case cap(b.B) > 1<<bufferClassMax:
		largeBuffers.Put(b.B)
		b.B = nil
	case class >= bufferClassMin:
		bufferPools[class].Put(b)
	}
}

// bufferClass is the smallest class that holds n bytes.
func bufferClass(n int) int {
	if n <= 1<<bufferClassMin {
		return bufferClassMin
	}
	return bits.Len(uint(n - 1))
}

// bufferBytes is what a buffer for n bytes occupies.
func bufferBytes(n int) int {
	if class := bufferClass(n); class <= bufferClassMax {
		return 1 << class
	}
	return recycle.Size(n)
}
