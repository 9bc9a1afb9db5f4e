package fence

import "errors"

// ErrFenced says that another node took the log over.
var ErrFenced = errors.New("WAL was taken over by another node")

// Fence answers whether what is durable may be acknowledged.
type Fence interface {
	// Check returns nil, or why nothing may be acknowledged any more. It is
	// called after a durable write has returned and may read the device.
	Check() error
}

// Exclusive is the fence of a WAL that nobody else can write: single
// attachment and a lock (A9). It never fences and costs nothing.
type Exclusive struct{}

// Check implements Fence.
func (Exclusive) Check() error { return nil }
