package streammeta

import (
	"context"
	"time"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream/meta"
)

// PrepareObjects implements upload.Meta.
func (m *Meta) PrepareObjects(ctx context.Context, n int) ([]ids.ObjectID, error) {
	out := make([]ids.ObjectID, 0, n)
	for len(out) < n {
		count := min(n-len(out), image.MaxPrepared)
		p, err := submit(ctx, m, &image.PrepareObjects{
			Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch, Count: int32(count), NowMs: m.cfg.Clock.Now().UnixMilli(),
		})
		if err != nil {
			return nil, err
		}
		for i := range count {
			out = append(out, p.First+ids.ObjectID(i))
		}
	}
	return out, nil
}

// CommitUpload implements upload.Meta.
func (m *Meta) CommitUpload(ctx context.Context, u meta.Upload) ([]meta.Refusal, error) {
	cmd := &image.CommitUpload{Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch, WAL: u.WAL, Trim: uint64(u.Trim)}
	var slices []meta.Slice // as in cmd
	for _, o := range u.Objects {
		cmd.Objects = append(cmd.Objects, image.UploadedObject{
			ID: o.ID, Key: o.Key, Kind: image.ObjectKind(o.Kind), Size: o.Size, CRC: o.CRC,
		})
		for _, s := range o.Slices {
			cmd.Slices = append(cmd.Slices, image.Slice{
				Object: o.ID, Stream: s.Stream, Epoch: s.Epoch, Start: s.Start, End: s.End, Bytes: s.Bytes,
			})
		}
		slices = append(slices, o.Slices...)
	}
	done, err := submit(ctx, m, cmd)
	if err != nil {
		return nil, err
	}
	var out []meta.Refusal
	for _, r := range done.Refused {
		out = append(out, meta.Refusal{
			Object: cmd.Slices[r.Position].Object, Slice: slices[r.Position],
			Reason: r.Reason.String(), Dead: r.Reason.Dead(),
		})
	}
	return out, nil
}

// Objects implements read.Index.
func (m *Meta) Objects(stream ids.StreamID, from int64, max int) []meta.ObjectRange {
	img := m.cfg.Client.Image()
	var out []meta.ObjectRange
	for r := range img.Ranges(stream, from) {
		if len(out) == max {
			break
		}
		if r.IsLost() {
			out = append(out, meta.ObjectRange{Start: r.Start, End: r.End})
			continue
		}
		o, ok := img.Object(r.Object)
		if !ok {
			break
		}
		out = append(out, meta.ObjectRange{Object: o.ID, Key: o.Key, Size: o.Size, Start: r.Start, End: r.End})
	}
	return out
}

// Prepared implements gc.Meta. An object of another node is listed only once
// that node's epoch is over: before, only the node itself knows.
func (m *Meta) Prepared() []meta.PreparedObject {
	img := m.cfg.Client.Image()
	var out []meta.PreparedObject
	for o := range img.Unsettled() {
		if o.State != image.ObjectPrepared {
			continue
		}
		n, ok := img.Node(o.PreparedBy)
		abandoned := !ok || n.Epoch != o.PreparedEpoch
		if abandoned || o.PreparedBy == m.cfg.Node {
			out = append(out, meta.PreparedObject{ID: o.ID, Abandoned: abandoned, Since: time.UnixMilli(o.PreparedAtMs)})
		}
	}
	return out
}

// AbortObjects implements gc.Meta. Objects that were committed or aborted
// meanwhile are refused one by one, which is what is wanted.
func (m *Meta) AbortObjects(ctx context.Context, objects []ids.ObjectID) error {
	_, err := submit(ctx, m, &image.AbortObjects{Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch, Objects: objects})
	return err
}

// Removed implements gc.Meta. The metadata knows by which command an object
// was removed, not when: its retention counts from when this node first saw it.
func (m *Meta) Removed() []meta.RemovedObject {
	floor, now := m.cfg.LivingFloor(), m.cfg.Clock.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []meta.RemovedObject
	seen := make(map[ids.ObjectID]time.Time)
	for o := range m.cfg.Client.Image().Unsettled() {
		if o.State != image.ObjectRemoved {
			continue
		}
		since, known := m.seen[o.ID]
		if !known {
			since = now
		}
		seen[o.ID] = since
		passed := o.RemovedAt <= floor && now.Sub(since) >= m.cfg.DeleteRetention
		out = append(out, meta.RemovedObject{ID: o.ID, Key: o.Key, Deletable: passed})
	}
	m.seen = seen
	return out
}

// ForgetObjects implements gc.Meta.
func (m *Meta) ForgetObjects(ctx context.Context, objects []ids.ObjectID) error {
	_, err := submit(ctx, m, &image.ObjectsDeleted{
		Node: m.cfg.Node, NodeEpoch: m.cfg.NodeEpoch, Passed: m.cfg.LivingFloor(), Objects: objects,
	})
	return err
}
