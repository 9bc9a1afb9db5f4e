package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream"
	"github.com/seawallmq/seawall/s3stream/rescue"
	"github.com/seawallmq/seawall/wal"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/volume"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const (
	// takeoversMax is how many WALs are rescued at once: each is read as fast as
	// its device gives it.
	takeoversMax = 4
	// Between attempts at one WAL, while it is this node's to rescue.
	takeoverPauseFirst = 500 * time.Millisecond
	takeoverPauseMost  = 15 * time.Second
)

// takeovers are the rescues under way: of the WALs that the metadata names this
// node the rescuer of, whoever opened them.
type takeovers struct {
	n    *Node
	look chan struct{} // capacity 1: the metadata has changed
	turn chan struct{} // a token a rescue

	mu      sync.Mutex
	running map[ids.WALInstance]bool
}

// startTakeovers follows the metadata for WALs to rescue.
func (n *Node) startTakeovers() {
	t := &takeovers{
		n: n, look: make(chan struct{}, 1), turn: make(chan struct{}, takeoversMax),
		running: map[ids.WALInstance]bool{},
	}
	n.observer.OnDelta(func(_, next *image.Image, d image.Delta) {
		if self, ok := next.Node(n.cfg.Node.ID); ok && self.Epoch != n.epoch && !n.gone.Load() {
			over := fmt.Errorf("%w: the node epoch is %d, this log is of epoch %d", fence.ErrFenced, self.Epoch, n.epoch)
			if n.wal != nil {
				n.wal.Fail(over)
			}
			n.streams.FailDirect(over)
		}
		for _, r := range d.Records {
			switch r.(type) {
			case *image.WAL, *image.RemoveWAL, *image.Node:
				t.lookAgain()
				return
			}
		}
	})
	t.lookAgain()
	n.work.Go(func() {
		for {
			select {
			case <-t.look:
				t.begin()
				n.dropOver(n.metadata.Image())
			case <-n.ctx.Done():
				return
			}
		}
	})
}

func (t *takeovers) lookAgain() {
	select {
	case t.look <- struct{}{}:
	default:
	}
}

// begin begins the rescues that are this node's and do not run yet.
func (t *takeovers) begin() {
	for w := range t.n.metadata.Image().WALs() {
		if !t.n.isToRescue(w.Instance) {
			continue
		}
		t.mu.Lock()
		again := t.running[w.Instance]
		t.running[w.Instance] = true
		t.mu.Unlock()
		if again {
			continue
		}
		t.n.work.Go(func() {
			t.run(t.n.ctx, w.Instance)
			t.mu.Lock()
			delete(t.running, w.Instance)
			t.mu.Unlock()
			t.lookAgain() // it may have become this node's again just now
		})
	}
}

// isToRescue says whether the metadata names this node, as it is now, the
// rescuer of a WAL.
func (n *Node) isToRescue(instance ids.WALInstance) bool {
	img := n.metadata.Image()
	w, ok := img.WAL(instance)
	self, known := img.Node(n.cfg.Node.ID)
	return ok && known && self.Epoch == n.epoch && img.RescuerOf(w) == n.cfg.Node.ID
}

// run tries to rescue a WAL until it is, or is not this node's to rescue.
func (t *takeovers) run(ctx context.Context, instance ids.WALInstance) {
	for pause := takeoverPauseFirst; ctx.Err() == nil && t.n.isToRescue(instance); pause = min(2*pause, takeoverPauseMost) {
		select {
		case t.turn <- struct{}{}:
		case <-ctx.Done():
			return
		}
		err := t.n.takeOver(ctx, instance)
		<-t.turn
		if err == nil || ctx.Err() != nil || !t.n.isToRescue(instance) {
			return
		}
		t.n.log.Error("WAL could not be rescued, will retry", "wal", instance.Hex(), "after", pause.String(), "error", err)
		if err := t.n.reportRescueFailed(ctx, instance, err); err != nil && ctx.Err() == nil {
			t.n.log.Warn("the controller does not know that a rescue failed", "wal", instance.Hex(), "error", err)
		}
		_ = clock.Sleep(ctx, t.n.clock, pause) // ends with ctx, as the loop does
	}
}

// takeOver makes one attempt at rescuing a WAL, and has what it holds served
// and uploaded.
func (n *Node) takeOver(ctx context.Context, instance ids.WALInstance) error {
	w, ok := n.metadata.Image().WAL(instance)
	if !ok {
		return fmt.Errorf("WAL %s is not known any more", instance)
	}
	rescued, remove, err := n.rescueWAL(ctx, w)
	if err != nil {
		return err
	}
	n.streams.Adopt(s3stream.Adopted{Rescued: rescued, Remove: remove})
	return nil
}

