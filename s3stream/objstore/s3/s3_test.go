package s3

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

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
