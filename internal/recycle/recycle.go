package recycle

import (
	"math/bits"
	"sync"
)

// bytesMin is the smallest buffer.
const bytesMin = 4 << 10

// Buffers are free buffers, by size. Its methods may be called concurrently.
type Buffers struct {
	max int64

	mu   sync.Mutex
	free map[int][][]byte // by capacity; the last one given back leaves first
	kept int64            // bytes in free
}

// NewBuffers keeps up to max bytes free.
func NewBuffers(max int64) *Buffers {
	return &Buffers{max: max, free: map[int][][]byte{}}
}

// Size is the capacity of the buffer that Get(n) returns: less than a quarter
// more than n, or 4 KiB.
func Size(n int) int {
	if n <= bytesMin {
		return bytesMin
	}
	step := 1 << (bits.Len(uint(n-1)) - 3)
	return (n + step - 1) / step * step
}

// Get returns an empty buffer with room for n bytes, if there is one the
// warmest that is free. Its memory beyond its length is not cleared.
func (b *Buffers) Get(n int) []byte {
	size := Size(n)
	b.mu.Lock()
	list := b.free[size]
	last := len(list) - 1
	if last < 0 {
		b.mu.Unlock()
		return make([]byte, 0, size)
	}
	got := list[last]
	list[last] = nil
	b.free[size] = list[:last]
	b.kept -= int64(size)
	b.mu.Unlock()
	return got[:0]
}

// Put takes a buffer that Get returned; nobody may use it afterwards. Where it
// does not fit, buffers of other sizes are given up for it.
func (b *Buffers) Put(p []byte) {
	size := cap(p)
	if size != Size(size) || int64(size) > b.max {
		return // not from Get, or too large to keep
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for other, list := range b.free {
		if b.kept+int64(size) <= b.max {
			break
		}
		if other != size {
			delete(b.free, other)
			b.kept -= int64(other) * int64(len(list))
		}
	}
	if b.kept+int64(size) <= b.max {
		b.free[size] = append(b.free[size], p)
		b.kept += int64(size)
	}
}
