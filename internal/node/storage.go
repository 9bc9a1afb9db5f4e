package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/seawallmq/seawall/blockcache"
	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/broker/partition"
	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/node/streammeta"
	"github.com/seawallmq/seawall/internal/page"
	"github.com/seawallmq/seawall/kraftmeta"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/logcache"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore/storeurl"
	"github.com/seawallmq/seawall/s3stream/upload"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// openStore opens the object store. It is not spoken to: a node starts while
// the store is away (I9).
func (n *Node) openStore(ctx context.Context) (err error) {
	n.store, err = storeurl.Open(ctx, n.cfg.Store.URL, storeurl.Deps{
		Clock: n.clock, Rand: n.randomBelow, Observer: n.metrics.store, Log: n.log,
	})
	return err
}

func (n *Node) randomUint64() uint64 {
	var b [8]byte
	n.random(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// randomBelow is a number in [0, max).
func (n *Node) randomBelow(max int64) int64 {
	return int64(n.randomUint64() % uint64(max)) // the bias is of no account for jitter
}

// startStreams rescues the older WAL instances and opens a fresh one, if there is
// to be one: streams can be opened and read then.
func (n *Node) startStreams(ctx context.Context) error {
	if n.hasWAL() {
		if err := n.openVolume(ctx); err != nil {
			return err
		}
	}
	if !n.shares.blocks.TryAcquire(n.shares.blocks.Limit()) {
		return fmt.Errorf("memory.budget.bytes: %d bytes leave no room for a block cache of %d", n.cfg.Memory.BudgetBytes, n.shares.blocks.Limit())
	}
	cache, err := logcache.New(logcache.Config{Pool: page.NewPool(n.shares.pages), Index: n.shares.index})
	if err != nil {
		return err
	}
	n.metrics.cache = cache
	n.streamsMeta = n.streamMeta()
	n.tails = partition.NewTails(n.shares.state)
	old, elsewhere, err := n.rescueOlder(ctx)
	if err != nil {
		return err
	}
	var window *logcache.Window
	if n.hasWAL() {
		window = cache.NewWindow()
		if err := n.openWAL(ctx, cache, window, old, elsewhere); err != nil {
			return errors.Join(err, closeAll(old))
		}
		window.Attach(n.wal)
	}
	n.streams = s3stream.New(n.streamsConfig(n.streamsMeta, cache, window))
	if n.hasWAL() && !n.readRateMeasured && n.cfg.WAL.IOBandwidth == 0 {
		n.work.Go(func() { n.measureReadRate(n.ctx) })
	}
	if n.cfg.HasOthers() {
		n.work.Go(func() { n.watchLogs(n.ctx) })
	}
	for _, r := range old {
		n.streams.Adopt(r)
	}
	return nil
}

// watchLogs ends this node's service when a log of it fails, so that others lead
// what it led: their logs take appends. What it has in memory it still uploads. Of
// a log that another node took over, the lease's end is told by the metadata. A
// node alone goes on serving reads.
func (n *Node) watchLogs(ctx context.Context) {
	for clock.Sleep(ctx, n.clock, n.cfg.Lease.Interval) == nil {
		err := n.logFailed()
		if err == nil {
			continue
		}
		if !errors.Is(err, fence.ErrFenced) {
			n.log.Error("the log failed: others are to lead what this broker led", "error", err)
			n.fail(err)
		}
		return
	}
}

// hasWAL says whether this node has a WAL: without one, all that it leads is
// acknowledged from object storage.
func (n *Node) hasWAL() bool { return n.cfg.WAL.Kind != config.WALObjects }

// logFailed is nil, or why a log of this node takes no more appends.
func (n *Node) logFailed() error {
	if n.wal != nil {
		if err := n.wal.Failed(); err != nil {
			return fmt.Errorf("the write-ahead log takes no more appends: %w", err)
		}
	}
	if n.streams != nil {
		if err := n.streams.DirectFailed(); err != nil {
			return fmt.Errorf("nothing more is acknowledged from object storage: %w", err)
		}
	}
	return nil
}

// untrimmedBytes are in the WAL and not in objects yet.
func (n *Node) untrimmedBytes() int64 {
	if n.wal == nil {
		return 0
	}
	return max(n.wal.DurableUpTo()-n.wal.Trimmed(), 0)
}

// instances are those in this node's volume; none without one.
func (n *Node) instances() []volume.Instance {
	if n.volume == nil {
		return nil
	}
	return n.volume.Instances()
}

func closeAll(old []s3stream.Adopted) error {
	var errs []error
	for _, r := range old {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// rescueOlder reads the older instances that are this node's to rescue, oldest
// first, and fixes in the metadata where their streams end. Those elsewhere are
// others' to rescue or to serve: they are only kept.
func (n *Node) rescueOlder(ctx context.Context) (old []s3stream.Adopted, elsewhere []volume.Kept, err error) {
	mine, elsewhere, err := n.olderInstances()
	if err != nil {
		return nil, nil, err
	}
	for _, w := range mine {
		began := n.clock.Now()
		r, remove, err := n.rescueWAL(ctx, w)
		switch {
		case err == nil:
			n.noteRecovery(r.End-r.From, n.clock.Now().Sub(began))
			old = append(old, s3stream.Adopted{Rescued: r, Older: true, Remove: remove})
		case ctx.Err() == nil && !n.isToRescue(w.Instance): // another was named meanwhile
			elsewhere = append(elsewhere, volume.Kept{Instance: w.Instance, Elsewhere: true})
		default:
			return nil, nil, errors.Join(err, closeAll(old))
		}
	}
	return old, elsewhere, nil
}

const (
	// walBusyWait is how long a start waits for the rescuer of its old WAL to
	// let go of the lock, once the rescue is done.
	walBusyWait  = 5 * time.Second
	walBusyPause = 100 * time.Millisecond
)

// openVolume opens the volume of this node's WAL. While another node has it for
// a rescue, it waits.
func (n *Node) openVolume(ctx context.Context) error {
	until := n.clock.Now().Add(walBusyWait)
	for said := false; ; said = true {
		err := error(device.ErrLocked)
		if n.cfg.WAL.Kind != config.WALBlock || !n.isDeviceAway() {
			err = n.tryVolume()
		}
		rescuing, rescued := n.isRescuedElsewhere()
		if !errors.Is(err, device.ErrLocked) || !rescuing && (!rescued || n.clock.Now().After(until)) {
			return err
		}
		if rescuing {
			until = n.clock.Now().Add(walBusyWait)
		}
		if !said {
			n.log.Info("waiting for another node to rescue this node's old WAL")
		}
		if err := clock.Sleep(ctx, n.clock, walBusyPause); err != nil {
			return err
		}
	}
}

// isRescuedElsewhere says whether others are to rescue instances of this node's
// WAL, or still have its device for one, and whether others ever rescued what is
// known of it.
func (n *Node) isRescuedElsewhere() (rescuing, rescued bool) {
	img := n.metadata.Image()
	for w := range img.WALs() {
		if w.Node == n.cfg.Node.ID {
			rescued = rescued || n.isOther(w.Rescuer)
			rescuing = rescuing || n.isOther(img.RescuerOf(w))
		}
	}
	return rescuing || n.cfg.WAL.Kind == config.WALBlock && n.isDeviceAway(), rescued
}

// isDeviceAway says whether the device of this node's WAL is another's for now.
// It is one for all instances: a rescuer needs it until it has uploaded what was
// in there, and must not find it in use.
func (n *Node) isDeviceAway() bool {
	img := n.metadata.Image()
	for w := range img.WALs() {
		if w.Node == n.cfg.Node.ID && w.Location == n.cfg.WAL.Location() &&
			(n.isOther(img.RescuerOf(w)) || w.State == image.WALRescued && n.isOther(w.Rescuer)) {
			return true
		}
	}
	return false
}

func (n *Node) isOther(id ids.NodeID) bool { return id != image.NoLeader && id != n.cfg.Node.ID }

func (n *Node) tryVolume() (err error) {
	w := &n.cfg.WAL
	opts := volume.Options{
		Cluster: n.cluster, Node: n.cfg.Node.ID, CapacityBytes: w.CapacityBytes,
		Depth: w.IODepth, AllowBuffered: w.AllowBuffered, Fence: fenceKind(w.FenceKind), NodeEpoch: n.epoch,
	}
	if w.IOPS > 0 || w.IOBandwidth > 0 {
		caps := device.Caps{OpsPerSecond: float64(w.IOPS), BytesPerSecond: float64(w.IOBandwidth)}
		opts.Wrap = func(d device.Device) device.Device { return device.Limit(d, n.clock, caps) }
	}
	if w.Kind == config.WALFile {
		if err := os.MkdirAll(filepath.Dir(w.Path), 0o755); err != nil {
			return fmt.Errorf("s3.wal.path: %s: %w", w.Path, err)
		}
	}
	if w.Kind == config.WALBlock {
		n.volume, err = volume.OpenBlock(w.Path, opts)
	} else {
		n.volume, err = volume.OpenFiles(w.Path, opts)
	}
	return err
}

// olderInstances are the instances of this node's WAL that the metadata still
// needs: mine to rescue, oldest first, and those that other nodes rescue or
// serve. One that is mine and not in the volume is acknowledged data out of
// reach: the node refuses to start without it.
func (n *Node) olderInstances() (mine []*image.WAL, elsewhere []volume.Kept, err error) {
	here := map[ids.WALInstance]bool{}
	img := n.metadata.Image()
	n.noteAbandoned(img)
	for _, i := range n.instances() {
		here[i.Instance] = true
		w, known := img.WAL(i.Instance)
		switch {
		case !known || w.State.IsOver():
		case n.isToRescue(w.Instance):
			mine = append(mine, w)
		default:
			elsewhere = append(elsewhere, volume.Kept{Instance: w.Instance, Elsewhere: true})
		}
	}
	for w := range img.WALs() {
		if w.Node == n.cfg.Node.ID && n.isToRescue(w.Instance) && !here[w.Instance] {
			return nil, nil, fmt.Errorf("s3.wal.path: WAL instance %s, last opened as %s, is not in %s: "+
				"it may hold acknowledged records that are nowhere else; bring it back, or give it up by 'seawall wal abandon'",
				w.Instance.Hex(), w.Location, n.cfg.WAL.Path)
		}
	}
	return mine, elsewhere, nil
}

// openWAL makes a fresh instance and has the metadata know it before its first
// append.
func (n *Node) openWAL(ctx context.Context, cache *logcache.Cache, window *logcache.Window, old []s3stream.Adopted, elsewhere []volume.Kept) error {
	windowBytes, err := n.walWindow()
	if err != nil {
		return err
	}
	spec := volume.Spec{Instance: ids.NewUUID(n.random), NodeEpoch: n.epoch, WindowBytes: windowBytes, Keep: elsewhere}
	for _, r := range old {
		spec.Keep = append(spec.Keep, volume.Kept{Instance: r.Instance, From: r.From, End: r.End})
	}
	area, err := n.volume.Create(spec)
	if err != nil {
		return err
	}
	_, err = kraftmeta.Do(ctx, n.metadata, &image.OpenWAL{
		Node: n.cfg.Node.ID, NodeEpoch: n.epoch, Instance: spec.Instance,
		Kind: string(n.cfg.WAL.FenceKind), Location: n.cfg.WAL.Location(),
	})
	if err != nil {
		return errors.Join(err, area.Close())
	}
	var guard fence.Fence = fence.Exclusive{}
	if n.cfg.WAL.FenceKind == config.FenceShared {
		guard = fence.NewShared(area.Device, n.epoch)
	}
	n.wal, err = wal.New(wal.Config{
		Area: area, Clock: n.clock, Pages: cache, Sink: window, Depth: n.cfg.WAL.IODepth,
		HangTimeout: n.cfg.WALTimeout, Observe: n.metrics.flushed, Fence: n.metrics.watchFence(guard),
	})
	return err
}

// walWindow is how much may be on its way to the device, and how far a recovery
// looks past the log's end. A record may take half of it: the broker's
// message.max.bytes always fits, a topic's own limit up to the default's half.
func (n *Node) walWindow() (int64, error) {
	defaults, err := config.ResolveTopic(n.cfg, nil)
	return max(wal.WindowBytesDefault, 3*int64(defaults.MaxMessageBytes)), err
}

// recoverWAL reads an instance of which the area, which it owns from then on, is
// fenced. The trim position is the metadata's as it is now.
func (n *Node) recoverWAL(ctx context.Context, instance ids.WALInstance, area *volume.Area, visit func(*walfmt.Record) error) (*wal.Recovered, error) {
	w, ok := n.metadata.Image().WAL(instance)
	if !ok {
		return nil, errors.Join(fmt.Errorf("WAL %s is not known any more", instance), area.Close())
	}
	r, err := wal.Recover(ctx, area, wal.Expect{
		Cluster: n.cluster, Node: w.Node, Instance: instance, TrimPosition: int64(w.Trim),
	}, visit)
	if err != nil {
		return nil, errors.Join(err, area.Close())
	}
	return r, nil
}

// setBytesMax bounds the batches in one stream-set object.
const setBytesMax = 128 * mib

func (n *Node) streamMeta() *streammeta.Meta {
	return streammeta.New(streammeta.Config{
		Client: n.metadata, Node: n.cfg.Node.ID, NodeEpoch: n.epoch, LivingFloor: n.observer.LivingFloor,
		DeleteRetention: n.cfg.Object.DeleteRetention, Clock: n.clock,
	})
}

func (n *Node) streamsConfig(meta *streammeta.Meta, cache *logcache.Cache, window *logcache.Window) s3stream.Config {
	cluster := n.cluster.String()
	set := s3stream.DefaultSettings()
	set.Triggers = upload.Triggers{
		Bytes: n.cfg.Upload.ThresholdBytes, Interval: n.cfg.Upload.Interval, FillPercent: set.Triggers.FillPercent,
		RescueTarget: n.cfg.Upload.RescueTarget, ReadBandwidth: n.readRate.Load(),
	}
	set.Limits = upload.Limits{SplitBytes: n.cfg.Object.SplitBytes, SetBytes: setBytesMax}
	set.BlockBytes, set.PartBytes = n.cfg.Object.BlockBytes, int(n.cfg.Object.PartBytes)
	var remote s3stream.RemoteTails
	if n.cfg.HasOthers() {
		remote = otherNodes{n}
	}
	return s3stream.Config{
		Meta: meta, Node: n.cfg.Node.ID,
		Remote: remote, RemoteMemory: n.shares.remote, ServedMemory: n.shares.served,
		Marks: func(ctx context.Context) error { return n.partitions.Mark(ctx) },
		WAL:   n.wal, LogCache: cache, Window: window, WALCapacity: n.cfg.WAL.CapacityBytes,
		Direct: n.directConfig(),

		UploadStore:   n.pacing.uploads(n.store.Retry),
		ReadStore:     n.pacing.catchUp(n.store.Retry),
		GCStore:       n.store,
		SetUploadPace: n.pacing.upload.SetRate,
		Key: func(id ids.ObjectID) string {
			return objfmt.KeyParts{Object: id, Cluster: cluster, Attempt: ids.NewUUID(n.random)}.Key()
		},
		Prefix:       func(id ids.ObjectID) string { return objfmt.KeyParts{Object: id, Cluster: cluster}.Prefix() },
		Frame:        frame,
		Summarizer:   summarizer{n},
		BlockCache:   blockcache.New(blockcache.Config{BytesMax: n.shares.blocks.Limit()}),
		UploadMemory: n.shares.uploads,
		Settings:     set,
		Clock:        n.clock,
		Random:       n.randomUint64,
		Log:          n.log.With(slog.String("part", "streams")),
	}
}

// frame tells the streams layer where a batch ends and which offsets it has.
func frame(p []byte) (size int, start, end int64, err error) {
	h, err := batch.ParseHeader(p)
	if err != nil {
		return 0, 0, 0, err
	}
	return h.Size(), h.BaseOffset, h.NextOffset(), nil
}

// summarizer lets the partitions, which are made later, summarize what is
// uploaded.
type summarizer struct{ n *Node }

// Begin implements upload.Summarizer.
func (s summarizer) Begin(stream ids.StreamID, start int64) upload.Summary {
	return s.n.partitions.Begin(stream, start)
}
