package coordinator

import (
	"context"
	"errors"
)

// Errors by which a Log says that an append is not, and will not be, in the
// log. Any other error of an append leaves its outcome unknown.
var (
	// ErrRefused: there is no room now.
	ErrRefused = errors.New("coordinator: append refused")
	// ErrNotLeader: this node does not, or can not, lead the partition any
	// more, and clients should look for the one that does.
	ErrNotLeader = errors.New("coordinator: not the leader of the partition")
)

// Log is one partition of __consumer_offsets, as long as this node leads it in
// one leader epoch.
type Log interface {
	// Append hands one record batch to the log; it does not wait for the
	// device. done is called exactly once, from any goroutine, with the base
	// offset once the batch is below the high watermark, or with an error.
	// Batches become durable in the order of Append. batch belongs to the Log
	// until done.
	Append(batch []byte, done func(baseOffset int64, err error))
	// Read returns whole batches from the one that holds offset from, which is
	// below the high watermark: at least one, and about bytesMax in all. The
	// bytes are the caller's.
	Read(ctx context.Context, from int64, bytesMax int) ([]byte, error)
	// Bounds are the log's start and its high watermark.
	Bounds() (start, highWatermark int64)
	// DeleteRecords moves the log's start up to upTo.
	DeleteRecords(ctx context.Context, upTo int64) error
}
