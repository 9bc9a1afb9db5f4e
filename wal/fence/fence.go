package fence

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrFenced says that another node took the log over.
var ErrFenced = errors.New("WAL was taken over by another node")

// Fence answers whether what is durable may be acknowledged.
type Fence interface {
	// Check returns nil, or why nothing may be acknowledged any more. It is
	// called after a durable write has returned and may read the device.
	Check() error
}

// WriteError is the error of a write to a WAL's device: if the device refused it
// since another host has it reserved (wal/reserve), it wraps ErrFenced too (A22).
func WriteError(err error) error {
	if errors.Is(err, unix.EBADE) {
		return fmt.Errorf("%w: its device is reserved by another host: %w", ErrFenced, err)
	}
	return err
}

// Exclusive is the fence of a WAL that nobody else can write: single
// attachment and a lock (A9), or a reservation, by which the device refuses the
// writes of others. It never fences and costs nothing.
type Exclusive struct{}

// Check implements Fence.
func (Exclusive) Check() error { return nil }
