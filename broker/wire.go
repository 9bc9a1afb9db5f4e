package broker

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seawallmq/seawall/internal/ids"
)

// errMalformed is a request body that does not hold what it says.
var errMalformed = errors.New("broker: malformed request")

// wireReader reads Kafka's primitives in place; after a fault it answers zeros
// and remembers it.
type wireReader struct {
	b        []byte
	flexible bool
	err      error
	coming   *Ctx // whose body ends with b and may still be coming; or nil
}

// await waits for the next n bytes, which are not more than are left.
func (r *wireReader) await(n int) bool {
	if r.coming == nil {
		return true
	}
	if err := r.coming.Await(len(r.b) - n); err != nil {
		r.fail(err)
		return false
	}
	return true
}

func (r *wireReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *wireReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail(fmt.Errorf("%w: %d bytes asked, %d are left", errMalformed, n, len(r.b)))
		return nil
	}
	if !r.await(n) {
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *wireReader) int16() int16 {
	if p := r.take(2); p != nil {
		return int16(binary.BigEndian.Uint16(p))
	}
	return 0
}

func (r *wireReader) int32() int32 {
	if p := r.take(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

func (r *wireReader) uvarint() uint32 {
	if !r.await(min(len(r.b), binary.MaxVarintLen32)) {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<32-1 {
		r.take(-1)
		return 0
	}
	r.b = r.b[n:]
	return uint32(v)
}

// length reads the length of a string, byte field or array: -1 is null. short
// says that the old form has 16 bits.
func (r *wireReader) length(short bool) int {
	switch {
	case r.flexible:
		return int(r.uvarint()) - 1
	case short:
		return int(r.int16())
	}
	return int(r.int32())
}

// array reads an array's length and holds it against what is left of the
// request, of which every element takes elementBytes at least.
func (r *wireReader) array(elementBytes int) int {
	n := r.length(false)
	if n > len(r.b)/elementBytes {
		r.take(-1)
		return 0
	}
	return max(n, 0)
}

// bytes reads a nullable byte field in place.
func (r *wireReader) bytes() (p []byte, null bool) {
	n := r.length(false)
	if n < 0 {
		return nil, true
	}
	return r.take(n), false
}

// string reads a nullable string in place.
func (r *wireReader) string() (p []byte, null bool) {
	n := r.length(true)
	if n < 0 {
		return nil, true
	}
	return r.take(n), false
}

func (r *wireReader) uuid() (u ids.UUID) {
	copy(u[:], r.take(len(u)))
	return u
}

// tags skips tagged fields.
func (r *wireReader) tags() {
	if !r.flexible {
		return
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		r.uvarint()
		r.take(int(r.uvarint()))
	}
}

// wireWriter appends Kafka's primitives.
type wireWriter struct {
	b        []byte
	flexible bool
}

func (w *wireWriter) int16(v int16) { w.b = binary.BigEndian.AppendUint16(w.b, uint16(v)) }
func (w *wireWriter) int32(v int32) { w.b = binary.BigEndian.AppendUint32(w.b, uint32(v)) }
func (w *wireWriter) int64(v int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(v)) }
func (w *wireWriter) uuid(u ids.UUID) {
	w.b = append(w.b, u[:]...)
}

func (w *wireWriter) uvarint(v uint32) { w.b = binary.AppendUvarint(w.b, uint64(v)) }

// array writes an array's length; -1 is null.
func (w *wireWriter) array(n int) {
	if w.flexible {
		w.b = binary.AppendUvarint(w.b, uint64(n+1))
		return
	}
	w.int32(int32(n))
}

func (w *wireWriter) string(s string) {
	if w.flexible {
		w.b = binary.AppendUvarint(w.b, uint64(len(s)+1))
	} else {
		w.int16(int16(len(s)))
	}
	w.b = append(w.b, s...)
}

// nullableString writes the empty string as null.
func (w *wireWriter) nullableString(s string) {
	switch {
	case s != "":
		w.string(s)
	case w.flexible:
		w.b = append(w.b, 0)
	default:
		w.int16(-1)
	}
}

// noTags closes a structure without tagged fields.
func (w *wireWriter) noTags() {
	if w.flexible {
		w.b = append(w.b, 0)
	}
}
