package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/group"
)

// recordsBytesMax bounds what one batch may decompress to.
const recordsBytesMax = 64 << 20

// errUnreadable marks an error that loading again would meet again: the log
// was read and cannot be understood.
var errUnreadable = errors.New("offsets partition cannot be understood")

// load is one replay of a partition's log.
type load struct {
	ctx    context.Context
	cancel context.CancelFunc
	log    Log
	shard  *group.Shard
	bytes  int64
	err    error
}

// startLoad replays the log on a loader's goroutine.
func (h *host) startLoad() {
	cfg := h.loop.cfg
	l := &load{log: h.log, shard: group.NewShard(cfg.Group, cfg.NewUUID)}
	l.ctx, l.cancel = context.WithCancel(h.ctx)
	h.phase, h.load = loading, l
	h.loader.post(func() {
		l.err = l.replay(cfg.ReadBytes)
		l.cancel()
		h.loop.post(func() { h.loaded(l) })
	})
}

// loaded takes the outcome of a load.
func (h *host) loaded(l *load) {
	if h.load != l {
		return // resigned meanwhile
	}
	h.load = nil
	switch {
	case l.err == nil:
		h.phase, h.shard, h.logBytes = serving, l.shard, l.bytes
		h.parked = map[group.Token]func(kmsg.Response){}
		level := slog.LevelInfo
		if l.shard.Groups() == 0 {
			level = slog.LevelDebug // fifty lines that say nothing, at every start
		}
		h.logger.Log(h.ctx, level, "offsets partition loaded", "leader_epoch", h.leaderEpoch, "groups", l.shard.Groups(), "log_bytes", l.bytes)
		h.perform(h.shard.Load(h.now()))
		h.pump()
	case errors.Is(l.err, errUnreadable):
		h.logger.Error("offsets partition is unusable", "error", l.err)
		h.phase = broken
	default:
		h.reload(l.err)
	}
}

// replay feeds the shard all that is below the high watermark.
func (l *load) replay(readBytes int) error {
	offset, highWatermark := l.log.Bounds()
	var scratch []byte
	for offset < highWatermark {
		b, err := l.log.Read(l.ctx, offset, readBytes)
		if err != nil {
			return fmt.Errorf("read offsets partition at %d: %w", offset, err)
		}
		next, err := l.replayBatches(b, offset, &scratch)
		if err != nil {
			return err
		}
		if next <= offset {
			return fmt.Errorf("read offsets partition at %d: no batch in %d bytes", offset, len(b))
		}
		offset = next
	}
	return l.ctx.Err()
}

// replayBatches returns the offset after the batches. Records below from were
// deleted, and transaction markers are not the shard's.
func (l *load) replayBatches(b []byte, from int64, scratch *[]byte) (next int64, err error) {
	next = from
	it := batch.NewIter(b, batch.TailStrict)
	for it.Next() {
		l.bytes += int64(it.Header().Size())
		next = it.Header().NextOffset()
		if it.Header().IsControl() {
			continue
		}
		rs, err := batch.OpenRecords(it.Batch(), scratch, recordsBytesMax)
		if err != nil {
			return 0, fmt.Errorf("%w: batch at %d: %w", errUnreadable, it.Header().BaseOffset, err)
		}
		for rs.Next() {
			r := rs.Record()
			if r.Offset < from {
				continue
			}
			if err := l.shard.Replay(r.Key, r.Value); err != nil {
				return 0, fmt.Errorf("%w: record at %d: %w", errUnreadable, r.Offset, err)
			}
		}
		if err := rs.Err(); err != nil {
			return 0, fmt.Errorf("%w: batch at %d: %w", errUnreadable, it.Header().BaseOffset, err)
		}
	}
	if err := it.Err(); err != nil {
		return 0, fmt.Errorf("%w: at %d: %w", errUnreadable, next, err)
	}
	return next, nil
}
