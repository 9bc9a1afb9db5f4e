package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// StoreKind is what holds the objects.
type StoreKind string

// The kinds of object store.
const (
	StoreS3   StoreKind = "s3"
	StoreFile StoreKind = "file"
)

// Store says which object store holds the log. Credentials are not part of it:
// the S3 client finds them by its own chain.
type Store struct {
	URL       string // as configured, with its number
	Kind      StoreKind
	Path      string // of a file store: its directory, absolute
	Bucket    string // of an S3 store
	Prefix    string // of an S3 store: before every key; without slashes at the ends, may be ""
	Region    string // "" leaves it to the S3 client's chain
	Endpoint  string // "" is AWS; else a URL with scheme and host
	PathStyle bool   // bucket in the path instead of the host name
}

// ParseStore reads the value of s3.data.buckets, for example
// "0@s3://bucket/prefix?region=eu-central-1" or "0@file:///path".
func ParseStore(value string) (Store, error) {
	if strings.Contains(value, ",") {
		return Store{}, errors.New("names several buckets: this version uses one")
	}
	u, err := parseNumberedURL(value)
	if err != nil {
		return Store{}, err
	}
	s := Store{URL: value, Kind: StoreKind(u.Scheme)}
	switch {
	case s.Kind == StoreFile && u.Host != "":
		return Store{}, fmt.Errorf("%q would be a host: write three slashes, file:///%s%s", u.Host, u.Host, u.Path)
	case s.Kind == StoreFile && (u.Path == "" || u.Path == "/" || u.Path != path.Clean(u.Path)):
		return Store{}, fmt.Errorf("%q must be the absolute path of a directory", u.Path)
	case s.Kind == StoreFile:
		s.Path = u.Path
	case s.Kind == StoreS3 && u.Host == "":
		return Store{}, errors.New("names no bucket: write 0@s3://bucket")
	case s.Kind == StoreS3:
		s.Bucket, s.Prefix = u.Host, strings.Trim(u.Path, "/")
	default:
		return Store{}, fmt.Errorf("%q is no kind of store: use 0@s3://bucket or 0@file:///path", u.Scheme)
	}
	if err := s.applyParameters(u.Query()); err != nil {
		return Store{}, err
	}
	return s, nil
}

// applyParameters reads what stands behind the question mark.
func (s *Store) applyParameters(parameters url.Values) error {
	var errs []error
	for _, name := range sortedKeys(parameters) {
		value := parameters.Get(name)
		var err error
		switch {
		case s.Kind == StoreFile:
			err = errors.New("a directory has no parameters")
		case name == "region":
			s.Region = value
		case name == "endpoint":
			s.Endpoint = value
			if e, perr := url.Parse(value); perr != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" {
				err = errors.New("must be http://host:port or https://host:port")
			}
		case name == "pathStyle":
			v, ok := parseBool(value)
			if s.PathStyle = v; !ok {
				err = errors.New("must be true or false")
			}
		default:
			err = errors.New("is no parameter of a store: known are region, endpoint, pathStyle")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func checkStoreURL(value string) error {
	_, err := ParseStore(value)
	return err
}
