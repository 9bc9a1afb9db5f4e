package gc

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/internal/testsrv"
	"github.com/seawallmq/seawall/s3stream/meta"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
)

// A crash leaves uploads half way. Those of this node's abandoned objects go;
// those under way, and those of another cluster in the bucket, stay.
func TestCollectGivesUpHalfUploadsOnARealServer(t *testing.T) {
	ctx := context.Background()
	server := testsrv.StartS3(t)
	server.NewBucket(t, "sea")
	bucket, err := s3.Open(ctx, s3.Options{
		Bucket: "sea", Endpoint: server.Endpoint, Region: server.Region, PathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	store := objstore.NewRetry(bucket, clock.Wall(), rand.Int64N, objstore.RetryOptions{})
	key := func(cluster string, id ids.ObjectID) string {
		return objfmt.KeyParts{Object: id, Cluster: cluster, Attempt: ids.UUID{byte(id)}}.Key()
	}
	for _, k := range []string{key("ours", 1), key("ours", 2), key("ours", 3), key("theirs", 1)} {
		u, err := store.CreateMultipart(ctx, k, objstore.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := u.UploadPart(ctx, 1, objstore.NewBody([]byte("half"))); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	w := &world{prepared: map[ids.ObjectID]meta.PreparedObject{}, removed: map[ids.ObjectID]meta.RemovedObject{}, Store: store}
	for _, p := range []meta.PreparedObject{
		{ID: 1, Abandoned: true, Since: now},    // of the life before the crash
		{ID: 2, Since: now},                     // under way
		{ID: 3, Since: now.Add(-2 * time.Hour)}, // under way, slowly
	} {
		w.prepared[p.ID] = p
	}
	c := New(Config{
		Meta: w, Store: store, Clock: clock.Wall(), PreparedTTL: time.Hour,
		Prefix:   func(id ids.ObjectID) string { return objfmt.KeyParts{Object: id, Cluster: "ours"}.Prefix() },
		InFlight: func(id ids.ObjectID) bool { return id == 3 },
		Deleted:  func(ids.ObjectID) {},
	})
	if done, err := c.Collect(ctx); err != nil || done != (Collected{Aborted: 1, Deleted: 1, Uploads: 1}) {
		t.Errorf("%+v, %v", done, err)
	}
	for k, want := range map[string]int{key("ours", 1): 0, key("ours", 2): 1, key("ours", 3): 1, key("theirs", 1): 1} {
		if n, err := store.AbortUploads(ctx, k, now.Add(anyAge)); n != want || err != nil {
			t.Errorf("%s: %d uploads were left, %v; want %d", k, n, err, want)
		}
	}
}
