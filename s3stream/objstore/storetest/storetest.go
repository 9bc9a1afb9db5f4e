package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/s3stream/objstore"
)

// Expect names what a store is known to do, so that a store that stops doing
// it fails the suite instead of skipping parts of it. Where it expects
// nothing, the suite still demands that Probe sees it.
type Expect struct {
	PutIfAbsent      bool // IfNoneMatch on Put: one winner of many
	CompleteIfAbsent bool // IfNoneMatch on a multipart upload
}

// Run runs the suite. open gives an empty store each time; t ends it.
func Run(t *testing.T, open func(t *testing.T) objstore.Store, expect Expect) {
	tests := []struct {
		name string
		run  func(t *testing.T, s objstore.Store)
	}{
		{"PutThenGet", testPutThenGet},
		{"PutReplaces", testPutReplaces},
		{"RangeEdges", testRangeEdges},
		{"Missing", testMissing},
		{"BadKeys", testBadKeys},
		{"Delete", testDelete},
		{"ListOrder", testListOrder},
		{"ListPages", testListPages},
		{"ContextCancelled", testContextCancelled},
		{"Multipart", testMultipart},
		{"MultipartMistakes", testMultipartMistakes},
		{"MultipartAbort", testMultipartAbort},
		{"AbortUploads", testAbortUploads},
		{"Concurrent", testConcurrent},
		{"Probe", func(t *testing.T, s objstore.Store) { testProbe(t, s, expect) }},
	}
	if expect.PutIfAbsent {
		tests = append(tests, struct {
			name string
			run  func(t *testing.T, s objstore.Store)
		}{"PutIfAbsentOneWinner", testPutIfAbsentOneWinner})
	}
	if expect.CompleteIfAbsent {
		tests = append(tests, struct {
			name string
			run  func(t *testing.T, s objstore.Store)
		}{"CompleteIfAbsent", testCompleteIfAbsent})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// testContext ends a test that a store leaves hanging.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// content is n bytes that differ from seed to seed and do not repeat.
func content(seed, n int) []byte {
	p := make([]byte, n)
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

func mustPut(t *testing.T, s objstore.Store, key string, parts ...[]byte) {
	t.Helper()
	if err := s.Put(testContext(t), key, objstore.NewBody(parts...), objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// mustHold fails unless the object under key has exactly the content want, by
// GetRange and by Head.
func mustHold(t *testing.T, s objstore.Store, key string, want []byte) {
	t.Helper()
	ctx := testContext(t)
	info, err := s.Head(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size != int64(len(want)) {
		t.Fatalf("Head(%s).Size = %d, want %d", key, info.Size, len(want))
	}
	if info.HasCRC && info.CRC32C != crc.Of(want) {
		t.Errorf("Head(%s).CRC32C = %08x, want %08x", key, info.CRC32C, crc.Of(want))
	}
	if age := time.Since(info.ModTime); age < -time.Minute || age > time.Hour {
		t.Errorf("Head(%s).ModTime is %v old", key, age)
	}
	got := make([]byte, len(want))
	if _, err := s.GetRange(ctx, key, 0, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s holds other bytes than were put", key)
	}
}

// mustBe fails unless err is want and names the operation and the key.
func mustBe(t *testing.T, err, want error, op, key string) {
	t.Helper()
	var e *objstore.Error
	switch {
	case !errors.Is(err, want):
		t.Errorf("%s: got %v, want %v", op, err, want)
	case !errors.As(err, &e) || e.Op != op || key != "" && !bytes.HasSuffix([]byte(e.Key), []byte(key)):
		t.Errorf("error %q does not name operation %s and key %s", err, op, key)
	}
}

func testPutThenGet(t *testing.T, s objstore.Store) {
	mustPut(t, s, "one", []byte("x"))
	mustHold(t, s, "one", []byte("x"))
	mustPut(t, s, "a/b/c d+e=f&ü%20", []byte("hello, "), nil, []byte("world"))
	mustHold(t, s, "a/b/c d+e=f&ü%20", []byte("hello, world"))
	mustPut(t, s, "empty")
	mustHold(t, s, "empty", nil)
	if info, err := s.Head(testContext(t), "one"); err != nil || !info.HasCRC {
		t.Errorf("Head of what was put at once = %+v, %v; it must have a checksum", info, err)
	}
}

func testPutReplaces(t *testing.T, s objstore.Store) {
	mustPut(t, s, "k", []byte("a longer first version"))
	mustPut(t, s, "k", []byte("second"))
	mustHold(t, s, "k", []byte("second"))
}

func testRangeEdges(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	p := content(1, 1000)
	mustPut(t, s, "r", p)
	for _, c := range []struct {
		off   int64
		n     int
		wantN int
		err   error
	}{
		{0, 1, 1, nil}, {0, 1000, 1000, nil}, {999, 1, 1, nil}, {500, 100, 100, nil},
		{0, 0, 0, nil}, {0, 1001, 1000, io.EOF}, {990, 100, 10, io.EOF},
		{1000, 1, 0, io.EOF}, {5000, 10, 0, io.EOF}, {-1, 10, 0, objstore.ErrInvalid},
	} {
		dst := bytes.Repeat([]byte{0xEE}, c.n+1) // one more, to see it untouched
		n, err := s.GetRange(ctx, "r", c.off, dst[:c.n])
		if n != c.wantN || !errors.Is(err, c.err) {
			t.Errorf("GetRange(%d, %d) = %d, %v; want %d, %v", c.off, c.n, n, err, c.wantN, c.err)
			continue
		}
		if n > 0 && !bytes.Equal(dst[:n], p[c.off:c.off+int64(n)]) {
			t.Errorf("GetRange(%d, %d) gave other bytes", c.off, c.n)
		}
		if dst[c.n] != 0xEE {
			t.Errorf("GetRange(%d, %d) wrote past dst", c.off, c.n)
		}
	}
	mustPut(t, s, "nil")
	if n, err := s.GetRange(ctx, "nil", 0, make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("GetRange of an empty object = %d, %v; want 0, EOF", n, err)
	}
}

func testMissing(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	mustPut(t, s, "dir/there", []byte("x"))
	for _, key := range []string{"nowhere", "dir/nowhere", "dir", "a/b/c"} {
		_, err := s.GetRange(ctx, key, 0, make([]byte, 1))
		mustBe(t, err, objstore.ErrNotFound, "get", key)
		_, err = s.Head(ctx, key)
		mustBe(t, err, objstore.ErrNotFound, "head", key)
		if objstore.Retriable(err) {
			t.Errorf("%v is retriable", err)
		}
	}
}

func testBadKeys(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	for _, key := range []string{"", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".", "a/./b", "a\x00b", "\xff",
		".hidden", `a\b`, string(bytes.Repeat([]byte("k"), objstore.KeyBytesMax+1)), string(bytes.Repeat([]byte("k"), 256))} {
		mustBe(t, s.Put(ctx, key, objstore.NewBody([]byte("x")), objstore.PutOptions{}), objstore.ErrInvalid, "put", "")
		_, err := s.GetRange(ctx, key, 0, make([]byte, 1))
		mustBe(t, err, objstore.ErrInvalid, "get", "")
		_, err = s.Head(ctx, key)
		mustBe(t, err, objstore.ErrInvalid, "head", "")
		mustBe(t, s.Delete(ctx, key), objstore.ErrInvalid, "delete", "")
		_, err = s.CreateMultipart(ctx, key, objstore.PutOptions{})
		mustBe(t, err, objstore.ErrInvalid, "create", "")
	}
}

func testDelete(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	for _, key := range []string{"a", "d/b", "d/c", "e/f/g"} {
		mustPut(t, s, key, []byte(key))
	}
	for range 2 { // the second time nothing is there
		if err := s.Delete(ctx, "a", "d/b", "e/f/g", "never/there"); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"a", "d/b", "e/f/g"} {
			_, err := s.Head(ctx, key)
			mustBe(t, err, objstore.ErrNotFound, "head", key)
		}
	}
	mustHold(t, s, "d/c", []byte("d/c"))
	if err := s.Delete(ctx); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	mustPut(t, s, "e/f/g", []byte("again"))
	mustHold(t, s, "e/f/g", []byte("again"))
}

func testContextCancelled(t *testing.T, s objstore.Store) {
	mustPut(t, s, "k", []byte("x"))
	u, err := s.CreateMultipart(testContext(t), "m", objstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Abort(context.Background()) })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	body := objstore.NewBody([]byte("y"))
	_, getErr := s.GetRange(ctx, "k", 0, make([]byte, 1))
	_, headErr := s.Head(ctx, "k")
	_, listErr := s.List(ctx, "", "", 10)
	_, createErr := s.CreateMultipart(ctx, "m2", objstore.PutOptions{})
	for op, err := range map[string]error{
		"put": s.Put(ctx, "k", body, objstore.PutOptions{}), "get": getErr, "head": headErr, "list": listErr,
		"delete": s.Delete(ctx, "k"), "create": createErr, "part": u.UploadPart(ctx, 1, body), "complete": u.Complete(ctx),
	} {
		mustBe(t, err, context.Canceled, op, "")
		if objstore.Retriable(err) {
			t.Errorf("%s: %v is retriable", op, err)
		}
	}
	mustHold(t, s, "k", []byte("x"))
}
