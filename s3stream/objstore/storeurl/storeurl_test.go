package storeurl

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seawallmq/seawall/internal/clock"
	"github.com/seawallmq/seawall/internal/testsrv"
	"github.com/seawallmq/seawall/s3stream/objstore"
	"github.com/seawallmq/seawall/s3stream/objstore/s3"
	"github.com/seawallmq/seawall/s3stream/objstore/storetest"
)

func TestParse(t *testing.T) {
	for raw, want := range map[string]Location{
		"0@file:///var/lib/sea": {Dir: "/var/lib/sea"},
		"file:///a/../b/":       {Dir: "/b"},
		"file:///a?prefix=x/y/": {Dir: "/a", Prefix: "x/y"},
		"file:///a@b":           {Dir: "/a@b"},
		"s3://bucket":           {S3: &s3.Options{Bucket: "bucket"}},
		"0@s3://bucket/a/b/":    {Prefix: "a/b", S3: &s3.Options{Bucket: "bucket"}},
		"3@s3://b?region=eu-west-1&endpoint=http://127.0.0.1:9000&pathStyle=true&prefix=cluster-1": {BucketID: 3, Prefix: "cluster-1",
			S3: &s3.Options{Bucket: "b", Region: "eu-west-1", Endpoint: "http://127.0.0.1:9000", PathStyle: true}},
		"s3://b?checksumAlgorithm=CRC32C": {S3: &s3.Options{Bucket: "b", Checksum: s3.ChecksumOn}},
		"s3://b?checksumAlgorithm=none":   {S3: &s3.Options{Bucket: "b", Checksum: s3.ChecksumOff}},
	} {
		got, err := Parse(raw)
		if err != nil {
			t.Errorf("Parse(%s): %v", raw, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Parse(%s): %s", raw, diff)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for raw, says := range map[string]string{
		"":                            `scheme ""`,
		"gs://bucket":                 `scheme "gs": want s3://bucket`,
		"/var/lib/sea":                "want s3://bucket?… or file:///path",
		"x@s3://bucket":               `bucket id "x"`,
		"-1@s3://bucket":              `bucket id "-1"`,
		"s3://":                       "want s3://bucket",
		"s3://b/folder?prefix=other":  "the folder stands after the bucket already",
		"0@s3://a,1@s3://b":           "one bucket",
		"s3://b/a//b":                 "folder a//b",
		"file://relative/path":        "three slashes",
		"file:///":                    "three slashes",
		"s3://b?regoin=x":             `unknown parameter "regoin"; known are checksumAlgorithm, endpoint, pathStyle, prefix, region`,
		"file:///a?region=x":          `unknown parameter "region"; known are prefix`,
		"s3://b?region=x&region=y":    "region stands there 2 times",
		"s3://b?pathStyle=perhaps":    "want true or false",
		"s3://b?checksumAlgorithm=x":  "want auto",
		"s3://b?prefix=../x":          "prefix=../x",
		"s3://b?accessKey=A":          "credentials do not belong into the URL",
		"s3://b?secretKey=TOPSECRET":  "credentials do not belong into the URL",
		"s3://key:TOPSECRET@bucket":   "credentials do not belong into the URL",
		"0@s3://key:TOPSECRET@bucket": "credentials do not belong into the URL",
		"s3://b?a;b":                  "name=value",
	} {
		_, err := Parse(raw)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Parse(%s) = %v, want an error that says %q", raw, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "TOPSECRET") {
			t.Errorf("Parse(%s) gives the secret away: %v", raw, err)
		}
	}
}

func deps() Deps { return Deps{Clock: clock.Wall(), Rand: rand.Int64N} }

// use opens a store by URL and probes it.
func use(t *testing.T, url string) {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, url, deps())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := storetest.Probe(ctx, s, "probe")
	if err != nil {
		t.Fatal(err)
	}
	if want := (storetest.Capabilities{PutIfAbsent: true, Multipart: true, CompleteIfAbsent: true}); got != want {
		t.Errorf("%s can do %v, want all", url, got)
	}
	if err := s.Put(ctx, "k", objstore.NewBody([]byte("x")), objstore.PutOptions{}); err != nil {
		t.Error(err)
	}
}

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	use(t, "0@file://"+dir+"/sea?prefix=folder")
	if _, err := os.Stat(filepath.Join(dir, "sea", "folder", "k")); err != nil {
		t.Error(err)
	}
	inTheWay := filepath.Join(dir, "file")
	if err := os.WriteFile(inTheWay, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), "file://"+inTheWay, deps()); err == nil || !strings.Contains(err.Error(), inTheWay) {
		t.Errorf("Open of a file = %v, want an error that names it", err)
	}
}

func TestOpenS3(t *testing.T) {
	// Nothing of the machine's own profiles: only the environment counts.
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	ctx := context.Background()
	for url, says := range map[string]string{
		"s3://bucket":                                  "no region",
		"s3://bucket?region=eu-west-1":                 "no credentials",
		"s3://bucket?endpoint=127.0.0.1:9000&region=x": "not a URL like https://host:port",
	} {
		if _, err := Open(ctx, url, deps()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Open(%s) = %v, want an error that says %q", url, err, says)
		}
	}

	server := testsrv.StartS3(t)
	server.NewBucket(t, "sea")
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	url := "0@s3://sea?pathStyle=true&prefix=folder&endpoint=" + server.Endpoint
	use(t, url)
	use(t, url+"&checksumAlgorithm=crc32c")

	s, err := Open(ctx, strings.Replace(url, "sea", "missing", 1), deps())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Probe(ctx, s, "probe"); err == nil || objstore.Retriable(err) || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("Probe of a missing bucket = %v", err)
	}
}
