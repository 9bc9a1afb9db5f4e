package directack

import (
	"log/slog"
	"time"

	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/upload"
)

// Settings are the choices of an operator.
type Settings struct {
	Interval   time.Duration // from a batch's first append to its sealing
	BatchBytes int64         // of a batch, at which it is sealed before
	PutsMax    int           // in flight at once
}

// DefaultSettings are AutoMQ's and Inkless's too.
func DefaultSettings() Settings {
	return Settings{Interval: 250 * time.Millisecond, BatchBytes: 8 << 20, PutsMax: 8}
}

// Config is what a Log is made of.
type Config struct {
	Meta upload.Meta
	// Store is retrying, and not paced: appends come first (I9).
	Store objstore.Store
	// Key makes a key for an object, another one at each call.
	Key        func(ids.ObjectID) string
	Summarizer upload.Summarizer
	BlockBytes int // of a data block
	// Memory bounds what is in memory: what is not acknowledged yet, and what is
	// kept for reads.
	Memory   *budget.Account
	Settings Settings
	// Accepted is called with each slice that metadata took, before its appends
	// are acknowledged.
	Accepted func(meta.Slice)
	Observer Observer // may be nil
	Clock    clock.Clock
	Random   func() uint64 // for jitter; may be nil
	Log      *slog.Logger
}

// Observer is told how long things took.
type Observer interface {
	// BatchPut is told of an object that is in the store, since the first attempt.
	BatchPut(took time.Duration, bytes int64)
	// BatchCommitted is told of one that the metadata has.
	BatchCommitted(took time.Duration)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) BatchPut(time.Duration, int64) {}
func (nobody) BatchCommitted(time.Duration)  {}

// Stats is a snapshot of a Log.
type Stats struct {
	Batches, Bytes uint64 // committed; bytes of records
	RefusedSlices  uint64 // of streams that were deleted meanwhile
	Puts           uint64 // attempts, hedges among them
	Hedges         uint64
	Failures       uint64 // PUTs and commits that had to be repeated
	Full           uint64 // appends refused for want of memory
	InFlight       int    // batches sealed and not acknowledged
	HeldBytes      int64  // in memory, acknowledged or not
	PendingBytes   int64  // of those, not acknowledged
}
