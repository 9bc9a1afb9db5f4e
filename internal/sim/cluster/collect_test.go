package cluster

import (
	"fmt"
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// collect gives up what dead nodes had prepared and never committed, and deletes
// removed objects that no living node can still come to read (I4).
func (p *proc) collect() {
	img, floor := p.image(), p.w.ctl.floor()
	if p.w.mistake == deleteAtOnce {
		floor = img.Index()
	}
	var aborted, deleted []ids.ObjectID
	for o := range img.Unsettled() {
		switch n, _ := img.Node(o.PreparedBy); {
		case o.State == image.ObjectPrepared && n.Epoch != o.PreparedEpoch:
			aborted = append(aborted, o.ID)
		case o.State == image.ObjectRemoved && o.RemovedAt <= floor:
			deleted = append(deleted, o.ID)
		}
	}
	if len(aborted) > 0 {
		p.submit(&image.AbortObjects{Node: p.id, NodeEpoch: p.epoch, Objects: aborted}, nil)
	}
	if len(deleted) > 0 {
		p.w.store.remove(deleted)
		p.submit(&image.ObjectsDeleted{Node: p.id, NodeEpoch: p.epoch, Passed: floor, Objects: deleted}, nil)
	}
}

// remove deletes what attempts wrote under these ids. Attempts that are still on
// their way may write after it; nothing names them.
func (s *store) remove(objects []ids.ObjectID) {
	for _, id := range objects {
		for key := range s.objects {
			if strings.HasPrefix(key, fmt.Sprintf("%d-", id)) {
				delete(s.objects, key)
				s.w.saw(evDeleted)
			}
		}
	}
}

// objectKey is unique per attempt: an attempt has an id of its own, or is another
// process's.
func objectKey(id ids.ObjectID, incarnation ids.UUID) string {
	return fmt.Sprintf("%d-%x", id, incarnation[1:4])
}

// heardOf is how far a node's metadata was by its latest heartbeat.
type heardOf struct {
	epoch ids.NodeEpoch
	at    int
}

// floor is an index that the metadata of every living node has passed, 0 while a
// controller has not heard of all.
func (c *controller) floor() uint64 {
	floor := c.w.meta.last().Index()
	for n := range c.w.meta.last().Nodes() {
		if !n.IsAlive() {
			continue
		}
		h := c.followers[n.ID]
		if h.epoch != n.Epoch {
			return 0
		}
		floor = min(floor, uint64(h.at))
	}
	return floor
}

// missing judges that an object is not there which a process is to read: it may
// be deleted for one that is fenced.
func (w *world) missing(p *proc, key string, r *image.Range) {
	if n, ok := w.meta.last().Node(p.id); ok && n.Epoch == p.epoch && n.IsAlive() {
		w.fail("I4", "object %s of stream %d, offsets %d to %d, is not there for %s", key, r.Stream, r.Start, r.End, p)
	}
}
