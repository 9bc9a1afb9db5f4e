package storeurl

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
)

// Location is a URL taken apart.
type Location struct {
	BucketID int
	Prefix   string      // folder in the store, without a slash at its end; may be empty
	Dir      string      // of a file store: absolute; empty for S3
	S3       *s3.Options // of an S3 store; nil for a directory
}

// String is the location for logs and messages.
func (l Location) String() string {
	s := "file://" + l.Dir
	if l.S3 != nil {
		s = "s3://" + l.S3.Bucket
	}
	if l.Prefix != "" {
		s += "/" + l.Prefix
	}
	return s
}

// setter takes over one parameter's value.
type setter func(l *Location, value string) error

var commonParams = map[string]setter{
	"prefix": func(l *Location, v string) error {
		l.Prefix = strings.TrimSuffix(v, "/")
		return objstore.CheckKey(l.Prefix)
	},
}

var s3Params = map[string]setter{
	"region":   func(l *Location, v string) error { l.S3.Region = v; return nil },
	"endpoint": func(l *Location, v string) error { l.S3.Endpoint = v; return nil },
	"pathStyle": func(l *Location, v string) (err error) {
		if l.S3.PathStyle, err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("want true or false")
		}
		return nil
	},
	"checksumAlgorithm": func(l *Location, v string) error {
		modes := map[string]s3.ChecksumMode{"auto": s3.ChecksumAuto, "crc32c": s3.ChecksumOn, "none": s3.ChecksumOff}
		mode, ok := modes[strings.ToLower(v)]
		if !ok {
			return fmt.Errorf("want auto (on AWS only), crc32c or none")
		}
		l.S3.Checksum = mode
		return nil
	},
}

// Parse takes a URL apart. An error names what is wrong and what is possible.
func Parse(raw string) (Location, error) {
	l, err := parse(raw)
	if err != nil {
		return Location{}, fmt.Errorf("object store %q: %w", withoutQuery(raw), err)
	}
	return l, nil
}

func parse(raw string) (Location, error) {
	var l Location
	if strings.Contains(raw, ",") {
		return l, fmt.Errorf("it names several: this version uses one bucket")
	}
	rest := raw
	if id, after, ok := strings.Cut(raw, "@"); ok && !strings.Contains(id, "/") {
		n, err := strconv.ParseUint(id, 10, 15)
		if err != nil {
			return l, fmt.Errorf("bucket id %q before the @ is not a small number", id)
		}
		l.BucketID, rest = int(n), after
	}
	u, err := url.Parse(rest)
	if err != nil {
		return l, fmt.Errorf("not a URL: want s3://bucket?… or file:///path")
	}
	if u.User != nil {
		return l, noCredentials("user information")
	}
	params := maps.Clone(commonParams)
	switch u.Scheme {
	case "s3":
		if u.Host == "" {
			return l, fmt.Errorf("it names no bucket: want s3://bucket")
		}
		l.S3 = &s3.Options{Bucket: u.Host}
		maps.Copy(params, s3Params)
		if folder := strings.Trim(u.Path, "/"); folder != "" {
			if err := commonParams["prefix"](&l, folder); err != nil {
				return l, fmt.Errorf("folder %s: %w", folder, err)
			}
			params["prefix"] = func(*Location, string) error {
				return fmt.Errorf("the folder stands after the bucket already")
			}
		}
	case "file":
		if u.Host != "" || !filepath.IsAbs(u.Path) || filepath.Clean(u.Path) == "/" {
			return l, fmt.Errorf("want an absolute path after three slashes: file:///path")
		}
		l.Dir = filepath.Clean(u.Path)
	default:
		return l, fmt.Errorf("scheme %q: want s3://bucket?… or file:///path", u.Scheme)
	}
	return l, l.setParams(u.RawQuery, params)
}

func (l *Location) setParams(query string, params map[string]setter) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("parameters after the question mark: want name=value&…")
	}
	known := strings.Join(slices.Sorted(maps.Keys(params)), ", ")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		set, ok := params[name]
		switch {
		case !ok && looksSecret(name):
			return noCredentials("parameter " + name)
		case !ok:
			return fmt.Errorf("unknown parameter %q; known are %s", name, known)
		case len(values[name]) > 1:
			return fmt.Errorf("parameter %s stands there %d times", name, len(values[name]))
		}
		if err := set(l, values[name][0]); err != nil {
			return fmt.Errorf("parameter %s=%s: %w", name, values[name][0], err)
		}
	}
	return nil
}

func looksSecret(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "key") || strings.Contains(name, "secret") || strings.Contains(name, "token") || strings.Contains(name, "auth")
}

func noCredentials(where string) error {
	return fmt.Errorf("%s: credentials do not belong into the URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role", where)
}

// withoutQuery is a URL fit for a message, should there be a secret in it.
func withoutQuery(raw string) string {
	raw, _, _ = strings.Cut(raw, "?")
	if scheme, rest, ok := strings.Cut(raw, "://"); ok {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			return scheme + "://…@" + rest[i+1:]
		}
	}
	return raw
}
