package s3sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/s3sim/model"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

// start runs a simulated store for as long as the test.
func start(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	o.Dir = t.TempDir()
	if o.Clock == nil {
		o.Clock = clock.Wall()
	}
	if o.Profile == nil {
		o.Profile = profile(t, "none")
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, server.URL
}

func profile(t *testing.T, name string) *model.Profile {
	t.Helper()
	p, err := LoadProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// client is Seawall's own client of a store.
func client(t *testing.T, url, bucket string, checksum s3.ChecksumMode) objstore.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), s3.Options{
		Bucket: bucket, Endpoint: url, PathStyle: true, Checksum: checksum,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s objstore.Store, key string, content []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, objstore.NewBody(content), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// The store is one that Seawall can rely on, whoever verifies checksums.
func TestAcceptance(t *testing.T) {
	for name, mode := range map[string]s3.ChecksumMode{"plain": s3.ChecksumOff, "sums": s3.ChecksumOn} {
		t.Run(name, func(t *testing.T) {
			s, url := start(t, Options{})
			var buckets atomic.Int32
			storetest.Run(t, func(t *testing.T) objstore.Store {
				return client(t, url, fmt.Sprintf("bucket-%d", buckets.Add(1)), mode)
			}, storetest.Expect{PutIfAbsent: true, CompleteIfAbsent: true})
			mustFreeEverything(t, s)
		})
	}
}

// mustFreeEverything empties the store, and fails if the volume does not come
// back whole.
func mustFreeEverything(t *testing.T, s *Server) {
	t.Helper()
	s.mu.Lock()
	var paths []string
	s.index.objects.Scan(func(path string, _ *object) bool { paths = append(paths, path); return true })
	for _, u := range s.index.uploads {
		s.drop(u)
	}
	s.mu.Unlock()
	for _, path := range paths {
		s.remove(path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.volume.mu.Lock()
	defer s.volume.mu.Unlock()
	free := s.volume.space.free
	if s.index.held != 0 || s.index.stored != 0 || len(free) != 1 || free[0] != (span{0, s.volume.space.end}) {
		t.Errorf("left: %d objects and parts, %d bytes; free: %v of %d", s.index.held, s.index.stored, free, s.volume.space.end)
	}
}

func TestOldObjectStaysReadableUntilItsReadersAreDone(t *testing.T) {
	s, url := start(t, Options{})
	store := client(t, url, "b", s3.ChecksumOff)
	old := bytes.Repeat([]byte("old."), 1<<20) // more than sockets hold
	put(t, store, "k", old)
	answer, err := http.Get(url + "/b/k")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for range 3 { // what is replaced would be written over at once
		put(t, store, "k", bytes.Repeat([]byte("new!"), 1<<20))
	}
	if got, err := io.ReadAll(answer.Body); err != nil || !bytes.Equal(got, old) {
		t.Errorf("read %d bytes, %v; want the old ones", len(got), err)
	}
	mustFreeEverything(t, s)
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		header string
		size   int64
		off, n int64
		err    error
	}{
		{"", 10, 0, 10, nil}, {"bytes=0-", 10, 0, 10, nil}, {"bytes=2-4", 10, 2, 3, nil}, {"bytes=9-99", 10, 9, 1, nil},
		{"bytes=-3", 10, 7, 3, nil}, {"bytes=-30", 10, 0, 10, nil}, {"bytes=0-1,4-5", 10, 0, 10, nil}, {"lines=1-2", 10, 0, 10, nil},
		{"bytes=10-", 10, 0, 0, errInvalidRange}, {"bytes=4-2", 10, 0, 0, errInvalidRange}, {"bytes=-0", 10, 0, 0, errInvalidRange},
		{"bytes=0-0", 0, 0, 0, errInvalidRange}, {"bytes=-1", 0, 0, 0, errInvalidRange}, {"bytes=x-1", 10, 0, 0, errInvalidRange},
	} {
		off, n, err := byteRange(c.header, c.size)
		if err != nil {
			off, n = 0, 0
		}
		if off != c.off || n != c.n || err != nil && !errors.Is(err, c.err) || err == nil && c.err != nil {
			t.Errorf("%q of %d bytes: %d+%d, %v; want %d+%d, %v", c.header, c.size, off, n, err, c.off, c.n, c.err)
		}
	}
}

// A body as other clients of AWS send it: in chunks, its checksum behind.
func TestChunkedBodies(t *testing.T) {
	_, url := start(t, Options{})
	const sum = "yZRlqg==" // CRC32C of "hello world"
	send := func(body, decoded string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPut, url+"/b/k", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Decoded-Content-Length", decoded)
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32c")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	for _, c := range []struct {
		body, decoded string
		status        int
		code          string
	}{
		{"5;chunk-signature=0\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32c:" + sum + "\r\n\r\n", "11", 200, ""},
		{"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n", "11", 400, "BadDigest"},
		{"b\r\nhello world\r\n0\r\n\r\n", "11", 400, "BadDigest"}, // announced, and not there
		{"b\r\nhello world\r\n", "11", 400, "IncompleteBody"},
		{"b\r\nhello world\r\n0\r\n\r\n", "12", 400, "IncompleteBody"},
		{"b\r\nhello world\r\n0\r\n\r\n", "10", 400, "InvalidArgument"},
		{"zz\r\nhello\r\n", "5", 400, "InvalidArgument"},
		{strings.Repeat("1", 2000) + "\r\n", "5", 400, "InvalidArgument"},
		{"", "x", 411, "MissingContentLength"},
	} {
		if status, text := send(c.body, c.decoded); status != c.status || !strings.Contains(text, c.code) {
			t.Errorf("%.60q as %s bytes: %d %s; want %d %s", c.body, c.decoded, status, text, c.status, c.code)
		}
	}
	answer, err := http.Get(url + "/b/k")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got, _ := io.ReadAll(answer.Body); string(got) != "hello world" {
		t.Errorf("kept %q", got)
	}
}

func TestListingWithDelimiterAndPages(t *testing.T) {
	_, url := start(t, Options{})
	store := client(t, url, "b", s3.ChecksumOff)
	for _, key := range []string{"a", "d/1", "d/2", "d/e/3", "f/4", "g"} {
		put(t, store, key, []byte(key))
	}
	put(t, client(t, url, "b2", s3.ChecksumOff), "other", nil) // of another bucket
	list := func(query string) string {
		t.Helper()
		answer, err := http.Get(url + "/b?list-type=2&" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	text := list("delimiter=/&encoding-type=url")
	for _, want := range []string{"<Key>a</Key>", "<Prefix>d%2F</Prefix>", "<Prefix>f%2F</Prefix>", "<Key>g</Key>", "<KeyCount>4</KeyCount>"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s: %s", want, text)
		}
	}
	var seen []string
	token := ""
	for range 10 {
		text = list("delimiter=/&max-keys=1&continuation-token=" + token)
		for _, tag := range []string{"Key", "CommonPrefixes><Prefix"} {
			if _, rest, ok := strings.Cut(text, "<"+tag+">"); ok {
				name, _, _ := strings.Cut(rest, "<")
				seen = append(seen, name)
			}
		}
		_, rest, more := strings.Cut(text, "<NextContinuationToken>")
		if !more {
			break
		}
		token, _, _ = strings.Cut(rest, "<")
	}
	if fmt.Sprint(seen) != "[a d/ f/ g]" {
		t.Errorf("pages of one: %v", seen)
	}
}

func TestFullStoreSaysSo(t *testing.T) {
	s, url := start(t, Options{CapacityBytes: 1 << 20})
	store := client(t, url, "b", s3.ChecksumOff)
	put(t, store, "k", make([]byte, 900<<10))
	err := store.Put(t.Context(), "l", objstore.NewBody(make([]byte, 200<<10)), objstore.PutOptions{})
	if !errors.Is(err, objstore.ErrUnavailable) || !strings.Contains(err.Error(), "full") {
		t.Errorf("Put into a full store: %v", err)
	}
	if err := store.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	put(t, store, "l", make([]byte, 200<<10))
	mustFreeEverything(t, s)

	_, url = start(t, Options{ObjectsMax: 1})
	store = client(t, url, "b", s3.ChecksumOff)
	put(t, store, "k", nil)
	if err := store.Put(t.Context(), "l", objstore.NewBody(), objstore.PutOptions{}); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("one object more than there may be: %v", err)
	}
}

// A write whose client breaks off leaves nothing.
func TestBrokenWriteLeavesNothing(t *testing.T) {
	s, url := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	body, feed := io.Pipe()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/b/k", body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 1 << 20
	done := make(chan struct{})
	go func() {
		defer close(done)
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
		}
	}()
	if _, err := feed.Write(make([]byte, 600<<10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	feed.CloseWithError(errors.New("the client is gone"))
	<-done
	waitFor(t, func() bool {
		s.volume.mu.Lock()
		defer s.volume.mu.Unlock()
		return len(s.volume.space.free) == 1
	})
	mustFreeEverything(t, s)
}

// waitFor waits for what another goroutine is about to do.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}

func TestStatsAndSwitches(t *testing.T) {
	s, url := start(t, Options{Seed: 7})
	store := client(t, url, "b", s3.ChecksumOff)
	ctx := t.Context()
	put(t, store, "k", make([]byte, 1000))
	if _, err := store.GetRange(ctx, "k", 0, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	_, _ = store.Head(ctx, "missing")
	_, _ = store.List(ctx, "", "", 10)
	_ = store.Delete(ctx, "k", "l")
	st := s.Stats()
	if st.Ops[model.Put].Bytes != 1000 || st.Ops[model.Get].Bytes != 10 || st.Ops[model.Head].Failed != 1 ||
		fmt.Sprint(st.Charged) != "map[DELETE:1 GET:2 LIST:1 PUT:1]" || st.Objects != 0 || !st.Simulated || st.Profile != "none" || st.Seed != 7 {
		t.Errorf("%+v", st)
	}
	for path, want := range map[string]string{"stats": `"charged":{"DELETE":1,"GET":2,"LIST":1,"PUT":1}`, "profile": `"name":"none"`} {
		answer, err := http.Get(url + "/-/" + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !strings.Contains(string(text), want) {
			t.Errorf("%s: %s", path, text)
		}
	}
	flip := func(path string) {
		t.Helper()
		answer, err := http.Post(url+"/-/"+path, "", nil)
		if err != nil || answer.StatusCode != http.StatusNoContent {
			t.Fatalf("%s: %v, %v", path, answer, err)
		}
		answer.Body.Close()
	}
	flip("down")
	if _, err := store.Head(ctx, "k"); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("a store that is down: %v", err)
	}
	flip("up")
	if _, err := store.Head(ctx, "k"); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("a store that is up again: %v", err)
	}
}

// Requests go through the volume at once, each with bytes of its own.
func TestConcurrentTransfers(t *testing.T) {
	s, url := start(t, Options{})
	store := client(t, url, "b", s3.ChecksumOn)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			for round := range 5 {
				key, content := fmt.Sprintf("%d/%d", i, round), bytes.Repeat([]byte{byte(i), byte(round)}, 150_000*(i+1))
				if errs[i] = store.Put(t.Context(), key, objstore.NewBody(content), objstore.PutOptions{}); errs[i] != nil {
					return
				}
				got := make([]byte, len(content))
				if _, errs[i] = store.GetRange(t.Context(), key, 0, got); errs[i] == nil && !bytes.Equal(got, content) {
					errs[i] = fmt.Errorf("%s: other bytes", key)
				}
				if errs[i] = errors.Join(errs[i], store.Delete(t.Context(), key)); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	mustFreeEverything(t, s)
}
