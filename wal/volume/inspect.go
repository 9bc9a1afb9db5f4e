package volume

import (
	"fmt"

	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// Inspection is a WAL opened for looking only: without a lock, live or dead.
type Inspection struct {
	Header walfmt.Header
	Slot   int // the header slot that counts
	// Areas are the instances on the device, the live one last.
	Areas []*Area
	dev   device.Device
}

// Inspect opens the WAL file or block device at path for looking only.
func Inspect(path string) (*Inspection, error) {
	f, err := device.OpenFile(path, device.FileOptions{ReadOnly: true, AllowBuffered: true, Depth: 4})
	if err != nil {
		return nil, err
	}
	s := slots{dev: f, path: path}
	if err := s.read(); err != nil {
		_ = f.Close()
		return nil, err
	}
	i := &Inspection{Header: s.head, Slot: s.at, dev: f}
	for _, h := range s.instances() {
		i.Areas = append(i.Areas, &Area{Header: h, Device: f})
	}
	if size := f.Geometry().SizeBytes; size < walfmt.DataOffset+s.head.Capacity {
		_ = f.Close()
		return nil, fmt.Errorf("WAL %s: %d bytes long, its header says %d of capacity", path, size, s.head.Capacity)
	}
	return i, nil
}

// Close closes the device.
func (i *Inspection) Close() error { return i.dev.Close() }
