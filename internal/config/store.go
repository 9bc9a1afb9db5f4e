package config

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Store says which object store holds the log. Its URL has the form
// 0@s3://bucket?… or 0@file:///path; what may stand behind the question mark is
// the matter of s3stream/objstore/storeurl, which opens it. Credentials are not
// part of it: the S3 client finds them by its own chain.
type Store struct {
	URL string
	// BandwidthMax is what uploads and reads of history may move together, in
	// bytes a second; zero or less is without a bound.
	BandwidthMax int64
}

// checkStoreURL checks what does not depend on the kinds of stores there are:
// the number, the scheme, and that something is named.
func checkStoreURL(value string) error {
	if strings.Contains(value, ",") {
		return errors.New("names several buckets: this version uses one")
	}
	u, err := parseNumberedURL(value)
	switch {
	case err != nil:
		return err
	case u.Scheme == "s3" && u.Host == "":
		return errors.New("names no bucket: write 0@s3://bucket")
	case u.Scheme == "file" && u.Host != "":
		return fmt.Errorf("%q would be a host: write three slashes, file:///%s%s", u.Host, u.Host, u.Path)
	case u.Scheme == "file" && (u.Path == "" || u.Path == "/" || u.Path != path.Clean(u.Path)):
		return fmt.Errorf("%q must be the absolute path of a directory", u.Path)
	case u.Scheme != "s3" && u.Scheme != "file":
		return fmt.Errorf("%q is no kind of store: use 0@s3://bucket or 0@file:///path", u.Scheme)
	}
	return nil
}
