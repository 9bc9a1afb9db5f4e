package wire

import "encoding/binary"

type unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

type signed interface {
	~int8 | ~int16 | ~int32 | ~int64
}

// Uint walks an unsigned number; a decoded one that T cannot hold is a fault.
func Uint[T unsigned](c *Coder, v *T) {
	if !c.decoding {
		c.buf = binary.AppendUvarint(c.buf, uint64(*v))
		return
	}
	u := c.uvarint()
	if *v = T(u); uint64(*v) != u {
		c.Fail("%d is too large for its field", u)
	}
}

// Int walks a signed number; a decoded one that T cannot hold is a fault.
func Int[T signed](c *Coder, v *T) {
	if !c.decoding {
		c.buf = binary.AppendVarint(c.buf, int64(*v))
		return
	}
	i := c.varint()
	if *v = T(i); int64(*v) != i {
		c.Fail("%d is out of its field's range", i)
	}
}

// String walks a string.
func String[T ~string](c *Coder, v *T) {
	if !c.decoding {
		c.buf = binary.AppendUvarint(c.buf, uint64(len(*v)))
		c.buf = append(c.buf, *v...)
		return
	}
	*v = T(c.take(c.length(1)))
}

// List walks a slice whose elements take at least minEach bytes, which bounds
// the slice that a decoder allocates by the bytes it was given. A decoded
// empty list is nil.
func List[T any](c *Coder, v *[]T, minEach int, each func(*Coder, *T)) {
	if !c.decoding {
		c.buf = binary.AppendUvarint(c.buf, uint64(len(*v)))
		for i := range *v {
			each(c, &(*v)[i])
		}
		return
	}
	*v = nil
	n := c.length(minEach)
	if n == 0 {
		return
	}
	// A lying count may still claim one element a byte: start small and let
	// the bytes that are really there pay for the growth.
	out := make([]T, 0, min(n, 1024))
	for range n {
		var e T
		each(c, &e)
		if c.err != nil {
			return
		}
		out = append(out, e)
	}
	*v = out
}

// Optional walks a pointer that may be nil.
func Optional[T any](c *Coder, v **T, fields func(*Coder, *T)) {
	present := *v != nil
	c.Bool(&present)
	if !present {
		*v = nil
		return
	}
	if c.decoding {
		*v = new(T)
	}
	fields(c, *v)
}
