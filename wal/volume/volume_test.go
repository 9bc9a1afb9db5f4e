package volume

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

const mib = 1 << 20

var owner = Options{Cluster: ids.UUID{1}, Node: 7, CapacityBytes: 8 * mib, Depth: 2}

// kinds opens the same volume again and again, of each kind.
func kinds(t *testing.T) map[string]func(Options) (Volume, error) {
	path := filepath.Join(t.TempDir(), "wal")
	mem := device.NewMemory(owner.CapacityBytes + walfmt.DataOffset)
	return map[string]func(Options) (Volume, error){
		"files": func(o Options) (Volume, error) { return OpenFiles(path, o) },
		"ring":  func(o Options) (Volume, error) { return OnDevice("mem", mem, o) },
	}
}

func open(t *testing.T, how func(Options) (Volume, error)) Volume {
	t.Helper()
	v, err := how(owner)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func create(t *testing.T, v Volume, n byte, keep ...Kept) *Area {
	t.Helper()
	a, err := v.Create(Spec{Instance: ids.UUID{n}, NodeEpoch: ids.NodeEpoch(n), WindowBytes: mib, Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// put writes a block that names its instance at a position.
func put(t *testing.T, a *Area, position int64) {
	t.Helper()
	buf := device.Aligned(int(a.Header.BlockBytes))
	copy(buf, a.Header.Instance[:])
	offset, _ := a.Map(position)
	if err := device.Do(a.Device, &device.Op{Kind: device.Write, Offset: offset, Bufs: [][]byte{buf}}); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, a *Area, position int64) bool {
	t.Helper()
	buf := device.Aligned(int(a.Header.BlockBytes))
	offset, _ := a.Map(position)
	if err := device.Do(a.Device, &device.Op{Kind: device.Read, Offset: offset, Bufs: [][]byte{buf}}); err != nil {
		t.Fatal(err)
	}
	return bytes.HasPrefix(buf, a.Header.Instance[:])
}

func closeAll(t *testing.T, closers ...interface{ Close() error }) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func instances(v Volume) (names string) {
	for _, i := range v.Instances() {
		names += string('0' + rune(i.Instance[0]))
		if i.Live {
			names += "!"
		}
	}
	return names
}

// A broker that crashes three times before it can upload anything.
func TestInstancesLiveNextToEachOther(t *testing.T) {
	for kind, how := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			var kept []Kept
			for n := byte(1); n <= 3; n++ {
				v := open(t, how)
				a := create(t, v, n, kept...)
				put(t, a, 0)
				put(t, a, mib+512)
				kept = append(kept, Kept{Instance: ids.UUID{n}, From: 0, End: mib + 1024})
				closeAll(t, a, v)
			}
			v := open(t, how)
			if got := instances(v); got != "123!" {
				t.Fatalf("instances %s", got)
			}
			live := create(t, v, 4, kept...)
			for _, k := range kept {
				a, err := v.Open(k.Instance)
				if err != nil {
					t.Fatal(err)
				}
				if !has(t, a, 0) || !has(t, a, mib+512) {
					t.Fatalf("instance %v was overwritten", k.Instance)
				}
				closeAll(t, a)
			}
			before := live.EndMax(0)
			if before >= owner.CapacityBytes-3*mib || before <= 0 {
				t.Fatalf("end at %d with three older instances in %d", before, owner.CapacityBytes)
			}
			for i, k := range kept {
				if err := v.Remove(k.Instance); err != nil {
					t.Fatal(err)
				}
				if after := live.EndMax(0); after <= before {
					t.Fatalf("removing instance %d freed nothing: %d, then %d", i, before, after)
				} else {
					before = after
				}
			}
			if got := live.EndMax(5 * mib); got != 5*mib+owner.CapacityBytes {
				t.Fatalf("end at %d with nothing older", got)
			}
			if got := instances(v); got != "4!" {
				t.Fatalf("instances %s", got)
			}
			closeAll(t, live, v)
		})
	}
}

// The head of a ring never meets what an older instance must keep.
func TestRingKeepsOlderInstancesFromTheHead(t *testing.T) {
	how := kinds(t)["ring"]
	v := open(t, how)
	a := create(t, v, 1)
	for at := int64(0); at < 6*mib; at += mib {
		put(t, a, at)
	}
	b := create(t, v, 2, Kept{Instance: ids.UUID{1}, From: 4 * mib, End: 5*mib + 512})
	old, err := v.Open(ids.UUID{1})
	if err != nil {
		t.Fatal(err)
	}
	end := b.EndMax(100 * mib)
	for at := int64(0); at+512 <= end; at += 512 {
		put(t, b, at)
	}
	if !has(t, old, 4*mib) || !has(t, old, 5*mib) {
		t.Fatalf("the head up to %d overwrote what is kept", end)
	}
	if end != 6*mib {
		t.Fatalf("%d of 8 MiB are usable beside 2 MiB kept", end)
	}
}

func TestFreshInstanceDropsWhatIsNotKept(t *testing.T) {
	for kind, how := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			v := open(t, how)
			a := create(t, v, 1)
			put(t, a, 0)
			closeAll(t, a)
			b := create(t, v, 2)
			if got := instances(v); got != "2!" {
				t.Fatalf("instances %s", got)
			}
			if _, err := v.Open(ids.UUID{1}); err == nil {
				t.Fatal("a dropped instance can be opened")
			}
			closeAll(t, b, v)
		})
	}
}

