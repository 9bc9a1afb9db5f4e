package config

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Rescue is what this node can do for the WALs of others.
type Rescue struct {
	// Reach are prefixes of the locations of WALs that it can read; see
	// [WAL.Location].
	Reach []string
	// AttachCommand is run before another node's WAL is opened; "" is none.
	AttachCommand string
	AttachTimeout time.Duration // after which it is killed
}

// Location is where the WAL is, as it stands in the metadata for those who are
// to rescue it: scheme and path.
func (w WAL) Location() string { return string(w.Kind) + "://" + w.Path }

// ParseWALLocation reads a WAL's location.
func ParseWALLocation(location string) (kind WALKind, file string, err error) {
	scheme, file, ok := strings.Cut(location, "://")
	kind = WALKind(scheme)
	if !ok || kind != WALFile && kind != WALBlock || !path.IsAbs(file) || file != path.Clean(file) {
		return "", "", fmt.Errorf("%q is no location of a WAL", location)
	}
	return kind, file, nil
}

// locationPrefix is what the locations of all WALs in a directory begin with.
func locationPrefix(kind WALKind, dir string) string {
	return string(kind) + "://" + strings.TrimSuffix(dir, "/") + "/"
}

// rescuePrefix reads one of s3.wal.rescue.paths. One that names a directory
// stands for what is in it.
func rescuePrefix(value string) (string, error) {
	kind, file, err := ParseWALLocation(strings.TrimSuffix(value, "/"))
	if err != nil {
		return "", errors.New("must be file:///directory or block:///dev/…")
	}
	if kind == WALFile {
		return locationPrefix(kind, file), nil
	}
	return string(kind) + "://" + file, nil
}

func checkRescuePaths(value string) error {
	for _, p := range SplitList(value) {
		if _, err := rescuePrefix(p); err != nil {
			return fmt.Errorf("%q: %w", p, err)
		}
	}
	return nil
}
