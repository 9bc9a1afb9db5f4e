package image

import (
	"fmt"

	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Delta is what one command changed: applying it by [Image.With] to the image
// before gives the image after.
type Delta struct {
	Index   uint64
	Records []Record
}

// deltaVersion is the version of an encoded delta.
const deltaVersion = 1

// AppendDelta appends the encoded delta to dst.
//
//	frame of kind 'D': index, record count, record frames
func AppendDelta(dst []byte, d Delta) []byte {
	return wire.AppendFrame(dst, 'D', deltaVersion, d.fields)
}

// DecodeDelta reads the first delta of src and returns the bytes after it.
func DecodeDelta(src []byte) (d Delta, rest []byte, err error) {
	f, rest, err := wire.NextFrame(src)
	if err != nil {
		return d, src, fmt.Errorf("metadata delta: %w", err)
	}
	if f.Kind != 'D' {
		return d, src, fmt.Errorf("metadata delta: frame of kind %d", f.Kind)
	}
	if err := f.Decode("metadata delta", deltaVersion, d.fields); err != nil {
		return d, src, err
	}
	return d, rest, nil
}

func (d *Delta) fields(c *wire.Coder) {
	wire.Uint(c, &d.Index)
	wire.List(c, &d.Records, minRecordBytes, recordFields)
}

// minRecordBytes is a frame with an empty body.
const minRecordBytes = 6

func recordFields(c *wire.Coder, r *Record) {
	c.Nested(func(dst []byte) []byte { return AppendRecord(dst, *r) }, func(src []byte) ([]byte, error) {
		var err error
		var rest []byte
		*r, rest, err = DecodeRecord(src)
		return rest, err
	})
}
