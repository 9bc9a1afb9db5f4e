package s3

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/testsrv"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

func open(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Credentials == nil {
		o.Credentials = credentials.NewStaticCredentialsProvider("key", "secret", "")
	}
	o.PathStyle = true
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// folders gives each subtest a folder of its own in one bucket.
func folders(s *Store) func(t *testing.T) objstore.Store {
	var n atomic.Int32
	return func(t *testing.T) objstore.Store {
		p, err := objstore.Prefixed(s, fmt.Sprintf("test-%d", n.Add(1)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

func TestAcceptanceInProcess(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	s := open(t, Options{Bucket: "b", Endpoint: server.URL})
	// It ignores If-None-Match when a multipart upload is completed.
	storetest.Run(t, folders(s), storetest.Expect{PutIfAbsent: true})
}

func TestAcceptanceVersityGW(t *testing.T) {
	server := testsrv.StartS3(t)
	server.NewBucket(t, "plain")
	server.NewBucket(t, "sums")
	creds := credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, "")
	for name, o := range map[string]Options{
		"plain": {Bucket: "plain", Checksum: ChecksumOff},
		"sums":  {Bucket: "sums", Checksum: ChecksumOn},
	} {
		o.Endpoint, o.Region, o.Credentials = server.Endpoint, server.Region, creds
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, folders(open(t, o)), storetest.Expect{PutIfAbsent: true, CompleteIfAbsent: true})
		})
	}
}

// The server is killed while writes are under way and comes back: what was
// acknowledged is there, and the retries bring the rest to an end.
func TestOutageVersityGW(t *testing.T) {
	server := testsrv.StartS3(t)
	server.NewBucket(t, "sea")
	ctx := context.Background()
	s := objstore.NewRetry(open(t, Options{
		Bucket: "sea", Endpoint: server.Endpoint, Region: server.Region,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
	}), clock.Wall(), rand.Int64N, objstore.RetryOptions{Attempts: 100, BackoffMax: 50 * time.Millisecond})

	const writers, writes = 4, 20
	begun := make(chan struct{}, writers*writes)
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range writes {
				begun <- struct{}{}
				key := fmt.Sprintf("w%d/%d", w, i)
				body := objstore.NewBody(bytes.Repeat([]byte(key), 20_000))
				if err := s.Put(ctx, key, body, objstore.PutOptions{IfNoneMatch: true}); err != nil {
					errs[w] = err
					return
				}
			}
		})
	}
	for range writers * writes / 4 {
		<-begun
	}
	server.Kill()
	server.Restart(t)
	wg.Wait()
	for w := range writers {
		if errs[w] != nil {
			t.Error(errs[w])
			continue
		}
		for i := range writes {
			key := fmt.Sprintf("w%d/%d", w, i)
			want := bytes.Repeat([]byte(key), 20_000)
			got, err := storetest.ReadAll(ctx, s, key)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s was acknowledged and is not there: %v", key, err)
			}
		}
	}
}
