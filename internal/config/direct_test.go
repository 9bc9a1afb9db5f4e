package config

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// loadWith is the configuration of a node with these lines.
func loadWith(lines ...string) (*Config, error) {
	c, _, err := Load(Sources{File: []byte(strings.Join(append([]string{"node.id=1", "log.dirs=/d", "listeners=PLAINTEXT://127.0.0.1:9092"}, lines...), "\n"))})
	return c, err
}

func TestAWALOfNoneMakesEveryTopicDiskless(t *testing.T) {
	const data = "s3.data.buckets=0@s3://sea?region=eu-west-1"
	c, err := loadWith(data, "diskless.append.buffer.max.bytes=1048576", "s3.wal.path=0@s3://sea?batchInterval=50&maxInflightUploadCount=3")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Direct{50 * time.Millisecond, 1 << 20, 3}); c.Direct != want || c.WAL.Kind != WALObjects {
		t.Errorf("%+v on %q, want %+v", c.Direct, c.WAL.Kind, want)
	}
	if topic, err := ResolveTopic(c, nil); err != nil || !topic.Diskless {
		t.Errorf("%+v, %v", topic, err)
	}
	// A topic that brokers with a WAL had keeps its other values here.
	topic, err := ResolveTopic(c, map[string]string{"diskless.enable": "false", "retention.ms": "-1"})
	if err != nil || !topic.Diskless || topic.RetentionMs != -1 {
		t.Errorf("a topic of brokers with a WAL: %+v, %v", topic, err)
	}
	var fault Fault
	if _, err := ValidateTopic(c, map[string]string{"diskless.enable": "False"}); !errors.As(err, &fault) || fault.Property != "diskless.enable" {
		t.Errorf("asked for a WAL where there is none: %v", err)
	}
	if topic, err := ValidateTopic(c, map[string]string{"diskless.enable": "TRUE"}); err != nil || !topic.Diskless {
		t.Errorf("asked for what there is: %+v, %v", topic, err)
	}
	if _, err := loadWith(data, "s3.wal.path=0@s3://lake"); err == nil || !strings.Contains(err.Error(), "another bucket") {
		t.Errorf("another bucket: %v", err)
	}
	if _, err := loadWith("s3.data.buckets=0@file:///objects", "s3.wal.path=0@s3://"); err != nil {
		t.Errorf("a directory for a bucket: %v", err)
	}
}

func TestDisklessBesideAWAL(t *testing.T) {
	c, err := loadWith("s3.data.buckets=0@file:///objects")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Direct{250 * time.Millisecond, 8 << 20, 8}); c.Direct != want {
		t.Errorf("%+v, want %+v", c.Direct, want)
	}
	for value, want := range map[string]bool{"": false, "false": false, "true": true, "TRUE": true} {
		overrides := map[string]string{}
		if value != "" {
			overrides["diskless.enable"] = value
		}
		if topic, err := ValidateTopic(c, overrides); err != nil || topic.Diskless != want {
			t.Errorf("diskless.enable=%q: %+v, %v", value, topic, err)
		}
	}
}
