package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seawallmq/seawall/kraftmeta/image"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// identityWait bounds how long a start waits for the object store to say whose
// it is: a node starts while the store is away (I9).
const identityWait = 3 * time.Second

// checkStore refuses an object store that is not the cluster's. Each cluster
// leaves a mark in its bucket at its first start; a bucket without it is only
// taken while the cluster has no objects.
func (n *Node) checkStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, identityWait)
	defer cancel()
	cluster := n.cluster.String()
	key := "clusters/" + cluster
	_, err := n.store.Head(ctx, key)
	if err == nil {
		return nil
	}
	if !errors.Is(err, objstore.ErrNotFound) {
		n.log.Warn("the object store does not answer; going on without", "store", n.cfg.Store.URL, "error", err)
		return nil
	}
	if o := firstCommitted(n.metadata.Image()); o != nil {
		return fmt.Errorf("s3.data.buckets: %s is not the object store of cluster %s: "+
			"the cluster has objects, such as %s, and its mark %s is not there", n.cfg.Store.URL, cluster, o.Key, key)
	}
	err = n.store.Put(ctx, key, objstore.NewBody([]byte(cluster)), objstore.PutOptions{})
	if err != nil {
		n.log.Warn("the object store could not be marked; the next start tries again", "store", n.cfg.Store.URL, "error", err)
	}
	return nil
}

// firstCommitted is an object that the metadata counts on, if there is one.
func firstCommitted(img *image.Image) *image.Object {
	for o := range img.Objects() {
		if o.State == image.ObjectCommitted {
			return o
		}
	}
	return nil
}
