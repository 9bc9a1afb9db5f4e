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

// decodedBytes is the memory behind a decoded request, near enough.
func decodedBytes(req any) int { return sizeOf(reflect.ValueOf(req)) }

// mapEntryBytes is about what an entry of a map of unknown tags occupies.
const mapEntryBytes = 96

func sizeOf(v reflect.Value) int {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return 0
		}
		return int(v.Type().Elem().Size()) + sizeOf(v.Elem())
	case reflect.String:
		return v.Len()
	case reflect.Map:
		return v.Len() * mapEntryBytes
	case reflect.Slice:
		n := v.Cap() * int(v.Type().Elem().Size())
		if flat(v.Type().Elem()) {
			return n
		}
		for i := range v.Len() {
			n += sizeOf(v.Index(i))
		}
		return n
	case reflect.Struct:
		n := 0
		for i := range v.NumField() {
			n += sizeOf(v.Field(i))
		}
		return n
	default:
		return 0
	}
}

// flat says that values of t refer to no further memory.
func flat(t reflect.Type) bool {
	k := t.Kind()
	return k <= reflect.Complex128 || k == reflect.Array && flat(t.Elem())
}
