package broker

import "reflect"

// A codec makes slices before it reads their elements: kmsg checks only that
// the frame has the fewest bytes that so many elements can take. So a small
// frame can ask for a large multiple of its size. What a type can ask for is
// estimated here, paid for before decoding, and corrected after.

const (
	// elementWireBytesMin is the fewest bytes an element of a struct type takes
	// on the wire; kmsg checks for at least as many.
	elementWireBytesMin = 2
	// tagFactor is what unknown tagged fields may cost: a map of its own for
	// two or three bytes of the frame.
	tagFactor = 192
	// remeasureBytes is the size of a body from which on it is worth to count
	// what it was decoded to.
	remeasureBytes = 256
)

// decodeFactor is how many bytes decoding into a T makes, at worst, of one byte.
func decodeFactor[T any]() int {
	return max(tagFactor, largestElement(reflect.TypeFor[T]())/elementWireBytesMin)
}

// largestElement is the size of the largest element of any slice in t.
func largestElement(t reflect.Type) int {
	switch t.Kind() {
	case reflect.Pointer:
		return largestElement(t.Elem())
	case reflect.Slice:
		return max(int(t.Elem().Size()), largestElement(t.Elem()))
	case reflect.Struct:
		largest := 0
		for i := range t.NumField() {
			largest = max(largest, largestElement(t.Field(i).Type))
		}
		return largest
	default:
		return 0
	}
}

// mapEntryBytes is about what an entry of a map of unknown tags occupies.
const mapEntryBytes = 96

// sizer counts the memory that a value refers to, near enough.
type sizer func(reflect.Value) int

// sizerOf makes the sizer of a type, once at its registration; nil says that
// values of the type refer to nothing. The types of requests do not recur.
func sizerOf(t reflect.Type) sizer {
	switch t.Kind() {
	case reflect.String:
		return reflect.Value.Len
	case reflect.Map:
		return func(v reflect.Value) int { return v.Len() * mapEntryBytes }
	case reflect.Pointer:
		return pointerSizer(t)
	case reflect.Slice:
		return sliceSizer(t)
	case reflect.Struct:
		return structSizer(t)
	default:
		return nil
	}
}

func pointerSizer(t reflect.Type) sizer {
	size, elem := int(t.Elem().Size()), sizerOf(t.Elem())
	return func(v reflect.Value) int {
		switch {
		case v.IsNil():
			return 0
		case elem == nil:
			return size
		}
		return size + elem(v.Elem())
	}
}

func sliceSizer(t reflect.Type) sizer {
	size, elem := int(t.Elem().Size()), sizerOf(t.Elem())
	return func(v reflect.Value) int {
		n := v.Cap() * size
		if elem != nil {
			for i := range v.Len() {
				n += elem(v.Index(i))
			}
		}
		return n
	}
}

func structSizer(t reflect.Type) sizer {
	type field struct {
		index int
		size  sizer
	}
	var fields []field
	for i := range t.NumField() {
		if s := sizerOf(t.Field(i).Type); s != nil {
			fields = append(fields, field{i, s})
		}
	}
	if fields == nil {
		return nil
	}
	return func(v reflect.Value) int {
		n := 0
		for _, f := range fields {
			n += f.size(v.Field(f.index))
		}
		return n
	}
}
