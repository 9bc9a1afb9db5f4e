package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ncw/directio"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(s *Store, key, content string, opts objstore.PutOptions) error {
	return s.Put(context.Background(), key, objstore.NewBody([]byte(content)), opts)
}

func TestAcceptance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return open(t, t.TempDir()) },
		storetest.Expect{PutIfAbsent: true, CompleteIfAbsent: true})
}

// Two stores on one directory are two processes as far as the locks go.
func TestSessionsShareADirectory(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	a := open(t, dir)
	u, err := a.CreateMultipart(ctx, "m", objstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := u.UploadPart(ctx, 1, objstore.NewBody([]byte("part"))); err != nil {
		t.Fatal(err)
	}
	b := open(t, dir)
	if err := put(b, "k", "from b", objstore.PutOptions{IfNoneMatch: true}); err != nil {
		t.Fatal(err)
	}
	if err := put(a, "k", "from a", objstore.PutOptions{IfNoneMatch: true}); !errors.Is(err, objstore.ErrPreconditionFailed) {
		t.Errorf("got %v, want ErrPreconditionFailed", err)
	}
	if err := u.Complete(ctx); err != nil {
		t.Errorf("opening b disturbed an upload of a: %v", err)
	}
}

func TestOpenRemovesWhatACrashLeft(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	if err := put(s, "kept", "x", objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateMultipart(ctx, "m", objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(dir, s.newName("tmp"))
	if err := os.WriteFile(leftover, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.lock.Close() // as the kernel does for a killed process

	again := open(t, dir)
	if _, err := os.Stat(leftover); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file of a dead session is still there: %v", err)
	}
	entries, err := again.List(ctx, "", "", 10)
	if err != nil || len(entries) != 1 || entries[0].Key != "kept" {
		t.Errorf("List = %v, %v; want only the finished object", entries, err)
	}
	own, err := os.ReadDir(filepath.Join(dir, ownFolder))
	if err != nil || len(own) != 2 { // lock and one session
		t.Errorf("%s holds %v (%v), want the lock and one session", ownFolder, own, err)
	}
}

func TestCloseLeavesObjectsOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := put(s, "a/b", "x", objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(context.Background(), "a/b"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != ownFolder {
		t.Errorf("%v is left (%v): the empty folder should be gone", left, err)
	}
}

func TestAKeyCannotBeAFolder(t *testing.T) {
	s := open(t, t.TempDir())
	if err := put(s, "a/b", "x", objstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "a/b/c"} {
		for _, absent := range []bool{false, true} {
			if err := put(s, key, "y", objstore.PutOptions{IfNoneMatch: absent}); !errors.Is(err, objstore.ErrInvalid) {
				t.Errorf("Put(%s) beside a/b = %v, want ErrInvalid", key, err)
			}
		}
	}
	if err := s.Delete(context.Background(), "a", "a/b/c"); err != nil {
		t.Errorf("Delete of keys that are none: %v", err)
	}
}

func TestSymbolicLinksDoNotLeadOut(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetRange(context.Background(), "link/secret", 0, make([]byte, 1)); err == nil {
		t.Error("read through a symbolic link that leads out")
	}
	if err := put(s, "link/planted", "x", objstore.PutOptions{}); err == nil {
		t.Error("wrote through a symbolic link that leads out")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	inTheWay := filepath.Join(dir, "file")
	if err := os.WriteFile(inTheWay, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	readOnly := filepath.Join(dir, "ro")
	if err := os.Mkdir(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{inTheWay: "file stands in its place", inTheWay + "/below": "file stands in its place"}
	if os.Getuid() == 0 {
		cases["/proc/seawall"] = "cannot be made" // root may write anywhere else
	} else {
		cases[readOnly] = "change its owner or mode"
	}
	for path, want := range cases {
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s) = %v, want an error that names it and says %q", path, err, want)
		}
	}
}

// Parts of one size are put in their places at once, others are copied there;
// what comes out is the same.
func TestPartsOfAllSizes(t *testing.T) {
	const slot = 128 << 10 // a multiple of a block, and past bufferedBytesMax
	for name, sizes := range map[string][]int{
		"of one size":   {slot, slot, slot, 5},
		"last is full":  {slot, slot},
		"one short":     {slot, slot - 1, slot, 7},
		"one long":      {slot, slot + 1, 7},
		"not of blocks": {slot + 1, slot + 1, 7},
		"one":           {slot + 3},
		"tiny":          {3, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s := context.Background(), open(t, t.TempDir())
			u, err := s.CreateMultipart(ctx, "k", objstore.PutOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var want []byte
			for i, n := range sizes {
				part := bytes.Repeat([]byte{byte(i + 1)}, n)
				want = append(want, part...)
				for _, p := range [][]byte{part, bytes.Repeat([]byte{0xee}, slot/2), part} { // each replaces the one before
					if err := u.UploadPart(ctx, i+1, objstore.NewBody(p)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := u.Complete(ctx); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(want)+1)
			n, err := s.GetRange(ctx, "k", 0, got)
			if !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want) {
				t.Fatalf("%d bytes (%v), want %d, or others than were sent", n, err, len(want))
			}
		})
	}
}

// An object that has its key, but not durably, is not complete; and what comes
// after must not take it for one because it is to be seen.
// Pieces that direct I/O can take are written from where they lie, the others by
// way of a stage, in their order.
func TestBodiesOfPieces(t *testing.T) {
	ctx, s := context.Background(), open(t, t.TempDir())
	memory := directio.AlignedBlock(3 << 20)
	for i := range memory {
		memory[i] = byte(i >> 8)
	}
	for name, cuts := range map[string][]int{
		"one aligned":          {0, 2 << 20},
		"aligned, odd length":  {0, 2<<20 + 100},
		"aligned after odd":    {4096, 4196, 8192, 2 << 20},
		"odd after aligned":    {0, 1 << 20, 1<<20 + 7, 3 << 20},
		"aligned by the stage": {1, 1<<20 + 1, 2 << 20, 3 << 20},
		"many":                 {0, 4096, 8192, 8193, 100_000, 100_001, 200_000},
	} {
		var parts [][]byte
		for i := range cuts[1:] {
			parts = append(parts, memory[cuts[i]:cuts[i+1]])
		}
		if err := s.Put(ctx, "k", objstore.NewBody(parts...), objstore.PutOptions{}); err != nil {
			t.Fatal(name, err)
		}
		want := memory[cuts[0]:cuts[len(cuts)-1]]
		got := make([]byte, len(want)+1)
		if n, err := s.GetRange(ctx, "k", 0, got); !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want) {
			t.Errorf("%s: %d bytes (%v), want %d, or others than were sent", name, n, err, len(want))
		}
	}
}

// Whoever says how large parts are may send them in any order: none is copied.
func TestPartsOfAKnownSizeHaveTheirPlace(t *testing.T) {
	const slot = 128 << 10
	ctx, s := context.Background(), open(t, t.TempDir())
	u, err := s.CreateMultipart(ctx, "k", objstore.PutOptions{PartBytes: slot})
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i, n := range []int{slot, slot, 5} {
		want = append(want, bytes.Repeat([]byte{byte(i + 1)}, n)...)
	}
	for _, number := range []int{3, 1, 2} {
		part := want[(number-1)*slot : min(number*slot, len(want))]
		if err := u.UploadPart(ctx, number, objstore.NewBody(part[:len(part)/2], part[len(part)/2:])); err != nil {
			t.Fatal(err)
		}
	}
	if apart := u.(*upload).apart; len(apart) > 0 {
		t.Errorf("parts in files of their own: %v", apart)
	}
	if err := u.Complete(ctx); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want)+1)
	if n, err := s.GetRange(ctx, "k", 0, got); !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want) {
		t.Errorf("%d bytes (%v), want %d, or others than were sent", n, err, len(want))
	}
}

func TestCompleteSyncsTheNameUntilItIsDurable(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	u, err := s.CreateMultipart(ctx, "folder/key", objstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("x"), 100<<10)
	if err := u.UploadPart(ctx, 1, objstore.NewBody(content)); err != nil {
		t.Fatal(err)
	}
	synced := 0
	s.sync = func(*os.File) error { return syscall.EIO }
	if err := u.Complete(ctx); !errors.Is(err, objstore.ErrUnavailable) {
		t.Fatalf("the folder was not synced: %v", err)
	}
	s.sync = func(f *os.File) error { synced++; return f.Sync() }
	if err := u.Complete(ctx); err != nil || synced != 2 {
		t.Fatalf("once more: %v, %d folders synced", err, synced)
	}
	got := make([]byte, len(content))
	if _, err := s.GetRange(ctx, "folder/key", 0, got); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read back: %v", err)
	}
}

// A Put that gave the name and could not make it durable is settled as done by
// its retry only when the name is durable.
func TestRetryDoesNotTakeAnUnsyncedNameForDone(t *testing.T) {
	s := open(t, t.TempDir())
	calls, synced := 0, 0
	s.sync = func(f *os.File) error {
		if calls++; calls == 1 {
			return syscall.EIO
		}
		synced++
		return f.Sync()
	}
	retry := objstore.NewRetry(s, clock.Wall(), func(int64) int64 { return 0 }, objstore.RetryOptions{BackoffMin: time.Millisecond})
	err := retry.Put(context.Background(), "folder/key", objstore.NewBody([]byte("x")), objstore.PutOptions{IfNoneMatch: true})
	if err != nil || synced < 2 {
		t.Errorf("put: %v, %d folders synced, want 2", err, synced)
	}
}
