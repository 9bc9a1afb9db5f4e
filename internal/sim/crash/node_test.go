package crash

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/internal/budget"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/streammeta"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/s3stream/streamtest"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/device/crash"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const (
	capacity = 2 << 20 // of the WAL: small, so that the ring comes round
	streams  = 6       // with ids from 1 on
	nodeID   = ids.NodeID(1)
)

var cluster = ids.UUID{0xc1}

// place is what a node's process leaves behind: its device, the bucket and the
// metadata.
type place struct {
	dev    *crash.Device
	bucket *bucket
	meta   *controller
}

// node is one process of a node.
type node struct {
	*s3stream.Manager
	place
	log     *wal.Log
	streams map[ids.StreamID]*s3stream.Stream
}

// boot starts a process as internal/node does: register, rescue what the last
// ones left, open a WAL of its own, open the streams.
func boot(p place, life int) (*node, error) {
	ctx := context.Background()
	registered, _, err := p.meta.Submit(ctx, &image.RegisterNode{Node: nodeID, Incarnation: p.meta.issuer, Previous: p.meta.Image().EpochOf(nodeID)})
	if err != nil {
		return nil, err
	}
	epoch := registered.(*image.Registered).Epoch
	meta := streammeta.New(streammeta.Config{
		Client: p.meta, Node: nodeID, NodeEpoch: epoch,
		LivingFloor: func() uint64 { return p.meta.Image().Index() }, Clock: clock.NewManual(time.Unix(1e9, 0)),
	})
	v, err := volume.OnDevice("wal", p.dev, volume.Options{Cluster: cluster, Node: nodeID, CapacityBytes: capacity})
	if err != nil {
		return nil, err
	}
	b := budget.New(1 << 30)
	cache, err := logcache.New(logcache.Config{
		Pool:  page.NewPool(b.Account("pages", 4*page.Size)),
		Index: b.Account("index", 1<<20),
	})
	if err != nil {
		return nil, err
	}
	old, err := rescueAll(ctx, p.meta, meta, v, cache)
	if err != nil {
		return nil, err
	}
	n := &node{place: p, streams: map[ids.StreamID]*s3stream.Stream{}}
	if err := n.start(ctx, b, meta, v, cache, old, epoch, life); err != nil {
		return nil, err
	}
	return n, n.openStreams(ctx)
}

// rescueAll rescues every instance that the metadata still needs, oldest first.
func rescueAll(ctx context.Context, c *controller, meta *streammeta.Meta, v volume.Volume, cache *logcache.Cache) ([]*rescue.Rescued, error) {
	var out []*rescue.Rescued
	for _, i := range v.Instances() {
		w, ok := c.Image().WAL(i.Instance)
		if !ok || w.State == image.WALRetired {
			continue
		}
		area, err := v.Open(i.Instance)
		if err != nil {
			return nil, err
		}
		r, err := rescue.Rescue(ctx, rescue.Config{
			Meta: meta, Instance: i.Instance, Cache: cache, Frame: streamtest.Frame,
			Recover: func(ctx context.Context, visit func(*walfmt.Record) error) (*wal.Recovered, error) {
				return wal.Recover(ctx, area, wal.Expect{
					Cluster: cluster, Node: nodeID, Instance: i.Instance, TrimPosition: int64(w.Trim),
				}, visit)
			},
		})
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (n *node) start(ctx context.Context, b *budget.Budget, meta *streammeta.Meta, v volume.Volume, cache *logcache.Cache, old []*rescue.Rescued, epoch ids.NodeEpoch, life int) error {
	var keep []volume.Kept
	for _, r := range old {
		keep = append(keep, volume.Kept{Instance: r.Instance, From: r.From, End: r.End})
	}
	instance := ids.UUID{0xa1, byte(life >> 8), byte(life), byte(epoch)}
	_, _, err := n.meta.Submit(ctx, &image.OpenWAL{Node: nodeID, NodeEpoch: epoch, Instance: instance, Kind: "exclusive", Location: "wal"})
	if err != nil {
		return err
	}
	area, err := v.Create(volume.Spec{Instance: instance, NodeEpoch: epoch, WindowBytes: 1 << 20, Keep: keep})
	if err != nil {
		return err
	}
	window := cache.NewWindow()
	clk := clock.NewManual(time.Unix(1e9, 0))
	n.log, err = wal.New(wal.Config{
		Area: area, Clock: clk, Pages: cache, Sink: window, NoKeeper: true, Depth: 3, GatherBytesMin: 8 << 10,
	})
	if err != nil {
		return err
	}
	window.Attach(n.log)
	set := s3stream.DefaultSettings()
	set.Triggers = upload.Triggers{Bytes: 256 << 10}
	set.Limits = upload.Limits{SplitBytes: 64 << 10, SetBytes: 128 << 10}
	set.BlockBytes, set.PartBytes, set.PutsMax = 16<<10, objstore.PartBytesMin, 1
	var attempt atomic.Uint32
	n.Manager = s3stream.New(s3stream.Config{
		Meta: meta, WAL: n.log, LogCache: cache, Window: window, WALCapacity: capacity,
		UploadStore: n.bucket, ReadStore: n.bucket, GCStore: n.bucket,
		Key: func(id ids.ObjectID) string {
			k := objfmt.KeyParts{Object: id, Cluster: "c", Attempt: ids.UUID{byte(epoch), 3: byte(attempt.Add(1))}}
			return k.Key()
		},
		Prefix: func(id ids.ObjectID) string {
			return objfmt.KeyParts{Object: id, Cluster: "c"}.Prefix()
		},
		Frame: streamtest.Frame, Summarizer: streamtest.NoSummary{},
		BlockCache:   blockcache.New(blockcache.Config{BytesMax: 1 << 20, Memory: blockcache.Heap{}}),
		UploadMemory: b.Account("upload", 4*objstore.PartBytesMin),
		Settings:     set, Clock: clk, Random: func() uint64 { return 0 }, Log: slog.New(slog.DiscardHandler),
	})
	for _, r := range old {
		n.Adopt(s3stream.Adopted{Rescued: r, Older: true, Remove: func() error { return v.Remove(r.Instance) }})
	}
	return nil
}

func (n *node) openStreams(ctx context.Context) error {
	var reqs []s3stream.OpenRequest
	for id := ids.StreamID(1); id <= streams; id++ {
		s, _ := n.meta.Image().Stream(id)
		reqs = append(reqs, s3stream.OpenRequest{Stream: id, ExpectedEpoch: s.Epoch})
	}
	opened, err := n.Open(ctx, reqs)
	if err != nil {
		return err
	}
	for _, s := range opened {
		n.streams[s.ID()] = s
	}
	return nil
}
