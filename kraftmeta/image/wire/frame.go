package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// frameHeaderBytes is kind, version and body length.
const frameHeaderBytes = 1 + 1 + 4

// Frame is one structure with its kind and version, not decoded yet.
type Frame struct {
	Kind    uint8
	Version uint8
	Body    []byte // aliases the bytes it was read from
}

// VersionError is for a structure written by a newer program.
type VersionError struct {
	What  string // the structure's name
	Got   uint8  // the version found
	Known uint8  // the newest version this program reads
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has version %d, this program reads up to %d: use a newer program",
		e.What, e.Got, e.Known)
}

// AppendFrame appends a frame whose body fields walks.
func AppendFrame(dst []byte, kind, version uint8, fields func(*Coder)) []byte {
	start := len(dst)
	dst = append(dst, kind, version, 0, 0, 0, 0)
	c := Coder{buf: dst, version: version}
	fields(&c)
	body := len(c.buf) - start - frameHeaderBytes
	if body > math.MaxUint32 {
		panic(fmt.Sprintf("wire: a frame of kind %d has %d bytes", kind, body))
	}
	binary.BigEndian.PutUint32(c.buf[start+2:], uint32(body))
	return c.buf
}

// NextFrame splits the first frame off src. The frame aliases src.
func NextFrame(src []byte) (f Frame, rest []byte, err error) {
	if len(src) < frameHeaderBytes {
		return f, src, ErrShort
	}
	n := binary.BigEndian.Uint32(src[2:])
	if uint64(n) > uint64(len(src)-frameHeaderBytes) {
		return f, src, ErrShort
	}
	f = Frame{Kind: src[0], Version: src[1], Body: src[frameHeaderBytes : frameHeaderBytes+int(n)]}
	return f, src[frameHeaderBytes+int(n):], nil
}

// Decode reads the frame's body by fields, after checking that its version is
// known. It copies what it keeps, so that the bytes of the frame may be used
// again. what names the structure in errors.
func (f Frame) Decode(what string, known uint8, fields func(*Coder)) error {
	if f.Version == 0 || f.Version > known {
		return &VersionError{What: what, Got: f.Version, Known: known}
	}
	c := Coder{buf: f.Body, decoding: true, version: f.Version}
	fields(&c)
	if err := c.Finish(); err != nil {
		return fmt.Errorf("%s version %d: %w", what, f.Version, err)
	}
	return nil
}
