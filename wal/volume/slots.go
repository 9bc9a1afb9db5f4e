package volume

import (
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/fence"
	"github.com/seawallmq/seawall/wal/walfmt"
)

// slots are the two header slots of a device.
type slots struct {
	dev  device.Device
	path string // for errors
	head walfmt.Header
	at   int // the slot that counts; -1 before the first write
}

// read loads the header that counts. walfmt.ErrInvalid means there is none.
func (s *slots) read() error {
	buf := device.Aligned(2 * walfmt.SlotBytes)
	if err := device.Do(s.dev, &device.Op{Kind: device.Read, Bufs: [][]byte{buf}}); err != nil {
		return err
	}
	h, at, err := walfmt.PickHeader([2][]byte{buf[:walfmt.SlotBytes], buf[walfmt.SlotBytes:]})
	if err != nil {
		return fmt.Errorf("header of WAL %s: %w", s.path, err)
	}
	s.head, s.at = h, at
	return nil
}

// instances are all that the device has, oldest first and the live one last: for
// each the header that counts, narrowed to its life.
func (s *slots) instances() []walfmt.Header {
	var all []walfmt.Header
	for _, e := range s.head.Earlier {
		h := s.head
		h.Life, h.TrimHint = e.Life, e.From
		all = append(all, h)
	}
	return append(all, s.head)
}

// write makes h the header that counts, in the slot that did not.
func (s *slots) write(h walfmt.Header) error {
	h.Generation = s.head.Generation + 1
	buf := device.Aligned(walfmt.SlotBytes)
	if err := h.Encode(buf); err != nil {
		return err
	}
	at := 1 - max(s.at, 0)
	op := &device.Op{Kind: device.Write, Offset: int64(at) * walfmt.SlotBytes, Bufs: [][]byte{buf}}
	if err := device.Do(s.dev, op); err != nil {
		return fence.WriteError(err)
	}
	s.head, s.at = h, at
	return nil
}

// isBlank says whether the error means that no header was ever written, as
// opposed to one that cannot be read.
func isBlank(err error) bool { return errors.Is(err, walfmt.ErrInvalid) }
