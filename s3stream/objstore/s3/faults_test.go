package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

// openHandler is a Store whose server is h.
func openHandler(t *testing.T, h http.Handler) *Store {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return open(t, Options{Bucket: "b", Endpoint: server.URL})
}

func fakeS3(t *testing.T) http.Handler {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	return gofakes3.New(backend).Server()
}

// hangUp closes the connection instead of answering.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
}

// answer writes an S3 error.
func answer(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>as the test wants it</Message></Error>`, code)
}

func TestErrorsAreClassified(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   error
		retry  bool
	}{
		{503, "SlowDown", objstore.ErrThrottled, true},
		{429, "TooManyRequests", objstore.ErrThrottled, true},
		{500, "InternalError", objstore.ErrUnavailable, true},
		{502, "", objstore.ErrUnavailable, true},
		{400, "ExpiredToken", objstore.ErrUnavailable, true},
		{400, "BadDigest", objstore.ErrUnavailable, true},
		{409, "ConditionalRequestConflict", objstore.ErrConflict, true},
		{412, "PreconditionFailed", objstore.ErrPreconditionFailed, false},
		{403, "AccessDenied", objstore.ErrDenied, false},
		{404, "NoSuchBucket", objstore.ErrInvalid, false},
		{404, "NoSuchKey", objstore.ErrNotFound, false},
		{400, "InvalidArgument", objstore.ErrInvalid, false},
		{501, "NotImplemented", objstore.ErrInvalid, false},
	} {
		s := openHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, c.status, c.code) }))
		err := s.Put(context.Background(), "k", objstore.NewBody([]byte("x")), objstore.PutOptions{})
		if !errors.Is(err, c.want) || objstore.Retriable(err) != c.retry {
			t.Errorf("%d %s: got %v (retriable: %t), want %v (%t)", c.status, c.code, err, objstore.Retriable(err), c.want, c.retry)
		}
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // nobody listens any more
	s := open(t, Options{Bucket: "b", Endpoint: server.URL})
	if _, err := s.Head(context.Background(), "k"); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("connection refused: got %v, want ErrUnavailable", err)
	}
}

// Every write happens and its first answer is lost: the retry meets its own
// object, or misses its own upload.
func TestLostAnswersAreSettled(t *testing.T) {
	inner := fakeS3(t)
	var mu sync.Mutex
	lostOnce := map[string]bool{}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		which := r.Method + " " + r.URL.Path
		if r.URL.Query().Has("uploadId") {
			which += " " + r.URL.Query().Get("partNumber")
		}
		mu.Lock()
		lose := (r.Method == http.MethodPut || r.Method == http.MethodPost) && !lostOnce[which] && !r.URL.Query().Has("uploads")
		lostOnce[which] = true
		mu.Unlock()
		if !lose {
			inner.ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(httptest.NewRecorder(), r)
		hangUp(w)
	})
	ctx := context.Background()
	s := objstore.NewRetry(openHandler(t, h), clock.Wall(), rand.Int64N, objstore.RetryOptions{BackoffMin: time.Millisecond})
	body := objstore.NewBody([]byte("content"))
	if err := s.Put(ctx, "k", body, objstore.PutOptions{IfNoneMatch: true}); err != nil {
		t.Errorf("Put whose answer was lost: %v", err)
	}
	u, err := s.CreateMultipart(ctx, "m", objstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := u.UploadPart(ctx, 1, body); err != nil {
		t.Errorf("UploadPart whose answer was lost: %v", err)
	}
	if err := u.Complete(ctx); err != nil {
		t.Errorf("Complete whose answer was lost: %v", err)
	}
	for _, key := range []string{"k", "m"} {
		if p, err := storetest.ReadAll(ctx, s, key); err != nil || string(p) != "content" {
			t.Errorf("%s holds %q, %v", key, p, err)
		}
	}
}

func TestTruncatedAnswerIsNoEnd(t *testing.T) {
	s := openHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-9/100")
		w.Header().Set("Content-Length", "10")
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "01234")
	}))
	n, err := s.GetRange(context.Background(), "k", 0, make([]byte, 10))
	if n != 5 || !errors.Is(err, objstore.ErrUnavailable) || errors.Is(err, io.EOF) {
		t.Errorf("GetRange = %d, %v; want 5 bytes and ErrUnavailable", n, err)
	}
}

// A server that ignores Range, or sends another one, must not be believed.
func TestWrongRangesAreRefused(t *testing.T) {
	whole := openHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "0123456789") }))
	dst := make([]byte, 4)
	if n, err := whole.GetRange(context.Background(), "k", 0, dst); n != 4 || err != nil || string(dst) != "0123" {
		t.Errorf("from 0: %d, %v, %q", n, err, dst)
	}
	if n, err := whole.GetRange(context.Background(), "k", 2, dst); n != 0 || err == nil {
		t.Errorf("from 2: %d, %v; want an error", n, err)
	}
	short := openHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 2-3/100")
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "23")
	}))
	if _, err := short.GetRange(context.Background(), "k", 2, dst); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("a shorter range than asked for: %v", err)
	}
}

// openHanging is a Store whose server reads no body and gives no answer until
// the test ends.
func openHanging(t *testing.T) (s *Store, reached <-chan struct{}) {
	t.Helper()
	arrived, end := make(chan struct{}, 16), make(chan struct{})
	s = openHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-end
	}))
	t.Cleanup(func() { close(end) }) // before the server's own, which waits for its handlers
	return s, arrived
}

func TestHangingServer(t *testing.T) {
	inner, _ := openHanging(t)
	s := objstore.NewRetry(inner, clock.Wall(), rand.Int64N,
		objstore.RetryOptions{Attempts: 2, AttemptTimeout: 20 * time.Millisecond, BackoffMin: time.Millisecond})
	_, err := s.GetRange(context.Background(), "k", 0, make([]byte, 1))
	if !errors.Is(err, objstore.ErrUnavailable) || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Errorf("got %v", err)
	}
}

// A Put that has returned reads its body no longer, though the connection may
// live on: the race detector watches the caller reuse it.
func TestBodyIsTheCallersAgain(t *testing.T) {
	s, reached := openHanging(t)
	p := make([]byte, 8<<20)
	body := objstore.NewBody(p)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-reached
		cancel()
	}()
	if err := s.Put(ctx, "k", body, objstore.PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for i := range p {
		p[i] = 1
	}
}

func TestServerWithoutMultiDelete(t *testing.T) {
	inner := fakeS3(t)
	s := openHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Query().Has("delete") {
			answer(w, http.StatusNotImplemented, "NotImplemented")
			return
		}
		inner.ServeHTTP(w, r)
	}))
	ctx := context.Background()
	for _, key := range []string{"a", "b"} {
		if err := s.Put(ctx, key, objstore.NewBody([]byte("x")), objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := s.Delete(ctx, "a", "b"); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := s.List(ctx, "", "", 10); err != nil || len(left) != 0 {
		t.Errorf("List = %v, %v", left, err)
	}
	if !s.singleDeletes.Load() {
		t.Error("the store did not learn to delete one by one")
	}
}
