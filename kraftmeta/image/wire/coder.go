package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
)

// ErrShort is for bytes that end before the structure does.
var ErrShort = errors.New("wire: bytes end too early")

// Coder walks the fields of one structure, either appending them to a buffer
// or reading them from one. The first fault sticks: later calls do nothing and
// [Coder.Err] tells of it.
type Coder struct {
	buf      []byte // encoding: all bytes so far; decoding: bytes not read yet
	decoding bool
	version  uint8
	err      error
}

// Decoding says whether fields are read rather than written.
func (c *Coder) Decoding() bool { return c.decoding }

// Version is the version of the structure being walked.
func (c *Coder) Version() uint8 { return c.version }

// Err is the first fault met while decoding; encoding has none.
func (c *Coder) Err() error { return c.err }

// Fail records a fault found by the caller, such as a value out of range.
func (c *Coder) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("wire: "+format, args...)
		c.buf = nil
	}
}

// Finish returns the first fault, or one for bytes left over.
func (c *Coder) Finish() error {
	if c.err == nil && c.decoding && len(c.buf) > 0 {
		c.Fail("%d bytes left over", len(c.buf))
	}
	return c.err
}

func (c *Coder) short() {
	if c.err == nil {
		c.err, c.buf = ErrShort, nil
	}
}

// take returns the next n bytes to decode, valid until the source is reused.
func (c *Coder) take(n int) []byte {
	if c.err != nil || n > len(c.buf) {
		c.short()
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

func (c *Coder) uvarint() uint64 {
	v, n := binary.Uvarint(c.buf)
	switch {
	case n > 0:
		c.buf = c.buf[n:]
		return v
	case n == 0:
		c.short()
	default:
		c.Fail("varint over 64 bits")
	}
	return 0
}

func (c *Coder) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// length decodes a count or length whose elements take at least minEach bytes,
// and refuses one that the bytes left could not hold.
func (c *Coder) length(minEach int) int {
	n := c.uvarint()
	if n > uint64(len(c.buf)/max(minEach, 1)) {
		c.short()
		return 0
	}
	return int(n)
}

// Bool walks a bool.
func (c *Coder) Bool(v *bool) {
	if !c.decoding {
		b := byte(0)
		if *v {
			b = 1
		}
		c.buf = append(c.buf, b)
		return
	}
	if b := c.take(1); b != nil {
		if b[0] > 1 {
			c.Fail("bool of %d", b[0])
		}
		*v = b[0] == 1
	}
}

// UUID walks a UUID.
func (c *Coder) UUID(v *ids.UUID) {
	if !c.decoding {
		c.buf = append(c.buf, v[:]...)
		return
	}
	copy(v[:], c.take(len(v)))
}

// Blob walks a byte slice; a decoded one is a copy, nil when empty.
func (c *Coder) Blob(v *[]byte) {
	if !c.decoding {
		c.buf = binary.AppendUvarint(c.buf, uint64(len(*v)))
		c.buf = append(c.buf, *v...)
		return
	}
	*v = append([]byte(nil), c.take(c.length(1))...)
}

// Nested walks a structure that has functions of its own to append itself and
// to read itself off the front of the bytes.
func (c *Coder) Nested(appendTo func(dst []byte) []byte, readFrom func(src []byte) (rest []byte, err error)) {
	if !c.decoding {
		c.buf = appendTo(c.buf)
		return
	}
	if c.err != nil {
		return
	}
	rest, err := readFrom(c.buf)
	if err != nil {
		c.err, c.buf = err, nil
		return
	}
	c.buf = rest
}