func TestOwner(t *testing.T) {
	for kind, how := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			v := open(t, how)
			a := create(t, v, 5)
			closeAll(t, a, v)
			for name, change := range map[string]func(*Options){
				"cluster": func(o *Options) { o.Cluster = ids.UUID{2} },
				"node":    func(o *Options) { o.Node = 8 },
			} {
				o := owner
				change(&o)
				var wrong *WrongWALError
				if _, err := how(o); !errors.As(err, &wrong) || !strings.Contains(err.Error(), name) {
					t.Errorf("another %s: %v", name, err)
				}
			}
			v = open(t, how)
			defer v.Close()
			_, err := v.Create(Spec{Instance: ids.UUID{6}, NodeEpoch: 4, WindowBytes: mib})
			var wrong *WrongWALError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "older than the WAL") {
				t.Errorf("lower node epoch: %v", err)
			}
			if got := instances(v); got != "5!" {
				t.Errorf("a refused Create left %s", got)
			}
		})
	}
}

func TestTrimHintIsKept(t *testing.T) {
	for kind, how := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			v := open(t, how)
			a := create(t, v, 1)
			for _, hint := range []int64{512, 4096, 1 << 20} {
				if err := a.WriteTrimHint(hint); err != nil {
					t.Fatal(err)
				}
			}
			closeAll(t, a, v)
			v = open(t, how)
			defer v.Close()
			if got := v.Instances()[0]; got.TrimHint != 1<<20 || !got.Live {
				t.Fatalf("%+v", got)
			}
		})
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	v, err := OpenFiles(path, owner)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFiles(path, owner); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("told: %v", err)
	}
	closeAll(t, v)
	if v, err = OpenFiles(path, owner); err != nil {
		t.Fatal(err)
	}
	closeAll(t, v)
}

