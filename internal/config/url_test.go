package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseWALPath(t *testing.T) {
	for _, c := range []struct {
		value string
		want  WAL
	}{
		{"0@file:///var/wal", WAL{Kind: WALFile, Path: "/var/wal", CapacityBytes: 10 << 30, IODepth: 8, FenceKind: FenceExclusive}},
		{"0@file:///a%20b?capacity=1073741824&iops=3000&iobandwidth=125MiB&iodepth=4&fence=shared&buffered=true",
			WAL{Kind: WALFile, Path: "/a b", CapacityBytes: 1 << 30, IOPS: 3000, IOBandwidth: 125 << 20, IODepth: 4, FenceKind: FenceShared, AllowBuffered: true}},
		{"0@block:///dev/nvme1n1", WAL{Kind: WALBlock, Path: "/dev/nvme1n1", IODepth: 8, FenceKind: FenceExclusive}},
		{"0@block:///dev/disk/by-id/x?fence=reservation", WAL{Kind: WALBlock, Path: "/dev/disk/by-id/x", IODepth: 8, FenceKind: FenceReservation}},
	} {
		got, err := ParseWALPath(c.value)
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.value, diff)
		}
		again, err := ParseWALPath(got.URL())
		if err != nil || again != got {
			t.Errorf("%s: its URL %s reads as %+v, %v", c.value, got.URL(), again, err)
		}
	}
	for value, want := range map[string]string{
		"":                              "must be 0@scheme://",
		"file:///w":                     "must be 0@scheme://",
		"1@file:///w":                   "only number 0",
		"0@s3://b?batchInterval=2m&x=1": "batchInterval: must be milliseconds, or a duration such as 250ms, between 1ms and 1m0s\nx: is no parameter of 0@s3://",
		"0@s3://b/x?maxBytesInBatch=1":  "lies where s3.data.buckets says\nmaxBytesInBatch: must be between 64KiB and 256MiB",
		"0@nfs:///w":                    "no kind of WAL",
		"0@file://w/x":                  "write three slashes, file:///w/x",
		"0@file:///":                    "absolute path",
		"0@file:w":                      "absolute path",
		"0@file:///a/../b":              "absolute path",
		"0@file:///w?capacity=1MiB":     "capacity: must be at least 16MiB",
		"0@file:///w?capacity=x":        "capacity: \"x\" is no size",
		"0@file:///w?iops=0&iodepth=-1": "iodepth: must be a whole number between 1 and 1024\niops: must be",
		"0@file:///w?fence=none":        "fence: must be exclusive, shared or reservation",
		"0@file:///w?size=1":            "size: is no parameter",
		"0@block:///dev/x?fence=shared": "fence=shared needs a file",
		// every fault at once
		"0@file:///w?fence=reservation&iops=x":             "between 1 and 1073741824\nfence=reservation needs a raw device",
		"0@block:///dev/x?fence=reservation&buffered=true": "does not go with buffered=true",
	} {
		if _, err := ParseWALPath(value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
}

func TestStoreURL(t *testing.T) {
	for value, want := range map[string]string{ // want "" accepts
		"0@file:///srv/sea":              "",
		"0@s3://sea?region=eu-central-1": "",
		"0@s3://a,0@s3://b":              "several buckets",
		"s3://sea":                       "must be 0@scheme://",
		"0@s3://":                        "names no bucket",
		"0@gs://b":                       "no kind of store",
		"0@file://srv/sea":               "three slashes, file:///srv/sea",
		"0@file:///":                     "absolute path",
	} {
		err := checkStoreURL(value)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "4KiB": 4096, "10GiB": 10 << 30, "2TiB": 2 << 40, "125MiB": 125 << 20} {
		if got, err := ParseSize(text); err != nil || got != want || FormatSize(got) != text {
			t.Errorf("ParseSize(%s) = %d, %v; FormatSize = %s", text, got, err, FormatSize(got))
		}
	}
	for _, text := range []string{"", "KiB", "-1", "0", "1.5GiB", "1KB", "9223372036854775808", "9000000000TiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
}

func TestListenersAndVoters(t *testing.T) {
	protocols := map[string]string{"PLAINTEXT": "PLAINTEXT", "INSIDE": "PLAINTEXT"}
	got, err := parseListeners("plaintext://[::1]:9092, INSIDE://:0", protocols)
	want := []Listener{{"PLAINTEXT", "PLAINTEXT", "::1", 9092}, {"INSIDE", "PLAINTEXT", "", 0}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("listeners = %v, %v", got, err)
	}
	if got[0].String() != "PLAINTEXT://[::1]:9092" || got[0].Wildcard() || !got[1].Wildcard() {
		t.Errorf("listeners read back as %s, %s", got[0], got[1])
	}
	for value, want := range map[string]string{
		"9092": "NAME://host:port", "PLAINTEXT://h": "host:port", "PLAINTEXT://h:x": "no port",
		"PLAINTEXT://h:70000": "no port", "INSIDE://:1,inside://:2": "twice",
	} {
		if _, err := parseListeners(value, protocols); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
	voters, err := parseVoters("1@a:9093,2@[::1]:9093")
	if err != nil || len(voters) != 2 || voters[1].String() != "2@[::1]:9093" {
		t.Errorf("voters = %v, %v", voters, err)
	}
	for _, value := range []string{"a:1", "x@a:1", "-1@a:1", "1@a", "1@a:1,1@b:2"} {
		if _, err := parseVoters(value); err == nil {
			t.Errorf("voters %q were accepted", value)
		}
	}
}

func TestWALLocations(t *testing.T) {
	w, err := ParseWALPath("0@file:///shared/wal/n1?fence=shared&capacity=1GiB")
	if err != nil || w.Location() != "file:///shared/wal/n1" {
		t.Fatalf("location %q, %v", w.Location(), err)
	}
	if kind, file, err := ParseWALLocation(w.Location()); kind != WALFile || file != "/shared/wal/n1" || err != nil {
		t.Errorf("read as %q, %q, %v", kind, file, err)
	}
	for _, bad := range []string{"", "/w", "s3:///w", "file://w", "file:///a/../w"} {
		if _, _, err := ParseWALLocation(bad); err == nil {
			t.Errorf("%q is taken for a location", bad)
		}
	}
	for value, want := range map[string]string{
		"file:///shared": "file:///shared/", "file:///shared/": "file:///shared/", "block:///dev/nvme": "block:///dev/nvme",
	} {
		if got, err := rescuePrefix(value); got != want || err != nil {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
}
