package fence

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/crc"
	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// CellBytes is the length of the fence cell's block.
const CellBytes = walfmt.SlotBytes

const (
	cellMagic   = "SEAFENCE"
	cellVersion = 1
)

// ErrNoCell says that the block holds no fence cell: never written, or torn.
var ErrNoCell = errors.New("no fence cell")

// Cell is what a rescuer writes to a shared WAL before it reads it: from then
// on nobody below NodeEpoch may acknowledge.
type Cell struct {
	NodeEpoch ids.NodeEpoch // the epoch that the rescuer was given for this WAL
	Rescuer   ids.NodeID
	Instance  ids.WALInstance // that is taken over
}

// Encode writes the cell to dst, which is CellBytes long.
func (c *Cell) Encode(dst []byte) {
	dst = dst[:CellBytes]
	clear(dst)
	copy(dst, cellMagic)
	binary.BigEndian.PutUint16(dst[8:], cellVersion)
	binary.BigEndian.PutUint32(dst[12:], uint32(c.Rescuer))
	binary.BigEndian.PutUint64(dst[16:], uint64(c.NodeEpoch))
	copy(dst[24:40], c.Instance[:])
	binary.BigEndian.PutUint32(dst[40:], crc.Of(dst[:40]))
}

// DecodeCell reads a cell. The error is ErrNoCell where there is none, and a
// *walfmt.VersionError where a newer program wrote it.
func DecodeCell(src []byte) (Cell, error) {
	if len(src) < 44 || string(src[:8]) != cellMagic || binary.BigEndian.Uint32(src[40:]) != crc.Of(src[:40]) {
		return Cell{}, ErrNoCell
	}
	if v := binary.BigEndian.Uint16(src[8:]); v != cellVersion {
		return Cell{}, &walfmt.VersionError{What: "fence cell", Version: int(v), Known: cellVersion}
	}
	c := Cell{
		Rescuer:   ids.NodeID(binary.BigEndian.Uint32(src[12:])),
		NodeEpoch: ids.NodeEpoch(binary.BigEndian.Uint64(src[16:])),
	}
	copy(c.Instance[:], src[24:40])
	return c, nil
}

// Shared is the fence of a WAL that a rescuer on another host can reach: it
// reads the cell once a group commit.
type Shared struct {
	dev   device.Device
	epoch ids.NodeEpoch
	buf   []byte
}

// NewShared fences the log of the given node epoch by the cell on dev. Check is
// not to be called concurrently; the log does not.
func NewShared(dev device.Device, epoch ids.NodeEpoch) *Shared {
	return &Shared{dev: dev, epoch: epoch, buf: device.Aligned(CellBytes)}
}

// Check implements Fence. Whatever stands in the cell that is not known to
// leave the log alone fences it: also a read that failed, and a cell that is
// torn, as somebody is writing it.
func (s *Shared) Check() error {
	c, err := readCell(s.dev, s.buf)
	if errors.Is(err, ErrNoCell) {
		if isBlank(s.buf) {
			return nil
		}
		return fmt.Errorf("%w: its fence cell is being written", ErrFenced)
	}
	if err != nil {
		return err
	}
	if c.NodeEpoch > s.epoch {
		return fmt.Errorf("%w: node %d under epoch %d, this log is of epoch %d", ErrFenced, c.Rescuer, c.NodeEpoch, s.epoch)
	}
	return nil
}

// readCell reads what stands in the cell into buf.
func readCell(dev device.Device, buf []byte) (Cell, error) {
	err := device.Do(dev, &device.Op{Kind: device.Read, Offset: walfmt.FenceCellOffset, Bufs: [][]byte{buf}})
	if err != nil {
		return Cell{}, fmt.Errorf("read fence cell: %w", err)
	}
	return DecodeCell(buf)
}

func isBlank(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// Take writes the cell durably. The rescuer reads the WAL only after it
// returned without error (I6).
//
// The error wraps ErrFenced if a higher epoch stands in the cell: another one
// has the WAL, and this rescuer has slept over it. One of the same epoch may be
// followed, as may one that died while it wrote. Two that write at once are told
// apart by the metadata, which takes the ends of only one; a lower epoch that
// comes last still is above that of the log, which stays fenced.
func Take(dev device.Device, c Cell) error {
	buf := device.Aligned(CellBytes)
	was, err := readCell(dev, buf)
	switch {
	case errors.Is(err, ErrNoCell):
	case err != nil:
		return err
	case was.NodeEpoch > c.NodeEpoch:
		return fmt.Errorf("%w: node %d under epoch %d, this rescue is of epoch %d", ErrFenced, was.Rescuer, was.NodeEpoch, c.NodeEpoch)
	}
	c.Encode(buf)
	if err := device.Do(dev, &device.Op{Kind: device.Write, Offset: walfmt.FenceCellOffset, Bufs: [][]byte{buf}}); err != nil {
		return fmt.Errorf("write fence cell: %w", err)
	}
	return nil
}
