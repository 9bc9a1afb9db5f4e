package read

import (
	"context"
	"fmt"

	"github.com/maypok86/otter/v2"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// indexCache keeps the indexes of objects, bounded by their bytes, and loads
// each once however many ask for it.
type indexCache struct {
	store objstore.Store
	cache *otter.Cache[ids.ObjectID, objfmt.Index]
	ctx   context.Context // of loads, which others may wait for too
}

func newIndexCache(ctx context.Context, store objstore.Store, bytesMax int64) *indexCache {
	return &indexCache{ctx: ctx, store: store, cache: otter.Must(&otter.Options[ids.ObjectID, objfmt.Index]{
		MaximumWeight: uint64(max(bytesMax, 1)),
		Weigher:       func(_ ids.ObjectID, x objfmt.Index) uint32 { return uint32(64 + x.Bytes()) },
	})}
}

// of is the index of the object that holds r.
func (c *indexCache) of(ctx context.Context, r meta.ObjectRange) (objfmt.Index, error) {
	if err := ctx.Err(); err != nil {
		return objfmt.Index{}, err
	}
	return c.cache.Get(ctx, r.Object, otter.LoaderFunc[ids.ObjectID, objfmt.Index](
		func(context.Context, ids.ObjectID) (objfmt.Index, error) { return c.load(r) }))
}

// load reads the end of the object, which in all but the largest holds the
// whole index.
func (c *indexCache) load(r meta.ObjectRange) (objfmt.Index, error) {
	off, n := objfmt.FirstFetch(r.Size)
	end := make([]byte, n)
	if _, err := c.store.GetRange(c.ctx, r.Key, off, end); err != nil {
		return objfmt.Index{}, fmt.Errorf("index of object %d: %w", r.Object, err)
	}
	footer, err := objfmt.ParseFooter(end, r.Size)
	if err != nil {
		return objfmt.Index{}, fmt.Errorf("object %d: %w", r.Object, err)
	}
	if footer.Object != r.Object {
		return objfmt.Index{}, fmt.Errorf("object %d: %w: it says it is %d", r.Object, objfmt.ErrCorrupt, footer.Object)
	}
	raw, whole := footer.Index(end)
	if !whole {
		raw = make([]byte, footer.IndexSize)
		if _, err := c.store.GetRange(c.ctx, r.Key, footer.IndexPosition, raw); err != nil {
			return objfmt.Index{}, fmt.Errorf("index of object %d: %w", r.Object, err)
		}
	}
	x, err := objfmt.ParseIndex(footer, raw)
	if err != nil {
		return objfmt.Index{}, fmt.Errorf("object %d: %w", r.Object, err)
	}
	return x, nil
}

// drop forgets an object that exists no more.
func (c *indexCache) drop(object ids.ObjectID) { c.cache.Invalidate(object) }