// Every state that a crash inside Create may leave behind.
func TestCrashWhileCreating(t *testing.T) {
	start := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "wal")
		v, err := OpenFiles(path, owner)
		if err != nil {
			t.Fatal(err)
		}
		a := create(t, v, 1)
		put(t, a, 0)
		closeAll(t, a, v)
		return path
	}
	aside := func(path string) string { return path + "." + ids.UUID{1}.Hex() }
	for name, crash := range map[string]func(t *testing.T, path string){
		"half-made file": func(t *testing.T, path string) {
			if err := os.WriteFile(path+".new", make([]byte, 100), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"old put aside, new not in place": func(t *testing.T, path string) {
			if err := os.Rename(path, aside(path)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+".new", make([]byte, 100), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := start(t)
			crash(t, path)
			v, err := OpenFiles(path, owner)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			a, err := v.Open(ids.UUID{1})
			if err != nil || !has(t, a, 0) {
				t.Fatalf("the old instance is lost: %v", err)
			}
			closeAll(t, a, create(t, v, 2, Kept{Instance: ids.UUID{1}, From: 0, End: 512}))
			if got := instances(v); got != "12!" {
				t.Fatalf("instances %s", got)
			}
		})
	}
}

// Old and new files together take no more of the disk than the capacity.
func TestInstancesShareTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	allocated := func() (n int64) {
		t.Helper()
		files, err := filepath.Glob(path + "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			var st unix.Stat_t
			if err := unix.Stat(f, &st); err != nil {
				t.Fatal(err)
			}
			n += st.Blocks * 512
		}
		return n
	}
	v, err := OpenFiles(path, owner)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	a := create(t, v, 1)
	for at := int64(0); at < 12*mib; at += 64 << 10 {
		put(t, a, at)
	}
	closeAll(t, a)
	const overhead = 3 * mib // headers, file-system blocks
	b := create(t, v, 2, Kept{Instance: ids.UUID{1}, From: 7*mib + 512, End: 10*mib + 1024})
	defer b.Close()
	if n := allocated(); n > owner.CapacityBytes+overhead {
		t.Fatalf("%d bytes of disk for a capacity of %d", n, owner.CapacityBytes)
	}
	old, err := v.Open(ids.UUID{1})
	if err != nil || !has(t, old, 8*mib) || !has(t, old, 10*mib) || has(t, old, 11*mib) {
		t.Fatalf("want what is kept, and only that: %v", err)
	}
	closeAll(t, old)
	if err := v.Remove(ids.UUID{1}); err != nil {
		t.Fatal(err)
	}
	if n := allocated(); n < owner.CapacityBytes {
		t.Fatalf("%d bytes of disk are reserved for a capacity of %d", n, owner.CapacityBytes)
	}
}

func TestForeignFileIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	content := bytes.Repeat([]byte("precious"), 2048)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFiles(path, owner); err == nil || !strings.Contains(err.Error(), "not a WAL") {
		t.Fatalf("told: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Fatal("the file was changed")
	}
}

// loopDevice makes a block device of so many bytes.
func loopDevice(t *testing.T, bytes int) (path string) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, make([]byte, bytes), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "-f", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device to test block devices on (needs root and losetup): %v: %s", err, out)
	}
	path = strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", path).Run() })
	return path
}

func TestBlockDeviceVolume(t *testing.T) {
	path := loopDevice(t, 9*mib)
	o := owner
	o.CapacityBytes = 0 // all of it
	v, err := OpenBlock(path, o)
	if err != nil {
		t.Fatal(err)
	}
	a := create(t, v, 1)
	if a.Header.Capacity != 8*mib {
		t.Fatalf("capacity %d", a.Header.Capacity)
	}
	put(t, a, 7*mib)
	if _, err := OpenBlock(path, o); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("second opener is told: %v", err)
	}
	closeAll(t, a, v)
	if v, err = OpenBlock(path, o); err != nil {
		t.Fatal(err)
	}
	a, err = v.Open(ids.UUID{1})
	if err != nil || !has(t, a, 7*mib) {
		t.Fatalf("lost: %v", err)
	}
	closeAll(t, a, v)
}

func TestCapacity(t *testing.T) {
	o := owner
	o.CapacityBytes = mib
	if _, err := OpenFiles(filepath.Join(t.TempDir(), "wal"), o); err == nil {
		t.Error("a capacity of 1 MiB was accepted")
	}
	o.CapacityBytes = 100 * mib
	if _, err := OnDevice("mem", device.NewMemory(10*mib), o); err == nil || !strings.Contains(err.Error(), "room for") {
		t.Errorf("more than the device has: %v", err)
	}
	mem := device.NewMemory(20 * mib)
	o.CapacityBytes = 8 * mib
	v, err := OnDevice("mem", mem, o)
	if err != nil {
		t.Fatal(err)
	}
	create(t, v, 1)
	o.CapacityBytes = 16 * mib
	if v, err = OnDevice("mem", mem, o); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Create(Spec{Instance: ids.UUID{2}, NodeEpoch: 2, WindowBytes: mib, Keep: []Kept{{Instance: ids.UUID{1}, From: 0, End: 512}}}); err == nil || !strings.Contains(err.Error(), "capacity cannot change") {
		t.Errorf("capacity changed under an instance that is kept: %v", err)
	}
	if a := create(t, v, 2); a.Header.Capacity != 16*mib {
		t.Errorf("capacity %d once nothing is kept", a.Header.Capacity)
	}
}
