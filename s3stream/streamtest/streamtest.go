// Package streamtest stands in for Kafka's batches in tests of streams: batches
// that say where they lie, the frame that reads them, a summarizer that has
// nothing to say. It owns no state and starts no goroutine.
package streamtest

import (
	"encoding/binary"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// BatchBytesMin is the size of a batch without filler: length u32, start u64,
// end u64.
const BatchBytesMin = 20

// Batch makes a batch of n bytes, filled by where it stands so that no other's
// bytes pass for its own.
func Batch(stream ids.StreamID, start, end int64, n int) []byte {
	b := make([]byte, n)
	binary.BigEndian.PutUint32(b, uint32(n))
	binary.BigEndian.PutUint64(b[4:], uint64(start))
	binary.BigEndian.PutUint64(b[12:], uint64(end))
	for i := BatchBytesMin; i < n; i++ {
		b[i] = byte(uint64(stream)*31 + uint64(start)*7 + uint64(i))
	}
	return b
}

// Frame reads the head of a batch.
func Frame(p []byte) (size int, start, end int64, err error) {
	if len(p) < BatchBytesMin {
		return 0, 0, 0, fmt.Errorf("batch cut to %d bytes", len(p))
	}
	size = int(binary.BigEndian.Uint32(p))
	if size < BatchBytesMin {
		return 0, 0, 0, fmt.Errorf("batch of %d bytes", size)
	}
	return size, int64(binary.BigEndian.Uint64(p[4:])), int64(binary.BigEndian.Uint64(p[12:])), nil
}

// NoSummary is a summarizer, and a summary, without notes.
type NoSummary struct{}

// Begin begins nothing.
func (NoSummary) Begin(ids.StreamID, int64) upload.Summary { return NoSummary{} }

// Add adds nothing.
func (NoSummary) Add([]byte) (uint32, bool) { return 0, false }

// Finish has nothing to say.
func (NoSummary) Finish() []byte { return nil }
