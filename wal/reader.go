package wal

import (
	"sync"

	"github.com/seawallmq/seawall/wal/device"
	"github.com/seawallmq/seawall/wal/volume"
)

// readChunkBytes is the most read from the device at once on behalf of ReadAt.
const readChunkBytes = 1 << 20

// areaReader reads any range of an area through aligned buffers.
type areaReader struct {
	area *volume.Area
	geo  device.Geometry
	bufs *sync.Pool // of *[]byte, readChunkBytes and one block at either end
}

func newAreaReader(area *volume.Area) areaReader {
	geo := area.Device.Geometry()
	return areaReader{area: area, geo: geo, bufs: &sync.Pool{New: func() any {
		b := device.Aligned(readChunkBytes + 2*geo.BlockBytes)
		return &b
	}}}
}

func (r *areaReader) readAt(dst []byte, position int64) error {
	for len(dst) > 0 {
		offset, contiguous := r.area.Map(position)
		n := min(len(dst), readChunkBytes, int(min(contiguous, readChunkBytes)))
		if err := r.readPiece(dst[:n], offset); err != nil {
			return err
		}
		dst = dst[n:]
		position += int64(n)
	}
	return nil
}

// readPiece reads a range that is contiguous on the device: straight into dst
// where the alignment allows it.
func (r *areaReader) readPiece(dst []byte, offset int64) error {
	if r.geo.IsAligned(offset, dst) {
		return device.Do(r.area.Device, &device.Op{Kind: device.Read, Offset: offset, Bufs: [][]byte{dst}})
	}
	block := int64(r.geo.BlockBytes)
	from := offset &^ (block - 1)
	to := (offset + int64(len(dst)) + block - 1) &^ (block - 1)
	buf := r.bufs.Get().(*[]byte)
	defer r.bufs.Put(buf)
	b := (*buf)[:to-from]
	if err := device.Do(r.area.Device, &device.Op{Kind: device.Read, Offset: from, Bufs: [][]byte{b}}); err != nil {
		return err
	}
	copy(dst, b[offset-from:])
	return nil
}
