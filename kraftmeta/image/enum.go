package image

import "strconv"

// enumName is the name at position v, or the number if there is none there.
func enumName[T ~uint8 | ~uint16](v T, names ...string) string {
	if int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return strconv.Itoa(int(v))
}
