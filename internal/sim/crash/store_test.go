package crash

import (
	"context"

	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
)

// bucket is a store in memory that says when it has changed.
type bucket struct {
	*mem.Store
	after func() // called after every change
	// put, if set, is called in place of a put: a planted mistake.
	put func(ctx context.Context, key string, body objstore.Body) error
}

func (b *bucket) changed(err error) error {
	if err == nil && b.after != nil {
		b.after()
	}
	return err
}

func (b *bucket) Put(ctx context.Context, key string, body objstore.Body, opts objstore.PutOptions) error {
	if b.put != nil {
		return b.put(ctx, key, body)
	}
	return b.changed(b.Store.Put(ctx, key, body, opts))
}

func (b *bucket) Delete(ctx context.Context, keys ...string) error {
	return b.changed(b.Store.Delete(ctx, keys...))
}
