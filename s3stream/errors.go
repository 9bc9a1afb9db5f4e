package s3stream

import (
	"errors"

	"github.com/seawallmq/seawall/s3stream/tail"
)

// Errors of Append and Read; test with errors.Is.
var (
	// ErrFull: the write-ahead log has no space until something is uploaded.
	// Nothing was appended. Retriable; see Stream.WaitSpace.
	ErrFull = tail.ErrFull
	// ErrFenced: this node may not, or can no longer, append to the stream.
	// Whether appends under way were durable is known to whoever recovers.
	ErrFenced = tail.ErrFenced
	// ErrTooLarge: the batch would never fit into the write-ahead log.
	ErrTooLarge = tail.ErrTooLarge
	// ErrClosed: the stream or its manager was closed.
	ErrClosed = errors.New("stream is closed")
	// ErrOutOfRange: the offset lies below the stream's start or past its
	// durable end.
	ErrOutOfRange = errors.New("offset is out of range")
)
