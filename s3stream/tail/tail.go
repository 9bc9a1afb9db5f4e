package tail

import (
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal"
)

// Errors of Append. After any of them nothing was appended.
var (
	// ErrFull: no space until something is uploaded and trimmed. Retriable.
	ErrFull = wal.ErrFull
	// ErrFenced: the log takes no more appends, for good: a write failed or
	// hung, or another took over.
	ErrFenced = wal.ErrFenced
	// ErrTooLarge: the record would never fit.
	ErrTooLarge = wal.ErrTooLarge
)

// Record is one batch of a stream, for the offsets [Base, End).
type Record struct {
	Stream    ids.StreamID
	Epoch     ids.StreamEpoch
	Base, End int64
	Payload   []byte // copied before Append returns
	CRC       uint32 // CRC32C of Payload, if HasCRC
	HasCRC    bool
}

// Completion is told what became of an append: nil once it is durable, else
// the error for which it may not be. It is called in the order of a stream's
// appends, on
// the goroutine that finished the write, and must be quick: everybody behind
// waits for it.
type Completion interface {
	Durable(err error)
}

// Log makes appends durable. It has two ends: a write-ahead log (WAL), and
// object storage itself (s3stream/directack).
type Log interface {
	// Append copies the record and returns once its place is fixed; done is
	// called when it is durable, for which Flush must be called after, once
	// for any number of appends. Appends of one stream come from one goroutine
	// at a time.
	Append(r Record, done Completion) error
	// Mark appends a note on a stream as of an offset, which only a rescue reads
	// again. It is copied; done and Flush are as for Append.
	Mark(stream ids.StreamID, epoch ids.StreamEpoch, offset int64, note []byte, done Completion) error
	// Flush sees to it that what was appended becomes durable: until then it
	// may be left to gather. inline lets it write in this goroutine.
	Flush(inline bool)
	// DurableUpTo is the position below which everything is durable.
	DurableUpTo() int64
	// Close makes what was appended durable and lets go.
	Close() error
}
