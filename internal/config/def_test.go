package config

import (
	"slices"
	"strings"
	"testing"
)

// kafkaTopicConfigs are the topic properties of Apache Kafka 4.4.
var kafkaTopicConfigs = []string{
	"cleanup.policy", "compression.gzip.level", "compression.lz4.level", "compression.type", "compression.zstd.level",
	"delete.retention.ms", "file.delete.delay.ms", "flush.messages", "flush.ms",
	"follower.replication.throttled.replicas", "index.interval.bytes", "leader.replication.throttled.replicas",
	"local.retention.bytes", "local.retention.ms", "max.compaction.lag.ms", "max.message.bytes",
	"message.timestamp.after.max.ms", "message.timestamp.before.max.ms", "message.timestamp.type",
	"min.cleanable.dirty.ratio", "min.compaction.lag.ms", "min.insync.replicas", "preallocate",
	"remote.copy.lag.bytes", "remote.copy.lag.ms", "remote.log.copy.disable", "remote.log.delete.on.disable",
	"remote.storage.enable", "retention.bytes", "retention.ms", "segment.bytes", "segment.index.bytes",
	"segment.jitter.ms", "segment.ms", "unclean.leader.election.enable",
}

func TestRegistryIsSound(t *testing.T) {
	for _, d := range All(Broker | PerTopic) {
		if d.Type == 0 || d.Doc == "" {
			t.Errorf("%s lacks a type or a meaning", d.Name)
		}
		if d.Default != "" {
			if err := d.Check(d.Default); err != nil {
				t.Errorf("%s: its own default %q %v", d.Name, d.Default, err)
			}
		}
		if d.Inert != strings.HasSuffix(d.Doc, inertNote) {
			t.Errorf("%s: Inert is %v, its Doc says %q", d.Name, d.Inert, d.Doc)
		}
		if d.Scope == PerTopic && d.Update != ReadOnly {
			t.Errorf("%s has an update mode but is no broker property", d.Name)
		}
		for _, syn := range d.Synonyms {
			s, ok := Lookup(syn.Name)
			if !ok || s.Scope&Broker == 0 || syn.Scale < 1 {
				t.Errorf("%s: synonym %+v is no broker property", d.Name, syn)
			}
		}
	}
}

// TestTopicDefaultsAgree shows that a topic and its broker synonym tell the
// same default, so that it does not matter which of the two one asks.
func TestTopicDefaultsAgree(t *testing.T) {
	for _, d := range All(PerTopic) {
		if len(d.Synonyms) == 0 {
			continue
		}
		own := d.Default
		derived := *d
		derived.Default = ""
		if fromBroker, _ := derived.defaultValue(); fromBroker != own {
			t.Errorf("%s has the default %q, its broker synonyms %q", d.Name, own, fromBroker)
		}
	}
}

func TestEveryKafkaTopicConfigIsKnown(t *testing.T) {
	for _, name := range kafkaTopicConfigs {
		d, ok := LookupTopic(name)
		if !ok {
			t.Errorf("%s is not known", name)
			continue
		}
		if err := ValidateTopicConfig(name, d.Default); err != nil {
			t.Error(err)
		}
	}
	for _, d := range All(PerTopic) {
		if !slices.Contains(kafkaTopicConfigs, d.Name) && d.Name != "diskless.enable" {
			t.Errorf("%s is neither Kafka's nor known to be ours", d.Name)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{ // want "" accepts
		{"auto.create.topics.enable", "TRUE", ""},
		{"auto.create.topics.enable", "yes", "must be true or false"},
		{"num.partitions", " 3 ", ""},
		{"num.partitions", "", "whole number"},
		{"num.partitions", "0", "at least 1"},
		{"num.partitions", "3000000000", "32 bits"},
		{"retention.ms", "-1", ""},
		{"retention.ms", "-2", "at least -1"},
		{"retention.ms", "9223372036854775807", ""},
		{"retention.ms", "9223372036854775808", "64 bits"},
		{"log.retention.ms", "", "whole number"},
		{"min.cleanable.dirty.ratio", "0.7", ""},
		{"min.cleanable.dirty.ratio", "1.5", "between 0 and 1"},
		{"min.cleanable.dirty.ratio", "some", "a number"},
		{"cleanup.policy", "compact, delete", ""},
		{"cleanup.policy", "", ""},
		{"cleanup.policy", "compact,compact", "different ones"},
		{"cleanup.policy", "shred", "compact, delete"},
		{"process.roles", "", "must not be empty"},
		{"message.timestamp.type", "createtime", "CreateTime, LogAppendTime"},
		{"compression.gzip.level", "-1", ""},
		{"compression.gzip.level", "0", "between 1 and 9"},
		{"leader.replication.throttled.replicas", "", ""},
		{"leader.replication.throttled.replicas", "*", ""},
		{"leader.replication.throttled.replicas", "0:1,3:2", ""},
		{"leader.replication.throttled.replicas", "0:a", "partition:broker"},
		{"diskless.enable", "false", ""},
		{"diskless.enable", "true", ""},
		{"diskless.enable", "maybe", "true or false"},
		{"admin.listener", "", ""},
		{"admin.listener", "localhost", "host:port"},
		{"s3.wal.path", "", ""},
	} {
		err := mustDef(c.name).Check(c.value)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s=%q was refused: %v", c.name, c.value, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s=%q: %v, want %q", c.name, c.value, err, c.want)
		}
	}
}
