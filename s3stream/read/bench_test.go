package read

import (
	"context"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"golang.org/x/sync/errgroup"

	"github.com/seawallmq/seawall/internal/testsrv"
	"github.com/seawallmq/seawall/s3stream/objfmt"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/file"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
)

// benchStores are the stores that reads are measured over.
var benchStores = map[string]func(b *testing.B) objstore.Store{
	"file": func(b *testing.B) objstore.Store {
		store, err := file.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		return store
	},
	"s3": func(b *testing.B) objstore.Store {
		server := testsrv.StartS3(b)
		server.NewBucket(b, "bench")
		store, err := s3.Open(context.Background(), s3.Options{
			Bucket: "bench", Endpoint: server.Endpoint, Region: server.Region, PathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
		})
		if err != nil {
			b.Fatal(err)
		}
		return store
	},
}

const (
	benchBatches = 4096 // in each of benchObjects objects
	benchObjects = 4
	benchBytes   = benchObjects * benchBatches * 16 << 10
)

func benchWorld(b *testing.B, store objstore.Store) *world {
	w := newWorld(b)
	w.Store = store
	for range benchObjects {
		w.object(objfmt.BlockBytesTarget, benchBatches, 16<<10, 1)
	}
	b.SetBytes(benchBytes)
	b.ResetTimer()
	return w
}

// BenchmarkColdRead reads a stream that no cache holds, as one consumer does.
func BenchmarkColdRead(b *testing.B) {
	for name, open := range benchStores {
		b.Run(name, func(b *testing.B) {
			w := benchWorld(b, open(b))
			r := w.reader(64 << 20)
			for range b.N {
				for from, end := int64(0), w.end(1); from < end; {
					res, err := r.Read(context.Background(), Request{Stream: 1, From: from, UpTo: end, MaxBytes: 1 << 20, MinOne: true})
					if err != nil {
						b.Fatal(err)
					}
					from = res.NextOffset
					res.Release()
				}
				r.work.Wait()
				for _, o := range w.ranges[1] {
					r.Drop(o.Object)
				}
			}
		})
	}
}

// BenchmarkPlainGets asks the same stores for the same bytes by ranged GETs and
// nothing else, several at a time: what BenchmarkColdRead is measured against.
func BenchmarkPlainGets(b *testing.B) {
	for name, open := range benchStores {
		b.Run(name, func(b *testing.B) {
			w := benchWorld(b, open(b))
			bufs := sync.Pool{New: func() any { return new([runBytesMax]byte) }}
			for range b.N {
				var group errgroup.Group
				group.SetLimit(8)
				for _, o := range w.ranges[1] {
					for off := int64(0); off < o.Size; off += runBytesMax {
						group.Go(func() error {
							buf := bufs.Get().(*[runBytesMax]byte)
							defer bufs.Put(buf)
							_, err := w.GetRange(context.Background(), o.Key, off, buf[:min(runBytesMax, o.Size-off)])
							return err
						})
					}
				}
				if err := group.Wait(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
