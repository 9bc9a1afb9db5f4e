package partition

import (
	"context"
	"fmt"

	"github.com/seawallmq/seawall/broker/batch"
)

// TimedOffset is an offset and the timestamp of its record.
type TimedOffset struct {
	Offset      int64
	TimestampMs int64
	LeaderEpoch int32
}

// NoOffset is the answer when no record fits.
var NoOffset = TimedOffset{Offset: -1, TimestampMs: batch.NoTimestamp, LeaderEpoch: -1}

// At is an offset with the leader epoch that wrote it.
func (p *Partition) At(offset int64) TimedOffset {
	p.mu.Lock()
	defer p.mu.Unlock()
	epoch := p.leaderEpoch
	if offset < p.end {
		epoch = p.epochs.at(offset)
	}
	return TimedOffset{Offset: offset, TimestampMs: batch.NoTimestamp, LeaderEpoch: epoch}
}

// OffsetForTime finds the first visible record whose timestamp is at or after
// ms; offset -1 when there is none. It may read objects.
func (p *Partition) OffsetForTime(ctx context.Context, ms int64) (TimedOffset, error) {
	o := p.Offsets()
	from, err := p.findPart(ctx, o, func(s *batch.Summary) (int64, bool) { return s.OffsetForTimestamp(ms) })
	if err != nil {
		return NoOffset, err
	}
	return p.search(ctx, from, o, func(h *batch.Header) bool { return h.MaxTimestamp >= ms },
		func(b []byte, scratch *[]byte) (int64, int64, bool, error) {
			return batch.FindTimestamp(b, ms, scratch, 0)
		})
}

// MaxTimestamp finds the first visible record that has the largest timestamp;
// offset -1 in an empty log.
func (p *Partition) MaxTimestamp(ctx context.Context) (TimedOffset, error) {
	o := p.Offsets()
	newest, at := batch.NoTimestamp, int64(-1)
	_, err := p.findPart(ctx, o, func(s *batch.Summary) (int64, bool) {
		if s.MaxTimestamp > newest && s.MaxTimestampBase >= o.Start {
			newest, at = s.MaxTimestamp, s.MaxTimestampBase
		}
		return 0, false
	})
	if err != nil {
		return NoOffset, err
	}
	err = p.walk(ctx, max(p.stream.CommittedEnd(), o.Start), o.HighWatermark, func(h *batch.Header, _ []byte) bool {
		if h.MaxTimestamp > newest {
			newest, at = h.MaxTimestamp, h.BaseOffset
		}
		return true
	})
	if err != nil || at < 0 {
		return NoOffset, err
	}
	return p.search(ctx, at, o, func(h *batch.Header) bool { return true },
		func(b []byte, scratch *[]byte) (int64, int64, bool, error) {
			return batch.FindMaxTimestamp(b, scratch, 0)
		})
}

// findPart looks through the summaries of what is in objects for an offset to
// search from; where none tells one, it is where the tail begins.
func (p *Partition) findPart(ctx context.Context, o Offsets, look func(*batch.Summary) (int64, bool)) (int64, error) {
	committed := p.stream.CommittedEnd()
	for a, err := range p.stream.Attachments(ctx, o.Start, committed) {
		if err != nil {
			return 0, fmt.Errorf("summaries of %s: %w", p, err)
		}
		s, err := batch.ParseSummary(a.Summary)
		if err != nil {
			return 0, fmt.Errorf("summary of %s at %d: %w", p, a.Start, err)
		}
		if offset, ok := look(&s); ok {
			return max(offset, o.Start), nil
		}
	}
	return max(committed, o.Start), nil
}

// search walks from an offset to the first batch that may hold the record, and
// finds it there.
func (p *Partition) search(ctx context.Context, from int64, o Offsets, may func(*batch.Header) bool,
	find func(b []byte, scratch *[]byte) (offset, ms int64, ok bool, err error)) (TimedOffset, error) {
	out := NoOffset
	var scratch []byte
	var fault error
	err := p.walk(ctx, from, o.HighWatermark, func(h *batch.Header, b []byte) bool {
		if !may(h) || h.IsControl() {
			return true
		}
		offset, ms, ok, err := find(b, &scratch)
		if err != nil {
			fault = fmt.Errorf("batch at %d of %s: %w", h.BaseOffset, p, err)
			return false
		}
		if !ok || h.LastOffset() < o.Start {
			return true
		}
		// A batch may reach below the log's start.
		out = TimedOffset{Offset: max(offset, o.Start), TimestampMs: ms, LeaderEpoch: h.PartitionLeaderEpoch}
		return false
	})
	if err == nil {
		err = fault
	}
	return out, err
}
