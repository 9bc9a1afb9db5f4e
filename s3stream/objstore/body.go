package objstore

import (
	"errors"
	"io"

	"github.com/seawallmq/seawall/internal/crc"
)

// Body is what a write sends: a list of byte slices, so that record bytes need
// not be copied together, with its length and checksum known beforehand. The
// store only reads it, and only until the write returns.
type Body struct {
	Parts  [][]byte
	Size   int64  // the sum of the parts' lengths
	CRC32C uint32 // of the parts, one after another
}

// NewBody makes a Body of parts and computes its checksum. Whoever has the
// checksum already fills in a Body instead.
func NewBody(parts ...[]byte) Body {
	b := Body{Parts: parts}
	for _, p := range parts {
		b.Size += int64(len(p))
		b.CRC32C = crc.Update(b.CRC32C, p)
	}
	return b
}

// Reader reads the body from its start; each call gives an independent reader.
func (b Body) Reader() io.ReadSeeker { return &bodyReader{parts: b.Parts, size: b.Size} }

// bodyReader deliberately has no WriteTo: the SDK holds a lock over WriteTo
// which its Close needs, so that a hung connection would outlive its context.
type bodyReader struct {
	parts [][]byte
	size  int64
	pos   int64 // in the whole body
	part  int   // index of the part that holds pos
	in    int   // pos within that part
}

func (r *bodyReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.part < len(r.parts) {
		c := copy(p[n:], r.parts[r.part][r.in:])
		n += c
		r.in += c
		if r.in == len(r.parts[r.part]) {
			r.part, r.in = r.part+1, 0
		}
	}
	r.pos += int64(n)
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *bodyReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 || offset > r.size {
		return r.pos, errors.New("objstore: seek outside of the body")
	}
	r.pos, r.part = offset, 0
	for r.part < len(r.parts) && offset >= int64(len(r.parts[r.part])) {
		offset -= int64(len(r.parts[r.part]))
		r.part++
	}
	r.in = int(offset)
	return r.pos, nil
}
