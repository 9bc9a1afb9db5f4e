package directack

import (
	"context"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// Between attempts at what failed.
const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
)

// launchAll seals, lays out and starts the PUTs of batch after batch. Laying out
// goes in order, as a summary continues the one before.
func (l *Log) launchAll() {
	var scratch []byte
	for l.ctx.Err() == nil {
		b := l.next()
		if b == nil {
			select {
			case <-l.launch:
			case <-l.ctx.Done():
			}
			continue
		}
		grown, err := l.layOut(l.ctx, b, scratch)
		if scratch = grown; err != nil {
			b.drop()
			if l.ctx.Err() == nil {
				l.Fail(fmt.Errorf("lay out a batch: %w", err))
			}
			return
		}
		l.work.Go(func() {
			defer b.drop()
			err := l.put(l.ctx, b)
			l.mu.Lock()
			b.stored = err == nil
			l.putting--
			l.mu.Unlock()
			signal(l.launch)
			signal(l.arrive)
		})
	}
}

// next is the batch to be put next, with the caller as one of its users, or nil if
// none may be begun now. While all PUTs
// are taken, appends gather on: the store is not to be given more, smaller ones.
func (l *Log) next() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.putting >= l.cfg.Settings.PutsMax {
		return nil
	}
	if len(l.sealed) == 0 && l.isDue() {
		l.seal()
	}
	if len(l.sealed) == 0 {
		return nil
	}
	b := l.sealed[0]
	l.sealed = l.sealed[1:]
	l.flying = append(l.flying, b)
	l.putting++
	b.users.Add(1)
	return b
}

// isDue says whether what is gathered is to be sealed, whatever its size. mu is
// held.
func (l *Log) isDue() bool {
	b := l.gathering
	return b.bytes > 0 && (l.hurry || l.cfg.Clock.Now().Sub(b.since) >= l.cfg.Settings.Interval)
}

// layOut makes an object of a batch, under a new id and key.
func (l *Log) layOut(ctx context.Context, b *batch, scratch []byte) (grown []byte, err error) {
	id, err := l.reserve.take(ctx)
	if err != nil {
		return scratch, err
	}
	o := meta.Object{ID: id, Key: l.cfg.Key(id), Kind: meta.StreamSetObject}
	if len(b.order) == 1 {
		o.Kind = meta.StreamObject
	}
	w := objfmt.NewWriter(id, objfmt.ObjectKind(o.Kind))
	for _, p := range b.order {
		if scratch, err = l.layOutPart(w, p, scratch); err != nil {
			return scratch, fmt.Errorf("stream %d [%d, %d): %w", p.stream, p.start, p.end, err)
		}
		o.Slices = append(o.Slices, p.slice())
	}
	if _, err := w.Finish(); err != nil {
		return scratch, err
	}
	o.Size, o.CRC = w.Size(), w.CRC32C()
	l.mu.Lock()
	b.object, b.body = o, objstore.Body(w.Take())
	l.mu.Unlock()
	return scratch, nil
}

// layOutPart adds the blocks of a part and their summary.
func (l *Log) layOutPart(w *objfmt.Writer, p *part, scratch []byte) ([]byte, error) {
	summary := l.cfg.Summarizer.Begin(p.stream, p.start)
	for i := 0; i < len(p.entries); {
		block := objfmt.Block{Stream: p.stream, Epoch: p.epoch, Start: p.entries[i].base, Kind: objfmt.DataBlock}
		first, size := i, 0
		for ; i < len(p.entries); i++ {
			n := int(p.entries[i].size)
			if size > 0 && size+n > l.cfg.BlockBytes {
				break
			}
			size += n
			block.End = p.entries[i].end
			block.Batches++
			var head []byte
			head, scratch = p.head(i, scratch)
			sum, known := summary.Add(head)
			if !known {
				sum = p.crcOf(i)
			}
			block.CRC32C = crc.Combine(block.CRC32C, sum, n)
		}
		p.run(first, i, func(piece []byte) { block.Data = append(block.Data, piece) })
		if _, err := w.AppendBlock(block); err != nil {
			return scratch, err
		}
	}
	note := summary.Finish()
	if len(note) == 0 {
		return scratch, nil
	}
	_, err := w.AppendBlock(objfmt.Block{
		Stream: p.stream, Epoch: p.epoch, Start: p.start, End: p.end,
		Kind: objfmt.AttachmentBlock, Attachment: meta.SummaryAttachment,
		Data: [][]byte{note}, CRC32C: crc.Of(note),
	})
	return scratch, err
}

// put brings a batch's object into the store, however often it takes; the error is
// ctx's.
func (l *Log) put(ctx context.Context, b *batch) error {
	began := l.cfg.Clock.Now()
	retry := clock.Backoff{Min: backoffMin, Max: backoffMax, Random: l.cfg.Random}
	for {
		err := l.putHedged(ctx, b)
		if err == nil {
			l.cfg.Observer.BatchPut(l.cfg.Clock.Now().Sub(began), b.body.Size)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.failedOnce()
		l.cfg.Log.Warn("direct append not in the object store yet, will retry", "object", b.object.ID, "bytes", b.body.Size, "error", err)
		if err := retry.Wait(ctx, l.cfg.Clock); err != nil {
			return err
		}
	}
}

// putHedged makes an attempt at a PUT and, when it is slow, another one beside it:
// the same bytes under the same key, so that it does not matter which of them the
// store took, or that it took both.
func (l *Log) putHedged(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the loser's
	results := make(chan error, 2)
	key, body := b.object.Key, b.body // the loser may begin when the batch is done with
	attempt := func() {
		b.users.Add(1) // it reads from the pages until it returns
		l.work.Go(func() {
			defer b.drop()
			began := l.cfg.Clock.Now()
			err := l.cfg.Store.Put(ctx, key, body, objstore.PutOptions{})
			if err == nil {
				l.hedging.took(l.cfg.Clock.Now().Sub(began))
			}
			results <- err
		})
		l.mu.Lock()
		l.stats.Puts++
		l.mu.Unlock()
	}
	attempt()
	slow := make(chan struct{})
	defer l.cfg.Clock.AfterFunc(l.hedging.after(), func() { close(slow) }).Stop()
	for left := 1; ; {
		select {
		case err := <-results:
			if left--; err == nil || left == 0 {
				return err
			}
		case <-slow:
			slow = nil
			if l.hedging.pay() {
				l.mu.Lock()
				l.stats.Hedges++
				l.mu.Unlock()
				left++
				attempt()
			}
		}
	}
}

func (l *Log) failedOnce() {
	l.mu.Lock()
	l.stats.Failures++
	l.mu.Unlock()
}
