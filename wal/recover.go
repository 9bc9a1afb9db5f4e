package wal

import (
	"context"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// Expect is what the metadata says of the instance to be recovered.
type Expect struct {
	Cluster  ids.UUID
	Node     ids.NodeID
	Instance ids.WALInstance
	// TrimPosition is where recovery starts: the metadata's, never the
	// header's (I3).
	TrimPosition int64
}

// Recovered is an instance that is read only: what it holds between the trim
// position and its end. Its methods may be called concurrently.
type Recovered struct {
	area   *volume.Area
	reader areaReader

	// From and End are the positions of what was recovered.
	From, End int64
	// Flushes, Records and PayloadBytes were found between them.
	Flushes, Records, PayloadBytes int64
	// EndReason is why the log ends at End.
	EndReason error
}

// Recover reads what an instance holds from the trim position on, and calls
// visit for every record, in order, verified. The record's payload is valid
// during the call only; an error of visit ends the recovery and is returned.
//
// The log ends at the first flush that is torn, stale, foreign or absent. If a
// later one proves that it must not end there, the error is a
// *CorruptionError and nothing may be made of what was visited. The error is a
// *volume.WrongWALError where the area is not what was expected, a
// *walfmt.VersionError where a newer program wrote it. The area is the
// result's from then on, and is left open on an error.
func Recover(ctx context.Context, area *volume.Area, expect Expect, visit func(*walfmt.Record) error) (*Recovered, error) {
	if err := expect.check(area); err != nil {
		return nil, err
	}
	r := newFlushReader(area, expect.TrimPosition)
	defer r.close()
	rec := &Recovered{area: area, reader: newAreaReader(area), From: expect.TrimPosition, End: expect.TrimPosition}
	for rec.EndReason == nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, body, err := r.flush(rec.End)
		switch {
		case err == nil:
			if err := rec.visit(&h, body, visit); err != nil {
				return nil, err
			}
			rec.End = r.next(&h)
		case isNoFlush(err):
			rec.EndReason = err
		default:
			return nil, fmt.Errorf("recover WAL instance %s at position %d: %w", expect.Instance, rec.End, err)
		}
	}
	w, err := r.witness(rec.End)
	if err != nil {
		return nil, fmt.Errorf("recover WAL instance %s past position %d: %w", expect.Instance, rec.End, err)
	}
	if w != nil {
		return nil, &CorruptionError{
			Instance: expect.Instance, HolePosition: rec.End, Reason: rec.EndReason,
			WitnessPosition: w.Position, WitnessDurable: w.DurableUpTo,
		}
	}
	return rec, nil
}

func (e *Expect) check(area *volume.Area) error {
	h := &area.Header
	wrong := func(format string, args ...any) error {
		return &volume.WrongWALError{Path: h.Instance.String(), Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case h.Cluster != e.Cluster:
		return wrong("belongs to cluster %s, this is cluster %s", h.Cluster, e.Cluster)
	case h.Node != e.Node:
		return wrong("belongs to node %d, wanted that of node %d", h.Node, e.Node)
	case h.Instance != e.Instance:
		return wrong("is not the instance %s that the metadata names", e.Instance)
	case e.TrimPosition < 0 || e.TrimPosition%int64(h.BlockBytes) != 0:
		return wrong("trim position %d is not at a block of %d bytes", e.TrimPosition, h.BlockBytes)
	}
	return nil
}

// isNoFlush tells bytes that end a log from errors that say nothing about it.
func isNoFlush(err error) bool { return errors.Is(err, walfmt.ErrInvalid) }

func (rec *Recovered) visit(h *walfmt.FlushHeader, body []byte, visit func(*walfmt.Record) error) error {
	rec.Flushes++
	for it := walfmt.IterateRecords(h.Position+walfmt.FlushHeaderBytes, body); ; {
		r, ok, err := it.Next()
		if !ok || err != nil {
			return err
		}
		rec.Records++
		rec.PayloadBytes += int64(len(r.Payload))
		if err := visit(&r); err != nil {
			return err
		}
	}
}

// EntryOf is what a sink is told of a recovered record.
func EntryOf(r *walfmt.Record) Entry {
	return Entry{
		Kind: r.Kind, Stream: r.Stream, BaseOffset: r.BaseOffset, EndOffset: r.EndOffset,
		PayloadPosition: r.PayloadPosition(), PayloadBytes: len(r.Payload),
	}
}

// Instance is the recovered instance's identity.
func (rec *Recovered) Instance() ids.WALInstance { return rec.area.Header.Instance }

// DurableUpTo is the end of what was recovered.
func (rec *Recovered) DurableUpTo() int64 { return rec.End }

// ReadAt fills dst with the bytes at position. See Log.ReadAt.
func (rec *Recovered) ReadAt(dst []byte, position int64) error {
	return rec.reader.readAt(dst, position)
}

// Close gives up the area.
func (rec *Recovered) Close() error { return rec.area.Close() }
