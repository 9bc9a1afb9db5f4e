package volume

import (
	"errors"
	"fmt"
	"os"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/reserve"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// ForeignOptions say which instance of which node is taken over, and how.
type ForeignOptions struct {
	Cluster ids.UUID
	Node    ids.NodeID // that opened it
	// Instance is taken over; others at the same place are let be.
	Instance ids.WALInstance
	Fence    walfmt.FenceKind
	// Rescuer takes over under NodeEpoch, which the dead holder's epoch is
	// below: of a shared WAL, what the fence cell is to say; of one on a reserved
	// device, what its key says.
	Rescuer   ids.NodeID
	NodeEpoch ids.NodeEpoch

	Depth         int // see device.FileOptions; zero is 8
	AllowBuffered bool
	Wrap          func(device.Device) device.Device // as Options.Wrap
}

// Foreign is an instance of another node's WAL, fenced from that node. Its Area
// is read, and closed, by whoever recovers it; the rest goes with Release and
// Remove.
type Foreign struct {
	Area *Area

	path  string
	block bool
	opts  ForeignOptions
	lock  *device.Lock // until Release; nil of a shared WAL
}

// OpenForeignFiles opens an instance in the volume of files at path. Of an
// exclusive WAL the volume's lock is taken: the error wraps device.ErrLocked
// while a process lives that has it. Of a shared one the fence cell is written,
// durably, before anything is read (I6).
func OpenForeignFiles(path string, o ForeignOptions) (*Foreign, error) {
	f := &Foreign{path: path, opts: o}
	if o.Fence != walfmt.FenceShared {
		var err error
		if f.lock, err = device.TakeLock(path + ".lock"); err != nil {
			return nil, err
		}
	}
	// Its holder, back again, may be putting the file aside meanwhile: so the
	// first name is tried twice.
	var err error
	for _, at := range []string{path, asidePath(path, o.Instance), path} {
		if err = f.open(at); err == nil {
			return f, nil
		}
		if !errors.Is(err, errOtherInstance) && !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	return nil, errors.Join(err, f.Release())
}

// OpenForeignBlock is OpenForeignFiles for a block device. One with reservations
// is taken from its holder, which cannot write any more then; it stays reserved
// when it is closed, until somebody takes it.
func OpenForeignBlock(path string, o ForeignOptions) (*Foreign, error) {
	if err := checkReservable(path, "/sys", o.Fence); err != nil {
		return nil, err
	}
	f := &Foreign{path: path, block: true, opts: o}
	if err := f.open(path); err != nil {
		return nil, err
	}
	return f, nil
}

// errOtherInstance: the file is of another instance.
var errOtherInstance = errors.New("is another WAL instance")

func (f *Foreign) open(path string) error {
	o := &f.opts
	if o.Depth == 0 {
		o.Depth = depthDefault
	}
	shared := o.Fence == walfmt.FenceShared
	file, err := device.OpenFile(path, device.FileOptions{
		Depth: o.Depth, AllowBuffered: o.AllowBuffered, ReadOnly: !shared && !f.block, Foreign: true,
		Lock: f.block && !shared,
	})
	if err != nil {
		return err
	}
	dev := wrapped(file, o.Wrap)
	f.Area, err = f.take(path, dev, file.Ioctl)
	if err != nil {
		return errors.Join(err, dev.Close())
	}
	return nil
}

// take fences the instance on the device and reads where it lies.
func (f *Foreign) take(path string, dev device.Device, ioctl reserve.Ioctl) (*Area, error) {
	o := &f.opts
	// Which instance a file is never changes: this look says only whether it is
	// the one, and since when, and what it says besides is not used.
	was, err := f.find(path, dev)
	if err != nil {
		return nil, err
	}
	if was.NodeEpoch >= o.NodeEpoch {
		return nil, fmt.Errorf("WAL %s: opened under node epoch %d, a rescue of epoch %d does not fence it", path, was.NodeEpoch, o.NodeEpoch)
	}
	switch o.Fence {
	case walfmt.FenceShared:
		if err := fence.Take(dev, fence.Cell{NodeEpoch: o.NodeEpoch, Rescuer: o.Rescuer, Instance: o.Instance}); err != nil {
			return nil, fmt.Errorf("WAL %s: %w", path, err)
		}
	case walfmt.FenceReservation:
		claim := reserve.Claim{Node: o.Node, Epoch: o.NodeEpoch, Rescue: true, Since: was.NodeEpoch}
		if err := takeDevice(path, ioctl, claim); err != nil {
			return nil, err
		}
	}
	h, err := f.find(path, dev)
	if err != nil {
		return nil, err
	}
	return &Area{Header: h, Device: dev, close: dev.Close}, nil
}

// find reads the header, and narrows it to the instance.
func (f *Foreign) find(path string, dev device.Device) (walfmt.Header, error) {
	s := slots{dev: dev, path: path}
	if err := s.read(); err != nil {
		return walfmt.Header{}, err
	}
	owner := Options{Cluster: f.opts.Cluster, Node: f.opts.Node}
	if err := owner.checkOwner(path, &s.head); err != nil {
		return walfmt.Header{}, err
	}
	for _, h := range s.instances() {
		if h.Instance == f.opts.Instance {
			return h, nil
		}
	}
	return walfmt.Header{}, fmt.Errorf("WAL %s: %w: %s, not %s", path, errOtherInstance, s.head.Instance, f.opts.Instance)
}

// Release gives up the lock, once the metadata has the ends of the instance:
// its node, back again, may open another one beside it then.
func (f *Foreign) Release() error {
	if f.lock == nil {
		return nil
	}
	lock := f.lock
	f.lock = nil
	return lock.Release()
}

// Remove removes the file of an instance that is retired. One that its node has
// put aside goes at once; one that still has the volume's name goes only if
// nobody has the volume open, since its node may be giving the name to another:
// then it is that node's to remove. On a device nothing is removed.
func (f *Foreign) Remove() error {
	if f.block {
		return nil
	}
	aside := os.Remove(asidePath(f.path, f.opts.Instance))
	if !errors.Is(aside, os.ErrNotExist) {
		return aside
	}
	lock, err := device.TakeLock(f.path + ".lock")
	if errors.Is(err, device.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()
	i, err := Inspect(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	is := i.Header.Instance
	if err := i.Close(); err != nil || is != f.opts.Instance {
		return err
	}
	return os.Remove(f.path)
}

// asidePath is where the file of an older instance is kept.
func asidePath(path string, instance ids.WALInstance) string { return path + "." + instance.Hex() }
