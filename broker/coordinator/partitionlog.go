package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/invariant"
)

// PartitionLog is the Log of a partition of __consumer_offsets that this node
// leads. flush puts on its way to the device what was appended.
func PartitionLog(p *partition.Partition, flush func(inline bool), c clock.Clock) Log {
	return partitionLog{p, flush, c}
}

type partitionLog struct {
	p     *partition.Partition
	flush func(inline bool)
	clock clock.Clock
}

// ownAppend is a batch of ours on its way into the partition.
type ownAppend struct {
	partition.Append
	done func(int64, error)
}

// AppendDone implements what partition.Append calls. A failure here comes
// after the batch was given to the storage, so it may be there or not.
func (a *ownAppend) AppendDone(*partition.Append) { a.done(a.BaseOffset, a.Err) }

func (l partitionLog) Append(b []byte, done func(baseOffset int64, err error)) {
	h, err := batch.ParseHeader(b)
	invariant.Check(err == nil, "a batch of our own making is malformed: %v", err)
	a := &ownAppend{done: done}
	a.Batch, a.LeaderEpoch, a.Done = b, l.p.LeaderEpoch(), a
	a.Info = batch.Info{
		Header: h, MaxTimestamp: h.MaxTimestamp,
		RecordsBytes: h.Size() - batch.HeaderSize,
	}
	if err := l.p.Append(&a.Append, l.clock.Now().UnixMilli()); err != nil {
		done(-1, refusal(err))
		return
	}
	l.flush(false) // the event loop has other groups to serve
}

// refusal sorts an error with which nothing was appended. A log whose storage
// failed takes nothing any more: clients are to look for another coordinator.
func refusal(err error) error {
	if errors.Is(err, partition.ErrFull) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("%w: %w", ErrNotLeader, err)
}

func (l partitionLog) Read(ctx context.Context, from int64, bytesMax int) ([]byte, error) {
	f, _, err := l.p.Fetch(ctx, from, partition.FetchOptions{MaxBytes: bytesMax, MinOne: true, Block: true})
	if err != nil {
		return nil, err
	}
	defer f.Release()
	out := make([]byte, 0, f.Bytes)
	for _, s := range f.Segments {
		out = append(out, s...)
	}
	return out, nil
}

func (l partitionLog) Bounds() (start, highWatermark int64) {
	o := l.p.Offsets()
	return o.Start, o.HighWatermark
}

func (l partitionLog) DeleteRecords(ctx context.Context, upTo int64) error {
	_, err := l.p.DeleteRecords(ctx, upTo)
	return err
}
