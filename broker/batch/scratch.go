package batch

import "sync"

// scratchKeepBytesMax is the largest buffer that goes back to the pool; a rare
// huge batch must not be paid for in memory ever after.
const scratchKeepBytesMax = 4 << 20

// scratchBuffers holds what batches were decompressed into. They hold pointers
// to slices, as a slice in an interface would be allocated each time.
var scratchBuffers = sync.Pool{New: func() any { return new([]byte) }}

func getScratch() *[]byte { return scratchBuffers.Get().(*[]byte) }

func putScratch(b *[]byte) {
	if cap(*b) > scratchKeepBytesMax {
		*b = nil
	}
	scratchBuffers.Put(b)
}
