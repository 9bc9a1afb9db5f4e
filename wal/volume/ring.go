package volume

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// ring is a volume on one device, which its instances share one after another.
type ring struct {
	path string
	opts Options
	dev  device.Device

	// oldest is where, in the live instance's positions, the oldest earlier
	// instance begins in the next cycle; atomic, so that an append never waits
	// for a header write.
	oldest atomic.Int64

	mu    sync.Mutex
	slots slots
}

// OpenBlock opens the volume on a block device, locked, and reserved if that is
// its fence: the error wraps fence.ErrFenced where a later epoch of the node has
// it. What else was on the device is overwritten by the first Create.
func OpenBlock(path string, o Options) (Volume, error) {
	o.setDefaults()
	if err := checkReservable(path, "/sys", o.Fence); err != nil {
		return nil, err
	}
	fo := device.FileOptions{Depth: o.Depth, Lock: true, AllowBuffered: o.AllowBuffered}
	if o.Fence == walfmt.FenceReservation {
		fo.BeforeWriting = func(f *device.File) error { return o.reserve(path, f, f.Ioctl) }
	}
	f, err := device.OpenFile(path, fo)
	if err != nil {
		return nil, err
	}
	v, err := OnDevice(path, wrapped(f, o.Wrap), o)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return v, nil
}

// OnDevice opens the volume on any device, which it owns from then on. path
// names it in errors.
func OnDevice(path string, dev device.Device, o Options) (Volume, error) {
	size := dev.Geometry().SizeBytes - walfmt.DataOffset
	if o.CapacityBytes <= 0 || o.CapacityBytes > size {
		if o.CapacityBytes > size {
			return nil, fmt.Errorf("WAL %s: capacity %d asked, the device has room for %d", path, o.CapacityBytes, max(size, 0))
		}
		o.CapacityBytes = size
	}
	if err := o.roundCapacity(path); err != nil {
		return nil, err
	}
	o.setDefaults()
	v := &ring{path: path, opts: o, dev: dev, slots: slots{dev: dev, path: path, at: -1}}
	if err := v.slots.read(); err != nil {
		if !isBlank(err) {
			return nil, err
		}
		return v, nil
	}
	if err := o.checkOwner(path, &v.slots.head); err != nil {
		return nil, err
	}
	return v, nil
}

// blank says that nothing was ever created here.
func (v *ring) blank() bool { return v.slots.at < 0 }

// Instances implements Volume.
func (v *ring) Instances() []Instance {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.blank() {
		return nil
	}
	var found []Instance
	for _, h := range v.slots.instances() {
		found = append(found, Instance{Life: h.Life, TrimHint: h.TrimHint})
	}
	found[len(found)-1].Live = true
	return found
}

// Create implements Volume.
func (v *ring) Create(spec Spec) (*Area, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.opts.header(spec, v.dev)
	if !v.blank() {
		if err := checkEpoch(v.path, &v.slots.head, spec.NodeEpoch); err != nil {
			return nil, err
		}
		if err := v.keep(&h, spec.Keep); err != nil {
			return nil, err
		}
	}
	writes := 1
	if v.blank() {
		writes = 2 // both slots, so that no foreign slot is left to be read
	}
	for range writes {
		if err := v.slots.write(h); err != nil {
			return nil, fmt.Errorf("create WAL instance: %w", err)
		}
	}
	v.noteOldest()
	return &Area{Header: v.slots.head, Device: v.dev, endMax: v.endMax, hint: v.writeHint}, nil
}

// keep carries the wanted instances over to h, which begins past them.
func (v *ring) keep(h *walfmt.Header, kept []Kept) error {
	old := &v.slots.head
	lives := append(slices.Clone(old.Earlier), walfmt.Earlier{Life: old.Life})
	h.Base = old.Base
	for _, e := range lives {
		i := slices.IndexFunc(kept, func(k Kept) bool { return k.Instance == e.Instance })
		if i < 0 {
			continue
		}
		if kept[i].Elsewhere {
			return fmt.Errorf("WAL %s: instance %s: %w", v.path, e.Instance, ErrKeptElsewhere)
		}
		e.From, e.End = kept[i].From, kept[i].End
		h.Earlier = append(h.Earlier, e)
		h.Base = max(h.Base, walfmt.Padded(e.Base+e.End, walfmt.CapacityUnit))
	}
	if len(h.Earlier) > 0 && h.Capacity != old.Capacity {
		return fmt.Errorf("WAL %s: capacity cannot change from %d to %d while an older instance is still needed: start once with the old capacity and stop again when its uploads are done", v.path, old.Capacity, h.Capacity)
	}
	return nil
}

func (v *ring) endMax(trim int64) int64 {
	return min(trim+v.opts.CapacityBytes, v.oldest.Load())
}

func (v *ring) noteOldest() {
	oldest := int64(math.MaxInt64)
	h := &v.slots.head
	for _, e := range h.Earlier {
		oldest = min(oldest, e.Base+e.From+h.Capacity-h.Base)
	}
	v.oldest.Store(oldest)
}

func (v *ring) writeHint(trim int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.slots.head
	h.TrimHint = trim
	return v.slots.write(h)
}

// Open implements Volume.
func (v *ring) Open(instance ids.WALInstance) (*Area, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.blank() {
		for _, h := range v.slots.instances() {
			if h.Instance == instance {
				return &Area{Header: h, Device: v.dev}, nil
			}
		}
	}
	return nil, fmt.Errorf("WAL %s: no instance %s", v.path, instance)
}

// Remove implements Volume.
func (v *ring) Remove(instance ids.WALInstance) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.slots.head
	h.Earlier = slices.DeleteFunc(slices.Clone(h.Earlier), func(e walfmt.Earlier) bool { return e.Instance == instance })
	if len(h.Earlier) == len(v.slots.head.Earlier) {
		return nil
	}
	if err := v.slots.write(h); err != nil {
		return fmt.Errorf("remove WAL instance %s: %w", instance, err)
	}
	v.noteOldest()
	return nil
}

// Close implements Volume.
func (v *ring) Close() error { return v.dev.Close() }
