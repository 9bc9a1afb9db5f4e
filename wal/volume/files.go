package volume

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// files is a volume at a path, one file an instance.
type files struct {
	path string
	opts Options
	lock *device.Lock

	// held is how much of the capacity older instances hold; atomic, so that an
	// append never waits for a header write.
	held atomic.Int64

	mu   sync.Mutex
	live *walfmt.Header             // of the file at path, nil if there is none
	file *device.File               // of the live instance, once created
	old  map[ids.WALInstance]*older // the files beside it
}

// older is an instance's file that is kept beside the live one.
type older struct {
	header walfmt.Header
	path   string
	kept   int64 // bytes of the capacity it holds
}

// OpenFiles opens the volume at path, locked, and clears away what a crash
// left half made.
func OpenFiles(path string, o Options) (Volume, error) {
	if err := o.roundCapacity(path); err != nil {
		return nil, err
	}
	o.setDefaults()
	lock, err := device.TakeLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	v := &files{path: path, opts: o, lock: lock, old: map[ids.WALInstance]*older{}}
	if err := v.scan(); err != nil {
		_ = lock.Release()
		return nil, err
	}
	return v, nil
}

func (v *files) sizeBytes() int64 { return walfmt.DataOffset + v.opts.CapacityBytes }

func (v *files) newPath() string { return v.path + ".new" }

func (v *files) oldPath(instance ids.WALInstance) string { return asidePath(v.path, instance) }

// scan reads the headers of all instances at the path.
func (v *files) scan() error {
	if err := os.Remove(v.newPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("clear away half-made WAL: %w", err)
	}
	if info, err := os.Stat(v.path); err == nil && info.Size() > 0 {
		h, err := v.header(v.path)
		if err != nil {
			return err
		}
		v.live = &h
	}
	entries, err := os.ReadDir(filepath.Dir(v.path))
	if err != nil {
		return fmt.Errorf("list WAL instances: %w", err)
	}
	for _, e := range entries {
		suffix, ours := strings.CutPrefix(e.Name(), filepath.Base(v.path)+".")
		if !ours || len(suffix) != 32 {
			continue
		}
		path := filepath.Join(filepath.Dir(v.path), e.Name())
		h, err := v.header(path)
		if err != nil {
			return err
		}
		v.old[h.Instance] = &older{header: h, path: path}
	}
	return nil
}

// header reads the header of one file and checks whose it is.
func (v *files) header(path string) (walfmt.Header, error) {
	f, err := device.OpenFile(path, device.FileOptions{ReadOnly: true, AllowBuffered: v.opts.AllowBuffered})
	if err != nil {
		return walfmt.Header{}, err
	}
	defer f.Close()
	s := slots{dev: f, path: path}
	if err := s.read(); err != nil {
		if isBlank(err) {
			err = fmt.Errorf("%w: not a WAL, or its header is damaged; it is left as it is: move it away to start without it", err)
		}
		return walfmt.Header{}, err
	}
	return s.head, v.opts.checkOwner(path, &s.head)
}

// Instances implements Volume.
func (v *files) Instances() []Instance {
	v.mu.Lock()
	defer v.mu.Unlock()
	var found []Instance
	for _, o := range v.old {
		found = append(found, Instance{Life: o.header.Life, TrimHint: o.header.TrimHint})
	}
	slices.SortFunc(found, func(a, b Instance) int { return cmp.Compare(a.NodeEpoch, b.NodeEpoch) })
	if v.live != nil {
		found = append(found, Instance{Life: v.live.Life, TrimHint: v.live.TrimHint, Live: true})
	}
	return found
}

// Create implements Volume.
func (v *files) Create(spec Spec) (*Area, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.live != nil {
		if err := checkEpoch(v.path, v.live, spec.NodeEpoch); err != nil {
			return nil, err
		}
	}
	if err := v.dropUnkept(spec.Keep); err != nil {
		return nil, err
	}
	area, err := v.make(spec)
	if err != nil {
		return nil, fmt.Errorf("create WAL instance: %w", err)
	}
	if err := v.replace(&area.Header); err != nil {
		_ = area.Device.Close()
		return nil, fmt.Errorf("create WAL instance: %w", err)
	}
	return area, nil
}

