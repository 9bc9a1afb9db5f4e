package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/seawallmq/seawall/conformance/proc"
)

func TestPropertiesNameOneWAL(t *testing.T) {
	for _, test := range []struct {
		direct, diskless, frequent bool
		want                       string // among the properties
	}{
		{want: "s3.wal.path=0@file:///d/data/seawall.wal?capacity=64MiB"},
		{direct: true, want: "s3.wal.path=0@s3://?batchInterval=" + gatherMs},
		{direct: true, frequent: true, want: "s3.wal.path=0@s3://?batchInterval=" + gatherFrequentMs},
		{diskless: true, want: "diskless.append.commit.interval.ms=" + gatherMs},
		{diskless: true, want: "s3.wal.path=0@file:///d/data/seawall.wal?capacity=64MiB"},
		{diskless: true, frequent: true, want: "diskless.append.commit.interval.ms=" + gatherFrequentMs},
	} {
		k := &killer{
			settings: settings{direct: test.direct, diskless: test.diskless, walBytes: "64MiB", frequent: frequentUploads},
			broker:   &proc.Broker{Dir: "/d"},
		}
		list := k.properties(test.frequent)
		if !slices.Contains(list, test.want) {
			t.Errorf("%+v: %q", test, list)
		}
		wals := slices.DeleteFunc(slices.Clone(list), func(p string) bool { return !strings.HasPrefix(p, "s3.wal.path=") })
		if len(wals) != 1 || slices.Contains(list, strings.Fields(frequentUploads)[0]) != test.frequent {
			t.Errorf("%+v: %q", test, list)
		}
	}
}
