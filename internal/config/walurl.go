package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// WALKind is what a WAL is written to.
type WALKind string

// The kinds of WAL.
const (
	WALFile  WALKind = "file"  // a file on a file system with direct I/O
	WALBlock WALKind = "block" // a raw block device
	// WALObjects is none at all: every topic is acknowledged from object storage.
	WALObjects WALKind = "s3"
)

// FenceKind says who else could write a WAL, and so how it is fenced.
type FenceKind string

// The kinds of fence.
const (
	// FenceExclusive: the volume is attached to one machine, and a lock keeps
	// other processes of that machine out.
	FenceExclusive FenceKind = "exclusive"
	// FenceShared: another machine may reach the volume; a fence cell is read
	// before every acknowledgement.
	FenceShared FenceKind = "shared"
	// FenceReservation: another machine may reach the raw device, which itself
	// refuses the writes of all but the one that has it reserved.
	FenceReservation FenceKind = "reservation"
)

// WAL says where the write-ahead log is and how hard it may be driven.
type WAL struct {
	Kind          WALKind
	Path          string // absolute path of the file or device
	CapacityBytes int64  // of the whole ring; 0 for a device: all of it
	IOPS          int    // writes a second at most; 0 without cap
	IOBandwidth   int64  // bytes a second at most; 0 without cap
	IODepth       int    // writes in flight at most
	FenceKind     FenceKind
	AllowBuffered bool // accept a file system without direct I/O
}

const (
	defaultWALCapacity = 10 << 30
	minWALCapacity     = 16 << 20
	defaultIODepth     = 8
)

// ParseWALPath reads the value of s3.wal.path, for example
// "0@file:///path?capacity=10GiB&iops=3000&iobandwidth=125MiB&iodepth=8". The
// error joins everything that is wrong with it.
func ParseWALPath(value string) (WAL, error) {
	u, err := parseNumberedURL(value)
	if err != nil {
		return WAL{}, err
	}
	w := WAL{Kind: WALKind(u.Scheme), Path: u.Path, IODepth: defaultIODepth, FenceKind: FenceExclusive}
	switch {
	case w.Kind == WALObjects:
		_, err := parseDirectURL(u)
		return WAL{Kind: WALObjects, FenceKind: FenceExclusive, IODepth: defaultIODepth}, err
	case w.Kind != WALFile && w.Kind != WALBlock:
		return WAL{}, fmt.Errorf("%q is no kind of WAL: use 0@file:///path, 0@block:///dev/… or 0@s3://bucket", u.Scheme)
	case u.Host != "":
		return WAL{}, fmt.Errorf("%q would be a host: write three slashes, %s:///%s%s", u.Host, u.Scheme, u.Host, u.Path)
	case u.Path == "" || u.Path != path.Clean(u.Path) || u.Path == "/":
		return WAL{}, fmt.Errorf("%q must be the absolute path of a file or device", u.Path)
	}
	if w.Kind == WALFile {
		w.CapacityBytes = defaultWALCapacity
	}
	if err := errors.Join(w.applyParameters(u.Query()), w.checkFence()); err != nil {
		return WAL{}, err
	}
	return w, nil
}

// checkFence says what of the fence does not go with the rest.
func (w *WAL) checkFence() error {
	switch {
	case w.Kind == WALBlock && w.FenceKind == FenceShared:
		// A ring is used again from instance to instance: a late write of a former
		// holder, which a fence cell does not stop, would land in the present one.
		return errors.New("fence=shared needs a file: a raw device is used again, and nothing keeps late writes of a former holder out of it (fence=reservation does, if the device has persistent reservations)")
	case w.Kind == WALFile && w.FenceKind == FenceReservation:
		return errors.New("fence=reservation needs a raw device, 0@block:///dev/…: what is reserved is a device, not a file")
	case w.AllowBuffered && w.FenceKind == FenceReservation:
		return errors.New("fence=reservation does not go with buffered=true: the device would refuse what the page cache has accepted")
	}
	return nil
}

// applyParameters reads what stands behind the question mark.
func (w *WAL) applyParameters(parameters url.Values) error {
	var errs []error
	for _, name := range sortedKeys(parameters) {
		value := parameters.Get(name)
		var err error
		switch name {
		case "capacity":
			w.CapacityBytes, err = ParseSize(value)
			if err == nil && w.CapacityBytes < minWALCapacity {
				err = fmt.Errorf("must be at least %s", FormatSize(minWALCapacity))
			}
		case "iobandwidth":
			w.IOBandwidth, err = ParseSize(value)
		case "iops":
			w.IOPS, err = parseCount(value, 1<<30)
		case "iodepth":
			w.IODepth, err = parseCount(value, 1024)
		case "fence":
			w.FenceKind = FenceKind(value)
			if w.FenceKind != FenceExclusive && w.FenceKind != FenceShared && w.FenceKind != FenceReservation {
				err = errors.New("must be exclusive, shared or reservation")
			}
		case "buffered":
			v, ok := parseBool(value)
			if w.AllowBuffered = v; !ok {
				err = errors.New("must be true or false")
			}
		default:
			err = errors.New("is no parameter of a WAL: known are capacity, iops, iobandwidth, iodepth, fence, buffered")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// URL is w as s3.wal.path would spell it.
func (w WAL) URL() string {
	q := url.Values{}
	if w.CapacityBytes > 0 {
		q.Set("capacity", FormatSize(w.CapacityBytes))
	}
	if w.IOPS > 0 {
		q.Set("iops", strconv.Itoa(w.IOPS))
	}
	if w.IOBandwidth > 0 {
		q.Set("iobandwidth", FormatSize(w.IOBandwidth))
	}
	if w.IODepth != defaultIODepth {
		q.Set("iodepth", strconv.Itoa(w.IODepth))
	}
	if w.FenceKind != FenceExclusive {
		q.Set("fence", string(w.FenceKind))
	}
	if w.AllowBuffered {
		q.Set("buffered", "true")
	}
	u := url.URL{Scheme: string(w.Kind), Path: w.Path, RawQuery: q.Encode()}
	return "0@" + u.Scheme + "://" + strings.TrimPrefix(u.String(), u.Scheme+"://")
}

func checkWALURL(value string) error {
	_, err := ParseWALPath(value)
	return err
}

// parseNumberedURL reads N@scheme://…, where N numbers the volume or bucket.
// Only number 0 is in use.
func parseNumberedURL(value string) (*url.URL, error) {
	number, rest, found := strings.Cut(value, "@")
	if !found {
		return nil, errors.New("must be 0@scheme://…, for example 0@file:///path")
	}
	if number != "0" {
		return nil, fmt.Errorf("must begin with 0@: there is only number 0, not %q", number)
	}
	u, err := url.Parse(rest)
	if err != nil {
		return nil, fmt.Errorf("is no URL: %w", err)
	}
	return u, nil
}

func parseCount(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("must be a whole number between 1 and %d", most)
	}
	return n, nil
}
