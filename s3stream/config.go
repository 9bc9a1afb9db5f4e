package s3stream

import (
	"context"
	"log/slog"
	"time"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/directack"
	"github.com/seawallmq/seawall/s3stream/gc"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal"
)

// StreamMeta is what opening, trimming and closing streams needs of the
// metadata.
type StreamMeta interface {
	// OpenStreams opens streams by one command and answers each, in order. An
	// error means that none was opened.
	OpenStreams(ctx context.Context, wal ids.WALInstance, streams []meta.OpenStream) ([]meta.OpenedStream, error)
	// CloseStreams ends the open tails of streams of this node by one command.
	// The error joins what was refused; the others are closed.
	CloseStreams(ctx context.Context, streams []meta.CloseStream) error
	// TailAt says which closed tail holds an offset, ok being false if objects
	// do, or no closed tail does.
	TailAt(stream ids.StreamID, offset int64) (t meta.HeldTail, ok bool)
	// LostUpTo says up to where the records from an offset on were lost with
	// WALs that were given up; ok is false if the one at the offset was not.
	LostUpTo(stream ids.StreamID, offset int64) (end int64, ok bool)
	// TrimStream raises the first readable offset of an open stream.
	TrimStream(ctx context.Context, stream ids.StreamID, epoch ids.StreamEpoch, newStart int64) error
}

// Meta is all that the streams layer asks of the metadata, room by room.
// Questions are answered from the local image; a command returns only once the
// local image has what it changed, so that what was committed is found in
// objects before it leaves the log cache.
type Meta interface {
	StreamMeta
	upload.Meta
	read.Index
	rescue.Meta
	gc.Meta
	// RetireWAL says that nothing in the instance is needed any more.
	RetireWAL(ctx context.Context, instance ids.WALInstance) error
}

// Config is what a Manager is made of.
type Config struct {
	Meta Meta
	Node ids.NodeID // this one

	// Remote reads closed tails that other nodes hold, into memory drawn from
	// RemoteMemory; what they read here by ReadHeld is charged to ServedMemory,
	// which must not be the same: two nodes that read from each other would wait
	// for each other. All nil where there are no other nodes.
	Remote       RemoteTails
	RemoteMemory *budget.Account
	ServedMemory *budget.Account
	// Marks, if set, is called before a commit lets the log forget: it appends,
	// and sees made durable, what a rescuer would miss otherwise. Its error is
	// logged and holds nothing up.
	Marks func(ctx context.Context) error

	// The log that takes appends, its cache, whose window must be the log's
	// sink, and the log's capacity in bytes. WAL and Window are nil on a node that
	// has no WAL.
	WAL         *wal.Log
	LogCache    *logcache.Cache
	Window      *logcache.Window
	WALCapacity int64

	// Direct, if set, is how streams are acknowledged from object storage.
	Direct *DirectConfig

	// The bucket, as uploads, reads and deletions may use it: retrying, and
	// each paced as its place in the order of work demands (I9).
	UploadStore objstore.Store
	ReadStore   objstore.Store
	GCStore     objstore.Store
	// SetUploadPace, if set, is told how many bytes a second UploadStore should
	// take; +Inf is without a bound.
	SetUploadPace func(bytesPerSecond float64)
	// Key makes a key for an object, another one at each call, which may come
	// from many goroutines at once; Prefix is what all keys of an object begin
	// with, and no other's.
	Key    func(ids.ObjectID) string
	Prefix func(ids.ObjectID) string

	// What batches are is known to others.
	Frame      read.Framer
	Summarizer upload.Summarizer

	BlockCache   *blockcache.Cache
	UploadMemory *budget.Account // at least 3 * PartBytes + BlockBytes
	Settings     Settings

	Clock  clock.Clock
	Random func() uint64
	Log    *slog.Logger
}

// DirectConfig is what acknowledging from object storage takes beside the rest of
// a Config.
type DirectConfig struct {
	// Store is the bucket as appends may use it: retrying, and not paced.
	Store    objstore.Store
	Memory   *budget.Account // for what is gathered, and for reads at the tail
	Settings directack.Settings
	Observer directack.Observer // may be nil
	// OpenLog makes the direct log known to the metadata. It is called once it is
	// needed first, until it succeeds.
	OpenLog func(ctx context.Context) (ids.WALInstance, error)
}

// Settings are the choices of an operator.
type Settings struct {
	Triggers   upload.Triggers
	Limits     upload.Limits
	BlockBytes int // of a data block in an object
	PartBytes  int // above it an object is uploaded in parts
	PutsMax    int // objects, and parts of each, in flight

	ColdReadsMax  int   // reads from WAL and object storage at once
	GetsMax       int   // GETs of blocks in flight
	IndexBytesMax int64 // of object indexes kept
	ConsumersMax  int   // sequential consumers remembered for read-ahead

	// GCInterval is how often unwanted objects are collected, PreparedTTL how
	// old one must be that an error left behind.
	GCInterval  time.Duration
	PreparedTTL time.Duration
}

// DefaultSettings are right for most: uploads of 128 MiB, every minute, or
// when half of the WAL is full.
func DefaultSettings() Settings {
	return Settings{
		Triggers:   upload.Triggers{Bytes: 128 << 20, Interval: time.Minute, FillPercent: 50},
		Limits:     upload.Limits{SplitBytes: 8 << 20, SetBytes: 128 << 20},
		BlockBytes: objfmt.BlockBytesTarget, PartBytes: 16 << 20, PutsMax: 4,
		ColdReadsMax: 64, GetsMax: 16, IndexBytesMax: 32 << 20, ConsumersMax: 4096,
		GCInterval: time.Minute, PreparedTTL: time.Hour,
	}
}
