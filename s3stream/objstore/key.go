package objstore

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// KeyBytesMax bounds a key, any prefix included; it is S3's.
const KeyBytesMax = 1024

// componentBytesMax is what file systems take as one name.
const componentBytesMax = 255

// CheckKey says, by an error that is ErrInvalid, why a key cannot be used. The
// rules are the same for every backend, so that what works on one works on
// all: UTF-8 without control characters, components between single slashes,
// none of them "." or "..", nor beginning with a dot at the top, where the
// file backend keeps files of its own.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: empty key", ErrInvalid)
	case len(key) > KeyBytesMax:
		return fmt.Errorf("%w: key of %d bytes, at most %d are allowed", ErrInvalid, len(key), KeyBytesMax)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: key is not UTF-8", ErrInvalid)
	case key[0] == '.':
		return fmt.Errorf("%w: key begins with a dot", ErrInvalid)
	}
	for _, r := range key {
		if r < ' ' || r == 0x7f || r == '\\' {
			return fmt.Errorf("%w: key holds the character %q", ErrInvalid, r)
		}
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || len(part) > componentBytesMax {
			return fmt.Errorf("%w: key holds the component %q", ErrInvalid, part)
		}
	}
	return nil
}
