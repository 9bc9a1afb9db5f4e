package wal

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// DumpOptions says how much of a WAL is shown.
type DumpOptions struct {
	// Summary shows sums only, not a line for each flush and record.
	Summary bool
	// From is the position to start at in the live instance; negative for the
	// header's trim hint.
	From int64
}

// Dump prints what is in the WAL at path, live or dead: header, fill, and the
// flushes and records of every instance. It takes no lock and changes nothing.
// Of a live WAL it shows a state that may be half written at the end. It shows
// what stands behind a hole too; if that proves corruption, the error is a
// *CorruptionError, once all is shown.
func Dump(w io.Writer, path string, o DumpOptions) error {
	in, err := volume.Inspect(path)
	if err != nil {
		return err
	}
	defer in.Close()
	d := &dumper{w: bufio.NewWriter(w), o: o}
	h := &in.Header
	d.line("WAL %s", path)
	d.line("  cluster %s, node %d, fence %s", h.Cluster, h.Node, h.Fence)
	d.line("  capacity %d bytes, blocks of %d, header generation %d in slot %d", h.Capacity, h.BlockBytes, h.Generation, in.Slot)
	for i, area := range in.Areas {
		live := i == len(in.Areas)-1
		if err := d.instance(area, live); err != nil {
			return errors.Join(fmt.Errorf("dump WAL %s: %w", path, err), d.w.Flush())
		}
	}
	if err := d.w.Flush(); err != nil {
		return err
	}
	if d.corrupt != nil {
		return fmt.Errorf("dump WAL %s: %w", path, d.corrupt)
	}
	return nil
}

type dumper struct {
	w *bufio.Writer
	o DumpOptions

	corrupt *CorruptionError // the first one seen
	sums    dumpSums
}

// dumpSums are of one instance.
type dumpSums struct{ flushes, records, payload int64 }

func (d *dumper) line(format string, args ...any) { fmt.Fprintf(d.w, format+"\n", args...) }

func (d *dumper) instance(area *volume.Area, live bool) error {
	h := &area.Header
	kind := "earlier"
	from := h.TrimHint
	if live {
		kind = "live"
		if d.o.From >= 0 {
			from = d.o.From
		}
	}
	d.line("instance %s (%s)", h.Instance, kind)
	d.line("  node epoch %d, base %d, window %d bytes, trim hint %d", h.NodeEpoch, h.Base, h.WindowBytes, h.TrimHint)
	if from%int64(h.BlockBytes) != 0 {
		return fmt.Errorf("position %d is not at a block of %d bytes", from, h.BlockBytes)
	}
	d.sums = dumpSums{}
	start, err := d.findStart(area, from)
	if err != nil {
		return err
	}
	if start < 0 {
		d.line("  no flush at or after position %d: nothing was written, or all was overwritten by other instances", from)
		return nil
	}
	if start != from {
		d.line("  no valid flush at position %d; the first one after it is at %d", from, start)
	}
	end, err := d.walk(area, start)
	if err != nil {
		return err
	}
	d.line("  positions %d to %d: %d flushes, %d records, %d bytes of payload", start, end, d.sums.flushes, d.sums.records, d.sums.payload)
	d.line("  fill %.1f %% counted from there", 100*float64(end-start)/float64(h.Capacity))
	return nil
}

// findStart is the position of the oldest flush at or after from that is still
// there; -1 if there is none. The trim hint may lag so far behind that the ring
// has come round since.
func (d *dumper) findStart(area *volume.Area, from int64) (int64, error) {
	r := newFlushReader(area, from)
	defer r.close()
	if _, err := r.header(from); err == nil {
		return from, nil
	} else if !isNoFlush(err) {
		return 0, err
	}
	oldest := int64(-1)
	err := r.each(from, r.limit, func(h *walfmt.FlushHeader, at int64) bool {
		mine := h.Instance == r.life.Instance && (h.Position-at)%area.Header.Capacity == 0
		if mine && h.Position >= from && (oldest < 0 || h.Position < oldest) {
			oldest = h.Position
		}
		return true
	})
	return oldest, err
}

// walk shows what stands from position at on, over holes, and returns the end
// of the last flush.
func (d *dumper) walk(area *volume.Area, at int64) (end int64, err error) {
	r := newFlushReader(area, at)
	defer r.close()
	lookedTwice := int64(-1)
	for {
		h, body, reason := r.flush(at)
		if reason == nil {
			d.flush(&h, body)
			at = r.next(&h)
			continue
		}
		if !isNoFlush(reason) {
			return 0, reason
		}
		next, witness, err := behind(r, at)
		if err != nil {
			return 0, err
		}
		// Behind the back of a look, a live log fills what was a hole. A hole
		// that is still there at a second look is one.
		if witness != nil && lookedTwice < at {
			lookedTwice = at
			r.restart(at)
			continue
		}
		if next == nil {
			d.line("  the log ends at position %d: nothing of this instance follows", at)
			return at, nil
		}
		d.line("  no valid flush at position %d: %v", at, reason)
		d.hole(at, reason, &r.life, witness)
		at = next.Position
		r.restart(at)
	}
}

// hole says what a hole means that has flushes behind it.
func (d *dumper) hole(at int64, reason error, life *walfmt.Life, witness *walfmt.FlushHeader) {
	if witness == nil {
		d.line("  what follows was in flight: written, and never acknowledged")
		return
	}
	d.line("  CORRUPT: the flush at position %d was written when everything below %d was durable: acknowledged records from position %d on are damaged",
		witness.Position, witness.DurableUpTo, at)
	if d.corrupt == nil {
		d.corrupt = &CorruptionError{
			Instance: life.Instance, HolePosition: at, Reason: reason,
			WitnessPosition: witness.Position, WitnessDurable: witness.DurableUpTo,
		}
	}
}

// behind looks past a hole for the next flush with a sound header, and for the
// one that proves the hole to be corruption. The reader has to be restarted.
func behind(r *flushReader, hole int64) (next, witness *walfmt.FlushHeader, err error) {
	end := min(hole+r.life.WindowBytes+scanChunkBytes, r.limit)
	err = r.each(hole+r.block, end, func(h *walfmt.FlushHeader, at int64) bool {
		if h.Instance != r.life.Instance || h.Position != at {
			return true
		}
		if next == nil {
			next = h
		}
		if h.DurableUpTo > hole {
			witness = h
		}
		return witness == nil
	})
	return next, witness, err
}

// restart reads afresh from position on.
func (r *flushReader) restart(position int64) {
	r.close()
	r.scanner = newScanner(r.area, position, r.limit)
}

func (d *dumper) flush(h *walfmt.FlushHeader, body []byte) {
	d.sums.flushes++
	if !d.o.Summary {
		d.line("  flush at %d: %d records, %d bytes, durable up to %d", h.Position, h.Records, h.BodyBytes, h.DurableUpTo)
	}
	for it := walfmt.IterateRecords(h.Position+walfmt.FlushHeaderBytes, body); ; {
		r, ok, err := it.Next()
		if !ok || err != nil {
			return
		}
		d.sums.records++
		d.sums.payload += int64(len(r.Payload))
		if !d.o.Summary {
			d.line("    %s at %d: stream %s, epoch %s, offsets %d to %d, %d bytes", r.Kind, r.Position, r.Stream, r.StreamEpoch, r.BaseOffset, r.EndOffset, len(r.Payload))
		}
	}
}
