package partition

import (
	"context"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/s3stream"
)

// FetchOptions bound one read.
type FetchOptions struct {
	// MaxBytes is how many bytes of batches are wanted at most; at or below
	// zero only the offsets are.
	MaxBytes int
	// MinOne gives the first batch even if it is larger than MaxBytes.
	MinOne bool
	// Block reads from the WAL's device or from objects when the data is not
	// in memory.
	Block bool
}

// Fetched is the answer to one read. The zero value is empty.
type Fetched struct {
	Offsets
	// Segments hold, together, whole batches in offset order, the first of
	// which may begin below the offset asked for. A batch may span two of them.
	// They are read-only and valid until Release.
	Segments [][]byte
	// Bytes is the length of all segments.
	Bytes int

	stored s3stream.Result
}

// Release gives the segments back; more than once is harmless.
func (f *Fetched) Release() {
	if f.Bytes > 0 {
		f.stored.Release()
		f.Segments, f.Bytes = nil, 0
	}
}

// Fetch reads whole batches from offset up to the high watermark (I2). missed
// says that there is data which is not in memory, and Block was not set. Where
// all that is left up to the high watermark was lost, an empty batch stands for
// it: a reader would else wait before it until more is appended.
// The errors are ErrOffsetOutOfRange, ErrNotLeader, ErrStorage, and those of
// the object store.
func (p *Partition) Fetch(ctx context.Context, offset int64, opt FetchOptions) (f Fetched, missed bool, err error) {
	f.Offsets = p.Offsets()
	if offset < f.Start || offset > p.stream.End() {
		return f, false, ErrOffsetOutOfRange
	}
	if offset >= f.HighWatermark || opt.MaxBytes <= 0 && !opt.MinOne {
		return f, false, nil
	}
	read := s3stream.ReadOptions{MaxBytes: opt.MaxBytes, MinOne: opt.MinOne}
	var hit bool
	f.stored, hit = p.stream.TryRead(offset, f.HighWatermark, read)
	if !hit && opt.Block {
		f.stored, err = p.stream.Read(ctx, offset, f.HighWatermark, read)
	}
	missed = !hit && !opt.Block
	if err != nil || missed {
		return f, missed, storageError(err)
	}
	if len(f.stored.Segments) == 0 && f.stored.NextOffset > offset {
		f.passGap(p, offset)
		return f, false, nil
	}
	f.Segments = f.stored.Segments
	for _, s := range f.Segments {
		f.Bytes += len(s)
	}
	p.traffic.fetched(f.Bytes)
	if f.Bytes == 0 {
		f.stored.Release()
	}
	return f, false, nil
}

// passGap answers a read that found nothing from offset to the end of it. What
// else is lost lies before other batches: their offsets take a reader past it.
func (f *Fetched) passGap(p *Partition, offset int64) {
	next := f.stored.NextOffset
	f.stored.Release()
	p.mu.Lock()
	epoch := p.epochs.at(next - 1)
	p.mu.Unlock()
	gap := batch.AppendEmpty(nil, offset, next, epoch)
	f.stored, f.Segments, f.Bytes = s3stream.Result{}, [][]byte{gap}, len(gap)
}
