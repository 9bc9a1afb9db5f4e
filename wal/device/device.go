package device

import (
	"errors"
	"time"
)

// Kind is what an operation does.
type Kind uint8

// The kinds of operations.
const (
	Read         Kind = iota // fill Bufs from Offset
	Write                    // write Bufs; durable once complete
	WriteRelaxed             // write Bufs; durable only after a later Sync
	Sync                     // make earlier complete writes durable
)

func (k Kind) String() string { return [...]string{"read", "write", "relaxed write", "sync"}[k] }

// ErrClosed is the error of an operation on a closed device.
var ErrClosed = errors.New("device closed")

// Op is one operation. The caller owns it before Submit and again from its
// callback on; Bufs must stay untouched in between. Offset and every buffer
// are aligned to the device's Geometry.
type Op struct {
	Kind   Kind
	Offset int64
	Bufs   [][]byte
	// Done is called once, after Err is set.
	Done func(*Op)
	Err  error
	// Took is how long the device itself took, where it can tell: without the
	// wait for a worker.
	Took time.Duration
}

// Bytes is how many bytes the operation moves.
func (op *Op) Bytes() int {
	n := 0
	for _, b := range op.Bufs {
		n += len(b)
	}
	return n
}

// Geometry is what a device asks of its operations, and gives.
type Geometry struct {
	// BlockBytes divides every offset and length: the unit of a write.
	BlockBytes int
	// MemoryAlign divides the address of every buffer.
	MemoryAlign int
	// SizeBytes is the length of the device.
	SizeBytes int64
	// ZeroAhead says that the first write to a place costs more than later
	// ones, so that it pays to write zeros there beforehand.
	ZeroAhead bool
	// Durability names how writes are made durable, for logs and metrics.
	Durability string
}

// Device is where operations go. Operations in flight at the same time may
// complete in any order and overlap in any way.
type Device interface {
	Geometry() Geometry
	// Submit starts op and returns without waiting for it.
	Submit(op *Op)
	// Inline performs op in the caller's goroutine, which it may block, sets
	// op.Err and returns true without calling op.Done. It returns false,
	// having done nothing, when the op is better submitted.
	Inline(op *Op) bool
	// Close waits for what is in flight and gives up the device and its lock.
	Close() error
}

// Do performs op and waits for it.
func Do(d Device, op *Op) error {
	if d.Inline(op) {
		return op.Err
	}
	done := make(chan struct{})
	op.Done = func(*Op) { close(done) }
	d.Submit(op)
	<-done
	return op.Err
}
