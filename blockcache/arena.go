package blockcache

import (
	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/internal/invariant"
)

const (
	// arenaGrain divides the sizes of buffers off the heap, so that those of
	// about one size can stand in for each other; those of runs, from runMin on,
	// are divided by runGrain.
	arenaGrain = 256 << 10
	runGrain   = 1 << 20
	runMin     = 2 << 20
	// arenaMin is the least size that goes off the heap: below, the rounding
	// would cost more than the collector.
	arenaMin = 64 << 10
	// arenaSpare is how much beyond the cache's bytes may be mapped, as a
	// divisor of them: what lies free in other sizes than are asked for.
	arenaSpare = 8
)

// Heap is Memory of the garbage collector: for simulations, which drop their
// nodes without closing them.
type Heap struct{}

// Cost implements Memory.
func (Heap) Cost(size int) int64 { return int64(size) }

// Alloc implements Memory.
func (Heap) Alloc(size int) []byte { return make([]byte, size) }

// Free implements Memory.
func (Heap) Free([]byte) {}

// arena is Memory off the heap, where a large cache does not make the
// collector's goal double. Freed buffers are kept for the next of their size,
// last in first out: the first touch of fresh memory costs many times that of
// touched memory. It is used under the cache's lock and has none.
type arena struct {
	bytesMax int64 // of what is mapped, used or free
	mapped   int64
	free     map[int][][]byte // by length, oldest first
}

func newArena(bytesMax int64) *arena {
	return &arena{bytesMax: bytesMax + bytesMax/arenaSpare, free: map[int][][]byte{}}
}

// Cost implements Memory.
func (a *arena) Cost(size int) int64 {
	if size < arenaMin {
		return int64(size)
	}
	grain := int64(arenaGrain)
	if size >= runMin {
		grain = runGrain
	}
	return (int64(size) + grain - 1) / grain * grain
}

// Alloc implements Memory.
func (a *arena) Alloc(size int) []byte {
	if size < arenaMin {
		return make([]byte, size)
	}
	n := int(a.Cost(size))
	if list := a.free[n]; len(list) > 0 {
		b := list[len(list)-1]
		a.free[n] = list[:len(list)-1]
		return b[:size]
	}
	for a.mapped+int64(n) > a.bytesMax && a.unmapOne() {
	}
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, size, n+1) // the heap serves as well; Free knows it by its capacity
	}
	a.mapped += int64(n)
	return b[:size]
}

// Free implements Memory.
func (a *arena) Free(b []byte) {
	if n := cap(b); n >= arenaGrain && n%arenaGrain == 0 {
		a.free[n] = append(a.free[n], b)
	}
}

// unmapOne gives the coldest buffer of the size with the most free bytes back
// to the system, and says whether there was one.
func (a *arena) unmapOne() bool {
	size, most := 0, 0
	for n, list := range a.free {
		if n*len(list) > most {
			size, most = n, n*len(list)
		}
	}
	if most == 0 {
		return false
	}
	b := a.free[size][0]
	a.free[size] = a.free[size][1:]
	err := unix.Munmap(b[:size])
	invariant.Check(err == nil, "blockcache: unmap: %v", err)
	a.mapped -= int64(size)
	return true
}

// close unmaps all that is free.
func (a *arena) close() {
	for a.unmapOne() {
	}
}
