package config

import (
	"net/url"
	"path"
	"strings"
)

// devWALCapacity is small, so that a trial does not fill a laptop.
const devWALCapacity = 1 << 30

// DevDefaults is the profile of `seawall dev`, for [Sources].Defaults: one node
// with everything in dir, which must be absolute. listen and admin are
// host:port; admin may be empty for none. store is a URL as in
// s3.data.buckets, with or without its number; empty is a directory in dir.
func DevDefaults(dir, listen, admin, store string) map[string]string {
	switch {
	case store == "":
		store = "0@" + (&url.URL{Scheme: "file", Path: path.Join(dir, "objects")}).String()
	case !strings.HasPrefix(store, "0@"):
		store = "0@" + store
	}
	wal := WAL{Kind: WALFile, Path: path.Join(dir, walFileName), CapacityBytes: devWALCapacity,
		IODepth: defaultIODepth, FenceKind: FenceExclusive}
	return map[string]string{
		"node.id":                          "1",
		"listeners":                        "PLAINTEXT://" + listen,
		"admin.listener":                   admin,
		"log.dirs":                         dir,
		"s3.data.buckets":                  store,
		"s3.wal.path":                      wal.URL(),
		"group.initial.rebalance.delay.ms": "0",
	}
}
