package storetest

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seawallmq/seawall/s3stream/objstore"
)

func mustCreate(t *testing.T, s objstore.Store, key string, opts objstore.PutOptions) objstore.Upload {
	t.Helper()
	u, err := s.CreateMultipart(testContext(t), key, opts)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mustUpload(t *testing.T, u objstore.Upload, number int, parts ...[]byte) {
	t.Helper()
	if err := u.UploadPart(testContext(t), number, objstore.NewBody(parts...)); err != nil {
		t.Fatal(err)
	}
}

// testMultipart sends parts concurrently and out of order, one of them twice,
// and reads across their borders.
func testMultipart(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	u := mustCreate(t, s, "big/object", objstore.PutOptions{})
	parts := [][]byte{content(1, objstore.PartBytesMin), content(2, objstore.PartBytesMin+1), content(3, 1234)}
	mustUpload(t, u, 2, content(9, objstore.PartBytesMin))
	var wg sync.WaitGroup
	errs := make([]error, len(parts))
	for i := range parts {
		wg.Go(func() {
			p := parts[i]
			errs[i] = u.UploadPart(ctx, i+1, objstore.NewBody(p[:1000], p[1000:]))
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Head(ctx, "big/object")
	mustBe(t, err, objstore.ErrNotFound, "head", "big/object")
	if err := u.Complete(ctx); err != nil {
		t.Fatal(err)
	}
	whole := slices.Concat(parts...)
	mustHold(t, s, "big/object", whole)

	dst := make([]byte, 2000)
	off := int64(objstore.PartBytesMin - 1000)
	if _, err := s.GetRange(ctx, "big/object", off, dst); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dst, whole[off:off+2000]) {
		t.Error("a read across two parts gave other bytes")
	}
	entries, err := s.List(ctx, "big/", "", 10)
	if err != nil || len(entries) != 1 || entries[0].Size != int64(len(whole)) {
		t.Errorf("List = %v, %v; want the one object of %d bytes", entries, err, len(whole))
	}
}

func testMultipartMistakes(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	u := mustCreate(t, s, "m", objstore.PutOptions{})
	mustBe(t, u.Complete(ctx), objstore.ErrInvalid, "complete", "m")
	for _, number := range []int{-1, 0, objstore.PartsMax + 1} {
		mustBe(t, u.UploadPart(ctx, number, objstore.NewBody([]byte("x"))), objstore.ErrInvalid, "part", "m")
	}
	mustUpload(t, u, 2, []byte("x"))
	mustBe(t, u.Complete(ctx), objstore.ErrInvalid, "complete", "m")
	if err := u.Abort(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := s.Head(ctx, "m")
	mustBe(t, err, objstore.ErrNotFound, "head", "m")
}

func testMultipartAbort(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	u := mustCreate(t, s, "aborted", objstore.PutOptions{})
	mustUpload(t, u, 1, []byte("x"))
	for range 2 { // the second time it is no longer there
		if err := u.Abort(ctx); err != nil {
			t.Fatal(err)
		}
	}
	mustBe(t, u.UploadPart(ctx, 1, objstore.NewBody([]byte("x"))), objstore.ErrNotFound, "part", "aborted")
	mustBe(t, u.Complete(ctx), objstore.ErrNotFound, "complete", "aborted")
	entries, err := s.List(ctx, "", "", 10)
	if err != nil || len(entries) != 0 {
		t.Errorf("List after an abort = %v, %v", entries, err)
	}
}

func testAbortUploads(t *testing.T, s objstore.Store) {
	ctx := testContext(t)
	mustPut(t, s, "x/kept", []byte("x"))
	begun := []objstore.Upload{
		mustCreate(t, s, "x/1", objstore.PutOptions{}),
		mustCreate(t, s, "x/2", objstore.PutOptions{}),
		mustCreate(t, s, "y/3", objstore.PutOptions{}),
	}
	for _, u := range begun {
		mustUpload(t, u, 1, []byte("part"))
	}
	if n, err := s.AbortUploads(ctx, "x/", time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("AbortUploads of old ones = %d, %v; there are none", n, err)
	}
	if n, err := s.AbortUploads(ctx, "x/", time.Now().Add(time.Hour)); n != 2 || err != nil {
		t.Errorf("AbortUploads = %d, %v; want 2", n, err)
	}
	mustBe(t, begun[0].Complete(ctx), objstore.ErrNotFound, "complete", "x/1")
	if err := begun[2].Complete(ctx); err != nil {
		t.Errorf("an upload under another prefix was given up: %v", err)
	}
	mustHold(t, s, "x/kept", []byte("x"))
}
