package node

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/internal/testlog"
)

// objects lists the files of the objects of a node.
func objects(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "objects", "[0-9a-f]*", "*", "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no objects in %s: %v", dir, err)
	}
	return found
}

// One partition's object is damaged: that partition's records are refused in
// words, nothing wrong is served, and others go on.
func TestDamagedObject(t *testing.T) {
	dir := t.TempDir()
	big := bytes.Repeat([]byte("s"), 900_000)
	var paths []string
	for _, topic := range []string{"whole", "hurt"} {
		n := start(t, smallConfig(t, dir, nil))
		c := client(t, n)
		for range 5 { // large enough for an object of its own
			if err := c.ProduceSync(deadline(t), &kgo.Record{Topic: topic, Value: big}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := n.Drain(deadline(t)); err != nil || !r.Uploaded {
			t.Fatalf("drain: %v, %v", r, err)
		}
		before := paths
		paths = slices.DeleteFunc(objects(t, dir), func(path string) bool { return slices.Contains(before, path) })
	}
	hurt := paths[0]
	b, err := os.ReadFile(hurt)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(hurt, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var log testlog.Buffer
	n, err := New(smallConfig(t, dir, nil), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(deadline(t)); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	read := func(topic string) (records int) { // how many are served before one is refused
		c := client(t, n, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		until := deadline(t)
		for records < 5 && until.Err() == nil && !strings.Contains(log.String(), "records could not be read") {
			ctx, cancel := context.WithTimeout(until, 100*time.Millisecond) // the client hides what it retries
			c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				if !bytes.Equal(r.Value, big) {
					t.Errorf("%s: offset %d has other bytes than were written", topic, r.Offset)
				}
				records++
			})
			cancel()
		}
		return records
	}
	if got := read("whole"); got != 5 {
		t.Errorf("%d of 5 records of the partition that is whole", got)
	}
	if got := read("hurt"); got == 5 {
		t.Error("the damaged partition was read to its end")
	}
	wantWords(t, log.String(), "records could not be read", "partition=hurt-0", "CRC")
	for _, topic := range []string{"whole", "hurt"} {
		produce(t, n, topic, 5, 1)
	}
}

// faultyS3 is an S3 server in this process that fails as it is told to.
type faultyS3 struct {
	url  string
	mode atomic.Value // of string: "", "500", "hang", "hold" until it is another, "truncate"
	drop func()       // cuts the connections
	held atomic.Int32 // requests, by "hold"
	s3   http.Handler // behind it
}

func startFaultyS3(t *testing.T) *faultyS3 {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	backend := s3mem.New()
	if err := backend.CreateBucket("sea"); err != nil {
		t.Fatal(err)
	}
	return faultyWay(t, gofakes3.New(backend).Server())
}

// faultyWay is another way to a store, with faults of its own.
func faultyWay(t *testing.T, whole http.Handler) *faultyS3 {
	t.Helper()
	f := &faultyS3{s3: whole}
	f.mode.Store("")
	quit := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch f.mode.Load() {
		case "500":
			w.WriteHeader(http.StatusInternalServerError)
		case "hang":
			select {
			case <-r.Context().Done():
			case <-quit:
			}
		case "hold":
			f.held.Add(1)
			for f.mode.Load() == "hold" && r.Context().Err() == nil {
				time.Sleep(5 * time.Millisecond)
			}
			whole.ServeHTTP(w, r)
		case "truncate":
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(make([]byte, 10)) // and the connection is cut
		default:
			whole.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { close(quit); server.Close() })
	f.drop = server.CloseClientConnections
	f.url = "0@s3://sea?region=us-east-1&pathStyle=true&checksumAlgorithm=none&endpoint=" + server.URL
	return f
}

// Whatever the store does, a node starts, acknowledges, serves and stops; what
// it could not upload waits in the WAL until the store is back.
func TestFailingStore(t *testing.T) {
	store, dir := startFaultyS3(t), t.TempDir()
	cfg := func() *config.Config {
		return smallConfig(t, dir, map[string]string{"s3.data.buckets": store.url, "s3.wal.upload.interval.ms": "100"})
	}
	total := 0
	for _, mode := range []string{"500", "hang", "truncate"} {
		store.mode.Store(mode)
		n := start(t, cfg())
		produce(t, n, "t", total, 100)
		total += 100
		consume(t, n, "t", total)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		r, err := n.Drain(ctx)
		cancel()
		if err != nil || r.Uploaded || r.LeftBytes == 0 {
			t.Errorf("%s: drained as if the store was there: %v, %v", mode, r, err)
		}
	}
	store.mode.Store("")
	n := start(t, cfg())
	consume(t, n, "t", total)
	if r, err := n.Drain(deadline(t)); err != nil || !r.Uploaded {
		t.Fatalf("drain: %v, %v", r, err)
	}
	n = start(t, cfg())
	consume(t, n, "t", total) // from the store alone
	produce(t, n, "t", total, 1)
}
