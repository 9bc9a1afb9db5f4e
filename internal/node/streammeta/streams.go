package streammeta

import (
	"context"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// OpenStreams implements s3stream.StreamMeta.
func (m *Meta) OpenStreams(ctx context.Context, wal ids.WALInstance, streams []meta.OpenStream) ([]meta.OpenedStream, error) {
	cmd := &image.OpenStreams{Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch, WAL: wal}
	for _, s := range streams {
		cmd.Streams = append(cmd.Streams, image.OpenStream{Stream: s.Stream, Expected: s.ExpectedEpoch})
	}
	opened, err := submit(ctx, m, cmd)
	if err != nil {
		return nil, err
	}
	img := m.cfg.Client.Image()
	out := make([]meta.OpenedStream, len(opened.Streams))
	for i, o := range opened.Streams {
		out[i] = meta.OpenedStream{Stream: o.Stream, Err: refused(o.Refused)}
		if out[i].Err != nil {
			continue
		}
		s, ok := img.Stream(o.Stream)
		if !ok { // deleted between the command and now
			out[i].Err = meta.ErrUnknownStream
			continue
		}
		out[i].Epoch, out[i].Start, out[i].CommittedEnd, out[i].End = o.Epoch, s.StartOffset, s.CommittedEnd, o.Start
	}
	return out, nil
}

// CloseStreams implements s3stream.StreamMeta.
func (m *Meta) CloseStreams(ctx context.Context, streams []meta.CloseStream) error {
	cmd := &image.CloseStreams{Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch}
	for _, c := range streams {
		cmd.Streams = append(cmd.Streams, image.StreamEnd(c))
	}
	outcomes, err := submit(ctx, m, cmd)
	if err != nil {
		return err
	}
	var errs []error
	for i, reason := range outcomes.Refused {
		if err := refused(reason); err != nil {
			errs = append(errs, fmt.Errorf("stream %d: %w", streams[i].Stream, err))
		}
	}
	return errors.Join(errs...)
}

// TrimStream implements s3stream.StreamMeta.
func (m *Meta) TrimStream(ctx context.Context, stream ids.StreamID, epoch ids.StreamEpoch, newStart int64) error {
	return one(submit(ctx, m, &image.TrimStreams{
		Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch,
		Streams: []image.StreamStart{{Stream: stream, Epoch: epoch, Start: newStart}},
	}))
}

// one is the outcome of a command about one stream.
func one(o *image.StreamOutcomes, err error) error {
	if err != nil {
		return err
	}
	return refused(o.Refused[0])
}

// Tails implements rescue.Meta.
func (m *Meta) Tails(instance ids.WALInstance) []meta.Tail {
	var out []meta.Tail
	for s := range m.cfg.Client.Image().Streams() {
		for _, t := range s.Tails {
			if t.WAL != instance {
				continue
			}
			tail := meta.Tail{
				Stream: s.ID, Epoch: t.Epoch, WAL: t.WAL,
				Start: t.Start, End: t.End, CommittedEnd: s.CommittedEnd,
			}
			if t.IsOpen() {
				tail.End = meta.OpenEnd
			}
			out = append(out, tail)
		}
	}
	return out
}

// RescueWAL implements rescue.Meta.
func (m *Meta) RescueWAL(ctx context.Context, instance ids.WALInstance, ends []meta.TailEnd) error {
	cmd := &image.RescueWAL{Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch, Instance: instance}
	for _, e := range ends {
		cmd.Ends = append(cmd.Ends, image.StreamEnd(e))
	}
	_, err := submit(ctx, m, cmd)
	return err
}

// RetireWAL implements s3stream.Meta.
func (m *Meta) RetireWAL(ctx context.Context, instance ids.WALInstance) error {
	_, err := submit(ctx, m, &image.RetireWAL{Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch, Instance: instance})
	return err
}

// TailAt implements s3stream.StreamMeta.
func (m *Meta) TailAt(stream ids.StreamID, offset int64) (meta.HeldTail, bool) {
	img := m.cfg.Client.Image()
	s, ok := img.Stream(stream)
	if !ok || offset < s.CommittedEnd {
		return meta.HeldTail{}, false
	}
	for _, t := range s.Tails {
		if t.Start <= offset && offset < t.End {
			return meta.HeldTail{Epoch: t.Epoch, Start: t.Start, End: t.End, Holder: HolderOf(img, t.WAL)}, true
		}
	}
	return meta.HeldTail{}, false
}

// LostUpTo implements s3stream.StreamMeta.
func (m *Meta) LostUpTo(stream ids.StreamID, offset int64) (end int64, ok bool) {
	return m.cfg.Client.Image().LostUpTo(stream, offset)
}

// HolderOf is the node that serves what a WAL has, meta.NoNode while that waits
// for its rescue.
func HolderOf(img *image.Image, instance ids.WALInstance) ids.NodeID {
	w, ok := img.WAL(instance)
	if !ok || w.State.IsOver() || img.RescuerOf(w) != image.NoLeader {
		return meta.NoNode
	}
	holder, _ := w.Holder()
	return holder
}

// Due implements upload.Meta.
func (m *Meta) Due(wal ids.WALInstance, stream ids.StreamID, epoch ids.StreamEpoch) bool {
	s, ok := m.cfg.Client.Image().Stream(stream)
	if !ok {
		return true
	}
	first := true // of other WALs' tails, none comes before
	for _, t := range s.Tails {
		if t.WAL == wal && t.Epoch == epoch {
			return first
		}
		first = first && t.WAL == wal
	}
	return true
}