// dropUnkept removes the older instances that are not wanted and notes how
// much of the capacity the others hold. The live file, if unwanted, goes when
// the new one takes its name.
func (v *files) dropUnkept(kept []Kept) error {
	if v.live != nil {
		if i := slices.IndexFunc(kept, func(k Kept) bool { return k.Instance == v.live.Instance }); i >= 0 {
			path := v.oldPath(v.live.Instance)
			if err := os.Rename(v.path, path); err != nil {
				return fmt.Errorf("put WAL instance aside: %w", err)
			}
			// Before the new file takes the name: a file system may make the
			// two renames durable in either order.
			if err := syncDir(v.path); err != nil {
				return err
			}
			v.old[v.live.Instance] = &older{header: *v.live, path: path}
			v.live = nil
		}
	}
	for instance, o := range v.old {
		i := slices.IndexFunc(kept, func(k Kept) bool { return k.Instance == instance })
		if i < 0 {
			if err := v.remove(instance); err != nil {
				return err
			}
			continue
		}
		if kept[i].Elsewhere {
			continue
		}
		o.kept = kept[i].End - kept[i].From
		if err := v.giveBack(o, kept[i]); err != nil {
			return err
		}
	}
	v.noteHeld()
	return nil
}

// giveBack frees the disk of all of an older instance but what is kept: old and
// new together are to take no more than the capacity.
func (v *files) giveBack(o *older, k Kept) error {
	f, err := device.OpenFile(o.path, device.FileOptions{AllowBuffered: v.opts.AllowBuffered})
	if err != nil {
		return err
	}
	defer f.Close()
	capacity := o.header.Capacity
	start, end := int64(walfmt.DataOffset), walfmt.DataOffset+capacity
	from, to := o.header.Offset(k.From, capacity), o.header.Offset(k.End, capacity)
	switch {
	case k.End-k.From >= capacity:
		return nil
	case from <= to:
		return errors.Join(f.Punch(start, from), f.Punch(to, end))
	default: // what is kept goes round
		return f.Punch(to, from)
	}
}

// make builds the new instance's file under a name that is not looked at.
func (v *files) make(spec Spec) (*Area, error) {
	size := v.sizeBytes()
	f, err := device.OpenFile(v.newPath(), device.FileOptions{
		CreateBytes: size, AllocateBytes: size - v.held.Load(),
		Depth: v.opts.Depth, AllowBuffered: v.opts.AllowBuffered,
	})
	if err != nil {
		return nil, err
	}
	v.file = f
	dev := wrapped(f, v.opts.Wrap)
	s := &slots{dev: dev, path: v.path, at: -1}
	h := v.opts.header(spec, f)
	for range 2 {
		if err := s.write(h); err != nil {
			_ = dev.Close()
			return nil, err
		}
	}
	return &Area{
		Header: s.head, Device: dev, endMax: v.endMax, close: dev.Close,
		hint: func(trim int64) error {
			v.mu.Lock()
			defer v.mu.Unlock()
			h := s.head
			h.TrimHint = trim
			return s.write(h)
		},
	}, nil
}

// replace gives the new file the volume's name, durably.
func (v *files) replace(h *walfmt.Header) error {
	if err := os.Rename(v.newPath(), v.path); err != nil {
		return err
	}
	v.live = h
	return syncDir(v.path)
}

func (v *files) endMax(trim int64) int64 {
	return trim + v.opts.CapacityBytes - v.held.Load()
}

// Open implements Volume.
func (v *files) Open(instance ids.WALInstance) (*Area, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	path, h := v.path, v.live
	if o := v.old[instance]; o != nil {
		path, h = o.path, &o.header
	}
	if h == nil || h.Instance != instance {
		return nil, fmt.Errorf("WAL %s: no instance %s", v.path, instance)
	}
	f, err := device.OpenFile(path, device.FileOptions{Depth: v.opts.Depth, ReadOnly: true, AllowBuffered: v.opts.AllowBuffered})
	if err != nil {
		return nil, err
	}
	dev := wrapped(f, v.opts.Wrap)
	return &Area{Header: *h, Device: dev, close: dev.Close}, nil
}

// Remove implements Volume.
func (v *files) Remove(instance ids.WALInstance) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.old[instance] == nil {
		return nil
	}
	if err := v.remove(instance); err != nil {
		return err
	}
	if v.file == nil {
		return nil
	}
	return v.file.Allocate(v.sizeBytes() - v.held.Load())
}

func (v *files) remove(instance ids.WALInstance) error {
	if err := os.Remove(v.old[instance].path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove WAL instance %s: %w", instance, err)
	}
	delete(v.old, instance)
	v.noteHeld()
	return nil
}

func (v *files) noteHeld() {
	var held int64
	for _, o := range v.old {
		held += o.kept
	}
	v.held.Store(held)
}

// Close implements Volume.
func (v *files) Close() error { return v.lock.Release() }

// syncDir makes renames beside path durable (A7).
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir.Name(), err)
	}
	return nil
}
