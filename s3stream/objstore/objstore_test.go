package objstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/mem"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

// All wrappers on top of each other are a store like any other.
func TestAcceptanceOfTheWrappers(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store {
		s, err := objstore.Prefixed(mem.New(clock.Wall()), "folder/of/ours")
		if err != nil {
			t.Fatal(err)
		}
		s = objstore.Observed(s, &recorder{}, clock.Wall())
		r := objstore.NewRetry(s, clock.Wall(), rand.Int64N, objstore.RetryOptions{})
		return r.Paced(objstore.Pacers{objstore.NewTokenBucket(clock.Wall(), 1<<40, 1)}, objstore.PriorityUpload)
	}, storetest.Expect{PutIfAbsent: true, CompleteIfAbsent: true})
}

func TestPrefixedKeepsToItsFolder(t *testing.T) {
	inner := mem.New(clock.Wall())
	a, err := objstore.Prefixed(inner, "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []objstore.Store{inner, a} {
		if err := s.Put(ctx, "k", content, objstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := inner.Head(ctx, "a/k"); err != nil {
		t.Errorf("a/k is not where it should be: %v", err)
	}
	if entries, err := a.List(ctx, "", "", 10); err != nil || len(entries) != 1 || entries[0].Key != "k" {
		t.Errorf("List = %v, %v; want k alone", entries, err)
	}
	for _, bad := range []string{"/a", "a/", "../a", "a//b"} {
		if _, err := objstore.Prefixed(inner, bad); !errors.Is(err, objstore.ErrInvalid) {
			t.Errorf("Prefixed(%q): %v, want ErrInvalid", bad, err)
		}
	}
	if s, err := objstore.Prefixed(inner, ""); err != nil || s != objstore.Store(inner) {
		t.Errorf("Prefixed without a folder = %v, %v", s, err)
	}
}

// recorder is an Observer that writes down what it is told.
type recorder struct {
	mu  sync.Mutex
	log []string
}

func (r *recorder) Observe(op string, bytes int64, _ time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf("%s %d %t", op, bytes, err == nil))
}

func TestObservedTellsEveryOperation(t *testing.T) {
	r := &recorder{}
	s := objstore.Observed(mem.New(clock.Wall()), r, clock.Wall())
	u, _ := s.CreateMultipart(ctx, "m", objstore.PutOptions{})
	_ = u.UploadPart(ctx, 1, content)
	_ = u.Complete(ctx)
	_ = u.Abort(ctx)
	_ = s.Put(ctx, "k", content, objstore.PutOptions{})
	_ = s.Put(ctx, "k", content, ifAbsent)
	_, _ = s.GetRange(ctx, "k", 4, make([]byte, 9)) // meets the end
	_, _ = s.Head(ctx, "k")
	_, _ = s.List(ctx, "", "", 1)
	_, _ = s.AbortUploads(ctx, "", time.Now())
	_ = s.Delete(ctx, "k")
	_, _ = s.Head(ctx, "k")
	want := []string{"create 0 true", "part 7 true", "complete 0 true", "abort 0 true", "put 7 true", "put 7 false",
		"get 3 true", "head 0 true", "list 0 true", "abort 0 true", "delete 0 true", "head 0 false"}
	if fmt.Sprint(r.log) != fmt.Sprint(want) {
		t.Errorf("told %q\nwant %q", r.log, want)
	}
}

func TestBodyReader(t *testing.T) {
	b := objstore.NewBody([]byte("ab"), nil, []byte("cdef"), []byte("g"))
	if b.Size != 7 {
		t.Errorf("Size = %d", b.Size)
	}
	if err := iotest.TestReader(b.Reader(), []byte("abcdefg")); err != nil {
		t.Error(err)
	}
	r := b.Reader()
	for _, off := range []int64{0, 1, 2, 5, 6, 7} {
		if _, err := r.Seek(off, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if p, err := io.ReadAll(r); err != nil || string(p) != "abcdefg"[off:] {
			t.Errorf("from %d: %q, %v", off, p, err)
		}
	}
	if p, err := io.ReadAll(objstore.NewBody().Reader()); len(p) != 0 || err != nil {
		t.Errorf("empty body: %q, %v", p, err)
	}
}

func TestProbeTellsWhyAStoreCannotBeUsed(t *testing.T) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := storetest.Probe(ended, mem.New(clock.Wall()), "probe"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
