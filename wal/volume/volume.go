package volume

import (
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// Volume is a place for WAL instances.
type Volume interface {
	// Instances lists what is there, oldest first.
	Instances() []Instance
	// Create makes a fresh instance, durably, and drops the older ones that
	// spec does not keep.
	Create(spec Spec) (*Area, error)
	// Open opens an instance that is there, for recovery.
	Open(instance ids.WALInstance) (*Area, error)
	// Remove drops an older instance; its space is then free for the live one.
	Remove(instance ids.WALInstance) error
	// Close gives up the lock. Areas are closed by their users, before.
	Close() error
}

// Options says whose volume it is and how it is used.
type Options struct {
	Cluster ids.UUID
	Node    ids.NodeID
	// CapacityBytes of the ring, rounded down to whole MiB. For a block device
	// zero means all of it.
	CapacityBytes int64
	Fence         walfmt.FenceKind // zero is exclusive
	NodeEpoch     ids.NodeEpoch    // that the volume is opened under, for a reservation
	Depth         int              // see device.FileOptions; zero is 8
	AllowBuffered bool
	// Wrap, if set, is put around every device opened: caps, faults.
	Wrap func(device.Device) device.Device
}

// depthDefault is FileOptions.Depth where none is asked for.
const depthDefault = 8

func (o *Options) setDefaults() {
	if o.Fence == 0 {
		o.Fence = walfmt.FenceExclusive
	}
	if o.Depth == 0 {
		o.Depth = depthDefault
	}
}

// roundCapacity rounds CapacityBytes down to what a header can say.
func (o *Options) roundCapacity(path string) error {
	o.CapacityBytes -= o.CapacityBytes % walfmt.CapacityUnit
	if o.CapacityBytes < 2*walfmt.CapacityUnit {
		return fmt.Errorf("WAL %s: capacity %d is below the least, 2 MiB", path, o.CapacityBytes)
	}
	return nil
}

// header is that of a fresh instance on a device.
func (o *Options) header(spec Spec, dev device.Device) walfmt.Header {
	return walfmt.Header{
		Cluster: o.Cluster, Node: o.Node, Fence: o.Fence,
		BlockBytes: uint32(dev.Geometry().BlockBytes), Capacity: o.CapacityBytes,
		Life: walfmt.Life{Instance: spec.Instance, NodeEpoch: spec.NodeEpoch, WindowBytes: spec.WindowBytes},
	}
}

// wrapped puts wrap, which may be nil, around a device.
func wrapped(d device.Device, wrap func(device.Device) device.Device) device.Device {
	if wrap == nil {
		return d
	}
	return wrap(d)
}

// Instance is one life of the WAL found in a volume.
type Instance struct {
	walfmt.Life
	// TrimHint is a position below which nothing was needed when the header
	// was last written. Recovery starts where the metadata says.
	TrimHint int64
	// Live says that no newer instance was made since.
	Live bool
}

// Spec describes a fresh instance.
type Spec struct {
	Instance    ids.WALInstance
	NodeEpoch   ids.NodeEpoch
	WindowBytes int64
	Keep        []Kept
}

// Kept is an older instance of which positions [From, End) are still needed.
type Kept struct {
	Instance  ids.WALInstance
	From, End int64
	// Elsewhere: another node rescues or serves it. It is left as it is, and
	// what it takes of the disk is not known here. Only volumes of files can
	// keep such a one.
	Elsewhere bool
}

// ErrKeptElsewhere: a device that its instances share cannot begin another one
// while another node still reads an older one.
var ErrKeptElsewhere = errors.New("another node still reads an older instance on the device")

// WrongWALError says that a WAL belongs to another cluster or node, or that
// this node's metadata is older than its WAL.
type WrongWALError struct {
	Path   string
	Reason string
}

func (e *WrongWALError) Error() string { return fmt.Sprintf("WAL %s: %s", e.Path, e.Reason) }

// checkOwner refuses the WAL of another cluster or node.
func (o *Options) checkOwner(path string, h *walfmt.Header) error {
	if h.Cluster != o.Cluster {
		return &WrongWALError{path, fmt.Sprintf("belongs to cluster %s, this is cluster %s", h.Cluster, o.Cluster)}
	}
	if h.Node != o.Node {
		return &WrongWALError{path, fmt.Sprintf("belongs to node %d, this is node %d", h.Node, o.Node)}
	}
	return nil
}

// checkEpoch refuses a new instance that would not count above the last.
func checkEpoch(path string, h *walfmt.Header, epoch ids.NodeEpoch) error {
	if epoch < h.NodeEpoch {
		return &WrongWALError{path, fmt.Sprintf("was opened under node epoch %d, the metadata gave %d: the metadata is older than the WAL", h.NodeEpoch, epoch)}
	}
	return nil
}

// Area is one instance's share of a device.
type Area struct {
	Header walfmt.Header // as of the area's making; Life is this instance's
	Device device.Device
	// endMax and hint are the volume's; nil for an instance that is only read.
	endMax func(trim int64) int64
	hint   func(trim int64) error
	close  func() error
}

// EndMax is the position that the head must not pass while everything below
// trim may be overwritten. It falls short of trim + capacity as long as older
// instances are kept, and may be below the head then.
func (a *Area) EndMax(trim int64) int64 {
	if a.endMax == nil {
		return 0
	}
	return a.endMax(trim)
}

// Map says where position lies on the device and for how many bytes what
// follows is contiguous there.
func (a *Area) Map(position int64) (offset, contiguous int64) {
	offset = a.Header.Offset(position, a.Header.Capacity)
	return offset, walfmt.DataOffset + a.Header.Capacity - offset
}

// WriteTrimHint records a trim position in the header.
func (a *Area) WriteTrimHint(trim int64) error {
	if a.hint == nil {
		return nil
	}
	return a.hint(trim)
}

// Close closes the device if it is the area's own.
func (a *Area) Close() error {
	if a.close == nil {
		return nil
	}
	return a.close()
}
