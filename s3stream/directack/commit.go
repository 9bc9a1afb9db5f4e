package directack

import (
	"context"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/tail"
)

// commitAll commits batch after batch, in the order of their sealing, as they come
// to be in the store. When the log ends, it tells those who still wait.
func (l *Log) commitAll() {
	defer l.abort()
	for l.ctx.Err() == nil {
		b := l.firstStored()
		if b == nil {
			select {
			case <-l.arrive:
			case <-l.ctx.Done():
			}
			continue
		}
		refused, err := l.commit(l.ctx, b)
		if err == nil {
			err = l.checkRefused(refused)
		}
		if err != nil {
			l.Fail(err)
			return
		}
		l.acknowledge(b, refused)
	}
}

// firstStored is the oldest batch that is not committed, if it is in the store.
func (l *Log) firstStored() *batch {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.flying) == 0 || !l.flying[0].stored {
		return nil
	}
	return l.flying[0]
}

// commit has the metadata take a batch, by one command. The error is for good:
// ctx's, or that this node is fenced.
func (l *Log) commit(ctx context.Context, b *batch) ([]meta.Refusal, error) {
	began := l.cfg.Clock.Now()
	retry := clock.Backoff{Min: backoffMin, Max: backoffMax, Random: l.cfg.Random}
	for {
		refused, err := l.cfg.Meta.CommitUpload(ctx, meta.Upload{WAL: l.instance, Objects: []meta.Object{b.object}})
		switch {
		case err == nil:
			l.cfg.Observer.BatchCommitted(l.cfg.Clock.Now().Sub(began))
			return refused, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, meta.ErrFenced):
			return nil, fmt.Errorf("%w: %w", tail.ErrFenced, err)
		}
		l.failedOnce()
		l.cfg.Log.Warn("direct append not committed yet, will retry", "object", b.object.ID, "error", err)
		if errors.Is(err, meta.ErrNotPrepared) { // collected under our hands: another object, with the same content
			if _, err = l.layOut(ctx, b, nil); err == nil {
				err = l.put(ctx, b)
			}
		} else {
			err = retry.Wait(ctx, l.cfg.Clock)
		}
		if err != nil {
			return nil, err
		}
	}
}

// checkRefused finds a slice that was refused and is still needed. There is none:
// parts are held back until nothing comes before them, and what they hold begins
// where the part before ended. To go on would be to acknowledge past a hole.
func (l *Log) checkRefused(refused []meta.Refusal) error {
	for _, r := range refused {
		if !r.Dead {
			return fmt.Errorf("stream %d [%d, %d) of a direct append was refused: %s", r.Slice.Stream, r.Slice.Start, r.Slice.End, r.Reason)
		}
	}
	return nil
}

// acknowledge tells the appends of a committed batch. From then on it is kept for
// reads, as long as there is room.
func (l *Log) acknowledge(b *batch, refused []meta.Refusal) {
	dead := map[ids.StreamID]meta.Refusal{}
	for _, r := range refused {
		dead[r.Slice.Stream] = r
	}
	l.mu.Lock()
	l.flying = l.flying[1:]
	l.kept = append(l.kept, b)
	l.pending -= b.bytes
	b.body = objstore.Body{}
	for _, p := range b.order {
		if _, ok := dead[p.stream]; ok {
			l.unlist(p.stream, p) // nobody may read it
			continue
		}
		l.durable += p.bytes
		l.stats.Bytes += uint64(p.bytes)
	}
	l.stats.Batches++
	l.stats.RefusedSlices += uint64(len(dead))
	l.mu.Unlock()
	for _, p := range b.order {
		if r, ok := dead[p.stream]; ok {
			p.tell(fmt.Errorf("%w: the metadata refused offsets %d to %d: %s", tail.ErrFenced, p.start, p.end, r.Reason))
			continue
		}
		l.cfg.Accepted(p.slice())
		p.tell(nil)
	}
	l.mu.Lock()
	l.tellProgress()
	l.mu.Unlock()
	signal(l.launch)
}

// abort tells all who wait that the log has ended.
func (l *Log) abort() {
	l.mu.Lock()
	l.gathering.seal()
	over := append(append(l.flying, l.sealed...), l.gathering)
	if l.timer != nil {
		l.timer.Stop()
	}
	l.flying, l.sealed, l.gathering, l.timer, l.hurry = nil, nil, newBatch(), nil, false
	for _, b := range over {
		l.held -= b.bytes
		l.pending -= b.bytes
		for _, p := range b.order {
			l.unlist(p.stream, p)
		}
	}
	why := l.failed
	l.mu.Unlock()
	for _, b := range over {
		for _, p := range b.order {
			p.tell(why)
		}
		b.drop()
	}
	l.mu.Lock()
	l.tellProgress()
	l.mu.Unlock()
}
