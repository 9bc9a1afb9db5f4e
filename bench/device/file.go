package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seawallmq/seawall/bench/hist"
	"github.com/seawallmq/seawall/bench/pace"
	"github.com/seawallmq/seawall/wal/device"
)

const (
	// fileBytes of space are written over and over: enough for every depth,
	// and little enough to be prepared in a moment.
	fileBytes = 512 << 20
	// prepareBytes is one write of the preparation.
	prepareBytes = 1 << 20
)

// File is written space: a file, or the beginning of a raw device.
type File struct {
	path string
	raw  bool
}

// Prepare makes the file in dir, on the disk to be measured.
func Prepare(dir string) (*File, error) {
	f := &File{path: filepath.Join(dir, "device.bench")}
	dev, err := device.OpenFile(f.path, device.FileOptions{CreateBytes: fileBytes, AllocateBytes: fileBytes})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(fill(dev), dev.Close()); err != nil {
		_ = f.Remove()
		return nil, err
	}
	return f, nil
}

// fill writes all of the space that is measured.
func fill(dev device.Device) (err error) {
	op := &device.Op{Kind: device.Write, Bufs: [][]byte{device.Aligned(prepareBytes)}}
	for ; op.Offset < fileBytes && err == nil; op.Offset += prepareBytes {
		err = device.Do(dev, op)
	}
	return err
}

// Remove removes the file. Of a raw device it leaves what was written.
func (f *File) Remove() error {
	if f.raw {
		return nil
	}
	return os.Remove(f.path)
}

// Geometry is what the disk asks of writes and how they are made durable.
func (f *File) Geometry() (device.Geometry, error) {
	dev, err := device.OpenFile(f.path, device.FileOptions{})
	if err != nil {
		return device.Geometry{}, err
	}
	return dev.Geometry(), dev.Close()
}

// WriteLatency times durable writes of blockBytes, one at a time and one
// behind the other in the file, for d. With a rate they begin at even times,
// as they do under a steady load, and are timed from their beginning.
func (f *File) WriteLatency(ctx context.Context, blockBytes int, ratePerSecond float64, d time.Duration) (*hist.Histogram, error) {
	dev, err := device.OpenFile(f.path, device.FileOptions{Depth: 1})
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	defer pace.Lock()()
	h := hist.New()
	op := &device.Op{Kind: device.Write, Bufs: [][]byte{device.Aligned(blockBytes)}}
	start := time.Now()
	schedule := pace.NewSchedule(start, ratePerSecond, 0, 1)
	for seq := uint64(0); time.Since(start) < d && ctx.Err() == nil; seq++ {
		if schedule.Paced() {
			pace.SleepUntil(schedule.Due(seq))
		}
		began := time.Now()
		if err := device.Do(dev, op); err != nil {
			return nil, err
		}
		h.Record(time.Since(began))
		if op.Offset += int64(blockBytes); op.Offset+int64(blockBytes) > fileBytes {
			op.Offset = 0
		}
	}
	return h, ctx.Err()
}

// Bandwidth writes durably, or reads, blocks of blockBytes one behind the
// other with depth of them in flight, for d, and returns bytes a second.
func (f *File) Bandwidth(ctx context.Context, kind device.Kind, blockBytes, depth int, d time.Duration) (float64, error) {
	if depth < 1 || blockBytes < 1 {
		return 0, fmt.Errorf("bandwidth of %d blocks of %d bytes", depth, blockBytes)
	}
	dev, err := device.OpenFile(f.path, device.FileOptions{Depth: depth})
	if err != nil {
		return 0, err
	}
	defer dev.Close()
	answered := make(chan *device.Op, depth)
	next := int64(0)
	submit := func(op *device.Op) {
		op.Offset = next
		if next += int64(blockBytes); next+int64(blockBytes) > fileBytes {
			next = 0
		}
		dev.Submit(op)
	}
	start := time.Now()
	for range depth {
		submit(&device.Op{Kind: kind, Bufs: [][]byte{device.Aligned(blockBytes)}, Done: func(op *device.Op) { answered <- op }})
	}
	moved, inFlight := int64(0), depth
	for inFlight > 0 {
		op := <-answered
		inFlight--
		moved += int64(blockBytes)
		if op.Err != nil {
			err = op.Err
		} else if err == nil && time.Since(start) < d && ctx.Err() == nil {
			submit(op)
			inFlight++
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	return float64(moved) / time.Since(start).Seconds(), err
}