// rescueWAL fences and reads an instance and fixes in the metadata where its
// streams end. remove is for when it is retired. The metadata names this node
// the rescuer of w, so the epoch of its holder has risen: nothing that the
// holder does changes the trim position any more (I3).
func (n *Node) rescueWAL(ctx context.Context, w *image.WAL) (r *rescue.Rescued, remove func() error, err error) {
	began := n.clock.Now()
	defer func() { n.metrics.rescued(n.clock.Now().Sub(began), r, err) }()
	old, err := n.openOld(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	r, err = rescue.Rescue(ctx, rescue.Config{
		Meta: n.streamsMeta, Instance: w.Instance, Cache: n.metrics.cache, Frame: frame, Listener: n.tails,
		Recover: func(ctx context.Context, visit func(*walfmt.Record) error) (*wal.Recovered, error) {
			return n.recoverWAL(ctx, w.Instance, old.area, visit)
		},
	})
	if err := old.release(); err != nil {
		n.log.Warn("lock of a WAL", "wal", w.Instance.Hex(), "error", err)
	}
	if err != nil {
		return nil, nil, err
	}
	n.log.Info("WAL rescued", "wal", w.Instance.Hex(), "of", w.Node, "offsets", r.Offsets, "bytes", r.End-r.From,
		"took", n.clock.Now().Sub(began).Round(time.Millisecond))
	return r, old.remove, nil
}

// oldWAL is an instance that is fenced and not read yet.
type oldWAL struct {
	area    *volume.Area
	release func() error // after the rescue, whatever became of it
	remove  func() error // once it is retired
}

// openOld opens an instance for its rescue: in this node's own volume, or in
// that of another node, fenced from it. A node that was started without a WAL goes
// to its old one like to another's.
func (n *Node) openOld(ctx context.Context, w *image.WAL) (*oldWAL, error) {
	if w.Node == n.cfg.Node.ID && n.volume != nil {
		area, err := n.openOwn(w)
		if err != nil {
			return nil, fmt.Errorf("%w, last opened as %s: it may hold acknowledged records that are nowhere else; bring it back", err, w.Location)
		}
		return &oldWAL{
			area: area, release: func() error { return nil },
			remove: func() error { return n.volume.Remove(w.Instance) },
		}, nil
	}
	if err := n.attach(ctx, w); err != nil {
		return nil, err
	}
	f, err := n.openForeign(w)
	if err != nil {
		return nil, fmt.Errorf("%s of node %d: %w", w.Location, w.Node, err)
	}
	return &oldWAL{area: f.Area, release: f.Release, remove: f.Remove}, nil
}

// openOwn opens an older instance in this node's own volume. Of a shared one the
// cell is written as for another node's: the process that had it may be paused
// on another host, and still acknowledge. A device with reservations was taken
// from it when the volume was opened.
func (n *Node) openOwn(w *image.WAL) (*volume.Area, error) {
	if config.FenceKind(w.Kind) != config.FenceShared {
		return n.volume.Open(w.Instance)
	}
	f, err := n.openFenced(w, n.cfg.WAL.Kind, n.cfg.WAL.Path)
	if err != nil {
		return nil, err
	}
	return f.Area, nil
}

func (n *Node) openForeign(w *image.WAL) (*volume.Foreign, error) {
	kind, path, err := config.ParseWALLocation(w.Location)
	if err != nil {
		return nil, err
	}
	return n.openFenced(w, kind, path)
}

// openFenced opens the volume at path for the rescue of one instance in it.
func (n *Node) openFenced(w *image.WAL, kind config.WALKind, path string) (*volume.Foreign, error) {
	dead, ok := n.metadata.Image().Node(w.Node)
	if !ok {
		return nil, fmt.Errorf("node %d is not known", w.Node)
	}
	o := volume.ForeignOptions{
		Cluster: n.cluster, Node: w.Node, Instance: w.Instance, Fence: fenceKind(config.FenceKind(w.Kind)),
		// The dead node's own epoch, risen: above that of the instance, and
		// never above that of one which the node opens later.
		Rescuer: n.cfg.Node.ID, NodeEpoch: dead.Epoch,
		Depth: n.cfg.WAL.IODepth, AllowBuffered: n.cfg.WAL.AllowBuffered,
	}
	if kind == config.WALBlock {
		return volume.OpenForeignBlock(path, o)
	}
	return volume.OpenForeignFiles(path, o)
}

// dropOver removes from this node's volume the instances that are over by what
// others did: those that they rescued and have retired, and those given up while
// this node ran and kept them for another to rescue. What it rescued itself goes
// when it is retired.
func (n *Node) dropOver(img *image.Image) {
	for _, i := range n.instances() {
		w, ok := img.WAL(i.Instance)
		if i.Live || !ok {
			continue
		}
		switch {
		case w.State == image.WALAbandoned:
			n.log.Warn("this node's old WAL was given up: it is removed unread", "wal", w.Instance.Hex(), "location", w.Location)
		case w.State != image.WALRetired || !n.isOther(w.Rescuer):
			continue
		}
		if err := n.volume.Remove(i.Instance); err != nil {
			n.log.Warn("old WAL not removed", "wal", i.Instance.Hex(), "error", err)
		}
	}
}

// reach are the locations of WALs that this node can rescue: as configured, but
// for directories that are not there.
func (n *Node) reach() []string {
	var out []string
	for _, prefix := range n.cfg.Rescue.Reach {
		kind, dir, err := config.ParseWALLocation(strings.TrimSuffix(prefix, "/"))
		own := dir == filepath.Dir(n.cfg.WAL.Path) // which is made when the WAL is
		if err == nil && kind == config.WALFile && !own && n.cfg.Rescue.AttachCommand == "" {
			if _, err := os.Stat(dir); err != nil {
				n.log.Warn("s3.wal.rescue.paths: not in reach", "path", dir, "error", err)
				continue
			}
		}
		out = append(out, prefix)
	}
	return out
}

func fenceKind(k config.FenceKind) walfmt.FenceKind {
	switch k {
	case config.FenceShared:
		return walfmt.FenceShared
	case config.FenceReservation:
		return walfmt.FenceReservation
	}
	return walfmt.FenceExclusive
}
