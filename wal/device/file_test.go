package device

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const testBytes = 4 << 20

func createFile(t *testing.T) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wal")
	f, err := OpenFile(path, FileOptions{CreateBytes: testBytes, AllocateBytes: testBytes, Depth: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, path
}

// loopDevice is a block device on a file, where the machine allows it.
func loopDevice(t *testing.T) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, make([]byte, testBytes), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "-f", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device to test block devices on (needs root and losetup): %v: %s", err, out)
	}
	path := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", path).CombinedOutput(); err != nil {
			t.Errorf("losetup -d %s: %v: %s", path, err, out)
		}
	})
	return path
}

// exercise writes and reads back in every way a device can.
func exercise(t *testing.T, d Device) {
	t.Helper()
	geo := d.Geometry()
	if geo.BlockBytes < 512 || geo.SizeBytes != testBytes || geo.Durability == "" {
		t.Fatalf("geometry %+v", geo)
	}
	a, b := Aligned(geo.BlockBytes), Aligned(64<<10)
	for i := range a {
		a[i] = 'a'
	}
	for i := range b {
		b[i] = byte(i)
	}
	const n = 32
	done := make(chan error, n)
	for i := range n {
		d.Submit(&Op{Kind: Write, Offset: int64(i) * 100 << 10, Bufs: [][]byte{a, b}, Done: func(op *Op) { done <- op.Err }})
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := Do(d, &Op{Kind: WriteRelaxed, Offset: 100 << 10, Bufs: [][]byte{b}}); err != nil {
		t.Fatal(err)
	}
	if err := Do(d, &Op{Kind: Sync}); err != nil {
		t.Fatal(err)
	}
	got := Aligned(len(a) + len(b))
	if err := Do(d, &Op{Kind: Read, Offset: 200 << 10, Bufs: [][]byte{got[:1024], got[1024:]}}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[:len(a)], a) || !bytes.Equal(got[len(a):], b) {
		t.Fatal("read back other bytes")
	}
	if err := Do(d, &Op{Kind: Read, Offset: testBytes, Bufs: [][]byte{a}}); err == nil {
		t.Fatal("read past the end succeeded")
	}
}

func TestFile(t *testing.T) {
	f, _ := createFile(t)
	if f.geo.BlockBytes > 4096 || !f.geo.ZeroAhead || f.geo.Durability != "RWF_DSYNC" && f.geo.Durability != "fdatasync" {
		t.Fatalf("geometry %+v", f.geo)
	}
	flags, err := unix.FcntlInt(uintptr(f.fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_DIRECT == 0 {
		t.Fatalf("opened without O_DIRECT: flags %#x, %v", flags, err)
	}
	exercise(t, f)
}

func TestFdatasyncFallback(t *testing.T) {
	f, _ := createFile(t)
	f.dsync = false // as the probe leaves it on a kernel without RWF_DSYNC
	exercise(t, f)
}

func TestBlockDevice(t *testing.T) {
	path := loopDevice(t)
	f, err := OpenFile(path, FileOptions{Depth: 4, Lock: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.geo.ZeroAhead {
		t.Fatal("a block device needs no zeroing")
	}
	exercise(t, f)
	if second, err := OpenFile(path, FileOptions{Lock: true}); err == nil {
		_ = second.Close()
		t.Fatal("opened twice")
	} else if !strings.Contains(err.Error(), "in use") {
		t.Fatalf("second opener is told: %v", err)
	}
}

func TestSpaceIsAllocatedAndNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	began := time.Now()
	f, err := OpenFile(path, FileOptions{CreateBytes: 1 << 30, AllocateBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("creating 1 GiB took %s: was it written?", took)
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		t.Fatal(err)
	}
	if st.Size != 1<<30 || st.Blocks*512 < 1<<30 {
		t.Fatalf("length %d, allocated %d", st.Size, st.Blocks*512)
	}
}

func TestDirectoryIsNoWAL(t *testing.T) {
	_, err := OpenFile(t.TempDir(), FileOptions{})
	if err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Fatalf("told: %v", err)
	}
}

func TestNoDirectIO(t *testing.T) {
	path := "/proc/self/comm" // a regular file, of a file system without it
	_, err := OpenFile(path, FileOptions{})
	if err == nil || !strings.Contains(err.Error(), "O_DIRECT") || !strings.Contains(err.Error(), "buffered=true") {
		t.Fatalf("told: %v", err)
	}
	// Asked for by name it is opened, and only then found to be no place for a
	// WAL.
	if _, err := OpenFile(path, FileOptions{AllowBuffered: true}); err == nil || strings.Contains(err.Error(), "O_DIRECT") {
		t.Fatalf("buffered, as asked for: %v", err)
	}
}

func TestCreateRefusesAnExistingFile(t *testing.T) {
	_, path := createFile(t)
	if _, err := OpenFile(path, FileOptions{CreateBytes: testBytes}); !errors.Is(err, os.ErrExist) {
		t.Fatalf("told: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != testBytes {
		t.Fatalf("the file that was there is gone: %v", err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := TakeLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TakeLock(path); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("second opener is told: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	l, err = TakeLock(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Release()
}

func TestClosedDevice(t *testing.T) {
	f, _ := createFile(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	f.Submit(&Op{Kind: Write, Bufs: [][]byte{Aligned(512)}, Done: func(op *Op) { done <- op.Err }})
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Fatalf("told: %v", err)
	}
	if err := Do(f, &Op{Kind: Write, Bufs: [][]byte{Aligned(512)}}); !errors.Is(err, ErrClosed) {
		t.Fatalf("inline, told: %v", err)
	}
}

func TestInlineWriteAllocatesNothing(t *testing.T) {
	f, _ := createFile(t)
	op := &Op{Kind: Write, Bufs: [][]byte{Aligned(4096)}}
	if n := testing.AllocsPerRun(50, func() { f.Inline(op) }); n > 0 {
		t.Fatalf("%v allocations a write", n)
	}
}
