package gc

import (
	"context"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// batchMax is how many objects one command and one delete request carry.
const batchMax = 500

// anyAge is more than the clocks of a node and its store ever differ by.
const anyAge = 24 * time.Hour

// Meta is what collecting needs of the metadata.
type Meta interface {
	// Prepared lists object ids handed out to this node and not committed.
	Prepared() []meta.PreparedObject
	// AbortObjects makes prepared objects uncommittable, for good: they become
	// removed. Those committed meanwhile stay as they are.
	AbortObjects(ctx context.Context, objects []ids.ObjectID) error
	// Removed lists the objects that nothing refers to any more.
	Removed() []meta.RemovedObject
	// ForgetObjects ends the record of removed objects, once they are deleted.
	ForgetObjects(ctx context.Context, objects []ids.ObjectID) error
}

// Config is what a Collector is made of.
type Config struct {
	Meta  Meta
	Store objstore.Store
	Clock clock.Clock
	// Prefix is what all keys made for an object begin with, and no other's.
	Prefix func(ids.ObjectID) string
	// InFlight says whether this process is still about to commit an object.
	InFlight func(ids.ObjectID) bool
	// PreparedTTL is how long an object of this node's own epoch may stay
	// prepared without being in flight, which only an error leaves behind.
	PreparedTTL time.Duration
	// Deleted is called with what was deleted, so that caches forget it.
	Deleted func(ids.ObjectID)
}

// Collector deletes objects.
type Collector struct{ cfg Config }

// New makes a Collector.
func New(cfg Config) *Collector { return &Collector{cfg: cfg} }

// Collected counts what one run did.
type Collected struct {
	Aborted int // prepared and never committed
	Deleted int // gone from the store and from the metadata
	Uploads int // in parts, begun and never ended, given up
}

// Collect does one run. After an error what was not done is left for the next
// run.
func (c *Collector) Collect(ctx context.Context) (Collected, error) {
	var done Collected
	for batch := range batches(c.abandoned()) {
		if err := c.cfg.Meta.AbortObjects(ctx, batch); err != nil {
			return done, fmt.Errorf("gc: abort %d prepared objects: %w", len(batch), err)
		}
		done.Aborted += len(batch)
	}
	for batch := range batches(c.deletable()) {
		if err := c.delete(ctx, batch, &done.Uploads); err != nil {
			return done, err
		}
		done.Deleted += len(batch)
	}
	return done, nil
}

// abandoned is every prepared object that nobody will commit.
func (c *Collector) abandoned() []ids.ObjectID {
	var out []ids.ObjectID
	now := c.cfg.Clock.Now()
	for _, p := range c.cfg.Meta.Prepared() {
		stale := now.Sub(p.Since) > c.cfg.PreparedTTL && !c.cfg.InFlight(p.ID)
		if p.Abandoned || stale {
			out = append(out, p.ID)
		}
	}
	return out
}

func (c *Collector) deletable() []meta.RemovedObject {
	var out []meta.RemovedObject
	for _, r := range c.cfg.Meta.Removed() {
		if r.Deletable {
			out = append(out, r)
		}
	}
	return out
}

// delete deletes removed objects, and counts the uploads that it gave up.
func (c *Collector) delete(ctx context.Context, objects []meta.RemovedObject, uploads *int) error {
	var keys []string
	removed := make([]ids.ObjectID, len(objects))
	for i, o := range objects {
		removed[i] = o.ID
		if o.Key != "" {
			keys = append(keys, o.Key)
			continue
		}
		// Nobody knows how far its upload came, nor under which key. It may
		// have ended half way, and then no listing of objects shows its parts.
		// Nothing of it can be committed any more, so its age does not matter.
		n, err := c.cfg.Store.AbortUploads(ctx, c.cfg.Prefix(o.ID), c.cfg.Clock.Now().Add(anyAge))
		if err != nil {
			return fmt.Errorf("gc: give up what is half uploaded for object %d: %w", o.ID, err)
		}
		*uploads += n
		err = objstore.ListAll(ctx, c.cfg.Store, c.cfg.Prefix(o.ID), func(e objstore.Entry) error {
			keys = append(keys, e.Key)
			return nil
		})
		if err != nil {
			return fmt.Errorf("gc: list what was uploaded for object %d: %w", o.ID, err)
		}
	}
	if len(keys) > 0 {
		if err := c.cfg.Store.Delete(ctx, keys...); err != nil {
			return fmt.Errorf("gc: delete %d objects: %w", len(keys), err)
		}
	}
	if err := c.cfg.Meta.ForgetObjects(ctx, removed); err != nil {
		return fmt.Errorf("gc: forget %d deleted objects: %w", len(removed), err)
	}
	for _, id := range removed {
		c.cfg.Deleted(id)
	}
	return nil
}

// batches cuts objects into pieces of at most batchMax.
func batches[T any](objects []T) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for len(objects) > 0 {
			n := min(len(objects), batchMax)
			if !yield(objects[:n:n]) {
				return
			}
			objects = objects[n:]
		}
	}
}
