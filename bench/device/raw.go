package device

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/wal/device"
)

// emptyBytes at its beginning tell whether a device is in use: every file system,
// partition table and WAL has something there.
const emptyBytes = 1 << 20

// ErrInUse says that there is something on a device.
var ErrInUse = errors.New("it is not empty: its first MiB has other bytes than zeros")

// PrepareRaw writes over the beginning of a block device, whatever was there, to
// measure it without a file system. Unless overwrite is set it refuses one that
// is not empty, by ErrInUse; one that is mounted it always refuses.
func PrepareRaw(path string, overwrite bool) (*File, error) {
	check := func(dev *device.File) error { return checkRaw(dev, overwrite) }
	dev, err := device.OpenFile(path, device.FileOptions{BeforeWriting: check})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(fill(dev), dev.Close()); err != nil {
		return nil, err
	}
	return &File{path: path, raw: true}, nil
}

// checkRaw judges a device before anything is written to it.
func checkRaw(dev *device.File, overwrite bool) error {
	if geo := dev.Geometry(); geo.SizeBytes < fileBytes {
		return fmt.Errorf("it has %d bytes; %d are wanted", geo.SizeBytes, fileBytes)
	}
	if overwrite {
		return nil
	}
	op := &device.Op{Kind: device.Read, Bufs: [][]byte{device.Aligned(emptyBytes)}}
	dev.Inline(op)
	if op.Err != nil {
		return op.Err
	}
	if !bytes.Equal(op.Bufs[0], make([]byte, emptyBytes)) {
		return ErrInUse
	}
	return nil
}

// Empty says whether a block device may be used: ErrInUse if there is something at
// its beginning, another error if it cannot be read or is mounted.
func Empty(path string) error {
	dev, err := device.OpenFile(path, device.FileOptions{
		BeforeWriting: func(dev *device.File) error { return checkRaw(dev, false) },
	})
	if err != nil {
		return err
	}
	return dev.Close()
}

// Clear makes a block device empty again that was so before a WAL was on it:
// nothing of a WAL is known by what lies further on.
func Clear(path string) error {
	dev, err := device.OpenFile(path, device.FileOptions{})
	if err != nil {
		return err
	}
	op := &device.Op{Kind: device.Write, Bufs: [][]byte{device.Aligned(emptyBytes)}}
	return errors.Join(device.Do(dev, op), dev.Close())
}
