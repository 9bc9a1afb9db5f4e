package partition

import (
	"context"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// retained remembers the newest timestamp of a partition's oldest part, so
// that looking whether it is too old does not read its attachment each time.
// Only the goroutine that keeps retention uses it.
type retained struct {
	known  bool
	end    int64 // of the part
	maxMs  int64 // newest timestamp in it
	atHead int64 // the log's start when this was noted
}

// keepRetention retains from time to time until ctx is done. It has a goroutine
// of its own: it reads from the object store, and must not hold up what follows
// the metadata while that is away.
func (s *Set) keepRetention(ctx context.Context) {
	next := s.every(s.cfg.Base.Topics.RetentionCheckInterval)
	defer next.stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.due:
			s.retain(ctx)
			next.again()
		}
	}
}

// retain deletes, partition by partition, what retention.ms and
// retention.bytes no longer keep. Only whole parts in objects are deleted:
// what is still in the WAL is younger than an upload's interval.
func (s *Set) retain(ctx context.Context) {
	img, now := s.cfg.Image(), s.cfg.Clock.Now().UnixMilli()
	for _, p := range s.All() {
		if ctx.Err() != nil {
			return
		}
		settings := p.Settings()
		if !settings.Delete {
			continue
		}
		start := p.keepBytes(img, settings.RetentionBytes)
		if settings.RetentionMs >= 0 {
			byTime, err := p.keepSince(ctx, now-settings.RetentionMs)
			if err != nil {
				s.cfg.Log.Warn("retention by time", "partition", p.String(), "error", err)
			}
			start = max(start, byTime)
		}
		if start <= p.stream.StartOffset() {
			continue
		}
		if _, err := p.DeleteRecords(ctx, start); err != nil {
			s.cfg.Log.Warn("retention", "partition", p.String(), "start", start, "error", err)
			continue
		}
		s.cfg.Log.Info("retention deleted records", "partition", p.String(), "start", start)
	}
}

// keepBytes is where the log starts when at most bytes (none if negative) stay
// in objects, and never less than one part.
func (p *Partition) keepBytes(img *image.Image, bytes int64) (start int64) {
	start = p.stream.StartOffset()
	if bytes < 0 {
		return start
	}
	var total int64
	for r := range img.Ranges(p.stream.ID(), start) {
		total += r.Bytes
	}
	for r := range img.Ranges(p.stream.ID(), start) {
		if total-r.Bytes < bytes {
			break
		}
		total -= r.Bytes
		start = r.End
	}
	return start
}

// keepSince is where the log starts when the parts whose newest record is
// older than sinceMs go.
func (p *Partition) keepSince(ctx context.Context, sinceMs int64) (start int64, err error) {
	start = p.stream.StartOffset()
	if r := p.retained; r.known && r.atHead == start && r.maxMs >= sinceMs {
		return start, nil
	}
	for a, err := range p.stream.Attachments(ctx, start, p.stream.CommittedEnd()) {
		if err != nil {
			return start, err
		}
		s, err := batch.ParseSummary(a.Summary)
		if err != nil {
			return start, err
		}
		if s.MaxTimestamp >= sinceMs {
			p.retained = retained{known: true, end: a.End, maxMs: s.MaxTimestamp, atHead: start}
			return start, nil
		}
		start = a.End
	}
	return start, nil
}

// expireProducers forgets producers that were silent for too long.
func (s *Set) expireProducers() {
	s.cfg.Tails.sweep(s.cfg.Image())
	before := s.cfg.Clock.Now().Add(-s.Config().Topics.ProducerIDExpiration).UnixMilli()
	for _, p := range s.All() {
		p.mu.Lock()
		n := p.producers.expire(before)
		p.mu.Unlock()
		p.memory.Release(int64(n) * producerBytes)
	}
}
