package tail

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream/read"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// WAL is the end of Log that acknowledges from a write-ahead log, and the
// window of the log's present instance. The log cache's window must be the
// log's sink, so that what is durable is in the window.
type WAL struct {
	Window
	log      *wal.Log
	capacity int64
	clock    clock.Clock

	// What the triggers for uploads look at, kept so that an append costs them
	// next to nothing.
	pokeBytes atomic.Int64
	poke      func()
	unsealed  atomic.Int64 // payload bytes appended since the last seal
	since     atomic.Int64 // when the first of them came, Unix ns; 0 is none
}

// WALConfig is what a WAL is made of.
type WALConfig struct {
	Log      *wal.Log
	Cache    *logcache.Window
	Capacity int64 // of the log, bytes
	Frame    read.Framer
	Clock    clock.Clock
	// PokeBytes is after how many appended bytes Poke is called, and from time
	// to time until they are sealed; it must not block.
	PokeBytes int64
	Poke      func()
}

// NewWAL joins a log and its window.
func NewWAL(cfg WALConfig) *WAL {
	w := &WAL{
		Window:   Window{cache: cfg.Cache, log: cfg.Log, spans: newSpans(), frame: cfg.Frame, trim: cfg.Log.Trim},
		log:      cfg.Log,
		capacity: cfg.Capacity, clock: cfg.Clock, poke: cfg.Poke,
	}
	w.SetPokeBytes(cfg.PokeBytes)
	return w
}

// SetPokeBytes changes after how many appended bytes Poke is called.
func (w *WAL) SetPokeBytes(n int64) { w.pokeBytes.Store(n) }

// Begin says that a stream was opened and goes on at offset start.
func (w *WAL) Begin(stream ids.StreamID, epoch ids.StreamEpoch, start int64) {
	w.spans.begin(stream, epoch, start)
}

// End says that an opening has ended, and that the stream is in objects up to
// committed: if that is all of it, nobody will ask for it here again.
func (w *WAL) End(stream ids.StreamID, epoch ids.StreamEpoch, end, committed int64) {
	w.spans.end(stream, epoch, end)
	w.spans.forget(stream, committed)
}

// Append implements Log.
func (w *WAL) Append(r Record, done Completion) error {
	_, err := w.log.Append(&wal.Record{
		Kind: walfmt.KindData, Stream: r.Stream, StreamEpoch: r.Epoch, BaseOffset: r.Base, EndOffset: r.End,
		Payload: r.Payload, PayloadCRC: r.CRC, HasCRC: r.HasCRC, Hold: true,
	}, done)
	if err != nil {
		return err
	}
	if w.since.Load() == 0 {
		w.since.CompareAndSwap(0, w.clock.Now().UnixNano())
	}
	n := int64(len(r.Payload))
	if before := w.unsealed.Add(n) - n; pokeDue(before, before+n, w.pokeBytes.Load()) {
		w.poke()
	}
	return nil
}

// pokeDue says whether an append that brings the un-sealed bytes from before to
// after is to set off a look at the triggers. What looks counts what is durable,
// which the append that reaches the bound is not yet: so later ones ask again.
func pokeDue(before, after, bound int64) bool {
	const again = 16 // times in as many bytes
	step := max(bound/again, 1)
	return after >= bound && (before < bound || (before-bound)/step != (after-bound)/step)
}

// Mark implements Log. Marks set off no upload.
func (w *WAL) Mark(stream ids.StreamID, epoch ids.StreamEpoch, offset int64, note []byte, done Completion) error {
	_, err := w.log.Append(&wal.Record{
		Kind: walfmt.KindMark, Stream: stream, StreamEpoch: epoch, BaseOffset: offset, EndOffset: offset, Payload: note, Hold: true,
	}, done)
	return err
}

// Flush implements Log.
func (w *WAL) Flush(inline bool) { w.log.Flush(inline) }

// Hurry has what was appended written: the device waits for nothing else.
func (w *WAL) Hurry() { w.log.Flush(false) }

// DurableUpTo implements Log.
func (w *WAL) DurableUpTo() int64 { return w.log.DurableUpTo() }

// WaitSpace returns when an append that got ErrFull is worth another try.
func (w *WAL) WaitSpace(ctx context.Context) error {
	w.poke()
	return w.log.WaitSpace(ctx)
}

// Failed is nil, or why the log takes no more appends.
func (w *WAL) Failed() error { return w.log.Failed() }

// Close implements Log, and lets go of the window.
func (w *WAL) Close() error {
	w.stopReads()
	err := w.log.Close()
	w.cache.Close()
	return err
}

// Load is what the upload triggers look at.
func (w *WAL) Load() upload.Load {
	durable := w.log.DurableUpTo()
	l := upload.Load{
		Unsealed:  w.cache.UnsealedBytes(),
		Untrimmed: durable - w.log.Trimmed(),
		Capacity:  w.capacity,
		Appended:  durable,
	}
	since := w.since.Load()
	if since == 0 && l.Unsealed > 0 { // it came while a seal was being made
		w.since.CompareAndSwap(0, w.clock.Now().UnixNano())
	} else if since != 0 {
		l.Age = w.clock.Now().Sub(time.Unix(0, since))
	}
	return l
}

// Seal implements upload.Source. What is appended while it runs may be in the
// generation and counted for the next all the same, which at worst seals a
// small one early.
func (w *WAL) Seal() (upload.Generation, bool) {
	w.since.Store(0)
	w.unsealed.Store(0)
	return w.Window.Seal()
}
