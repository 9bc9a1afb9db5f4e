package config

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolveTopic(t *testing.T) {
	base := load(t, Sources{File: []byte(minimal)})
	got, err := ResolveTopic(base, nil)
	want := Topic{
		Delete: true, RetentionMs: 7 * 24 * hourMs, RetentionBytes: -1, MaxMessageBytes: 1048588,
		TimestampBeforeMaxMs: math.MaxInt64, TimestampAfterMaxMs: 3600000,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("defaults: %v (-want +got):\n%s", err, diff)
	}

	got, err = ResolveTopic(base, map[string]string{
		"cleanup.policy": "compact", "retention.ms": "5", "retention.bytes": "6", "max.message.bytes": "7",
		"message.timestamp.type": "LogAppendTime", "min.insync.replicas": "2", "compression.type": "zstd",
	})
	want = Topic{
		Compact: true, RetentionMs: 5, RetentionBytes: 6, MaxMessageBytes: 7, LogAppendTime: true,
		TimestampBeforeMaxMs: math.MaxInt64, TimestampAfterMaxMs: 3600000,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("overrides: %v (-want +got):\n%s", err, diff)
	}
}

// TestRetentionSynonyms walks the ladder of units from the weakest to the
// strongest.
func TestRetentionSynonyms(t *testing.T) {
	file, overrides := minimal, map[string]string{}
	expect := func(want int64) {
		t.Helper()
		got, err := ResolveTopic(load(t, Sources{File: []byte(file)}), overrides)
		if err != nil || got.RetentionMs != want {
			t.Errorf("retention = %d, %v; want %d", got.RetentionMs, err, want)
		}
	}
	file += "log.retention.hours=2\n"
	expect(2 * 60 * 60 * 1000)
	file += "log.retention.minutes=3\n"
	expect(3 * 60 * 1000)
	file += "log.retention.ms=4\n"
	expect(4)
	overrides["retention.ms"] = "-1"
	expect(-1)

	file, overrides = minimal+"log.retention.hours=-1\n", nil
	expect(-1)
}

func TestTopicConfigErrors(t *testing.T) {
	base := load(t, Sources{File: []byte(minimal)})
	_, err := ResolveTopic(base, map[string]string{"retention.ms": "soon", "no.such": "1", "segment.bytes": "1"})
	if !errors.Is(err, ErrUnknownTopicConfig) {
		t.Errorf("%v does not tell of the unknown name", err)
	}
	for _, want := range []string{"no.such", "retention.ms=soon: must be", "segment.bytes=1: must be at least 1048576"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	_, err = ResolveTopic(base, map[string]string{"min.compaction.lag.ms": "9", "max.compaction.lag.ms": "8"})
	if err == nil || !strings.Contains(err.Error(), "is more than max.compaction.lag.ms") {
		t.Errorf("lags: %v", err)
	}
	if err := ValidateTopicConfig("num.partitions", "1"); !errors.Is(err, ErrUnknownTopicConfig) {
		t.Errorf("a broker property on a topic: %v", err)
	}
}

func entry(t *testing.T, entries []Entry, name string) Entry {
	t.Helper()
	for _, e := range entries {
		if e.Def.Name == name {
			return e
		}
	}
	t.Fatalf("no entry for %s", name)
	return Entry{}
}

func TestDescribeTopic(t *testing.T) {
	base := load(t, Sources{File: []byte(minimal + "log.retention.hours=2\nlog.retention.minutes=3\n")})
	e := entry(t, base.DescribeTopic(map[string]string{"retention.ms": "9"}), "retention.ms")
	want := []SynonymValue{
		{"retention.ms", "9", DynamicTopic},
		{"log.retention.minutes", "3", StaticBroker},
		{"log.retention.hours", "2", StaticBroker},
		{"log.retention.hours", "168", DefaultValue},
	}
	if diff := cmp.Diff(want, e.Synonyms); e.Value != "9" || e.Source != DynamicTopic || diff != "" {
		t.Errorf("overridden: %q from %d (-want +got):\n%s", e.Value, e.Source, diff)
	}
	e = entry(t, base.DescribeTopic(nil), "retention.ms")
	if diff := cmp.Diff(want[1:], e.Synonyms); e.Value != "180000" || e.Source != StaticBroker || diff != "" {
		t.Errorf("inherited: %q from %d (-want +got):\n%s", e.Value, e.Source, diff)
	}
	e = entry(t, base.DescribeTopic(nil), "cleanup.policy")
	if e.Value != "delete" || e.Source != DefaultValue || !e.HasValue {
		t.Errorf("default: %+v", e)
	}
	if got, want := len(base.DescribeTopic(nil)), len(kafkaTopicConfigs)+1; got != want {
		t.Errorf("%d topic properties, want %d", got, want)
	}
}

func TestDescribeBroker(t *testing.T) {
	base := load(t, Sources{File: []byte(minimal + "message.max.bytes=1000\n")})
	entries := base.DescribeBroker()
	if e := entry(t, entries, "log.retention.ms"); e.Source != DefaultValue || e.Value != "604800000" {
		t.Errorf("log.retention.ms: %+v", e)
	}
	if e := entry(t, entries, "broker.id"); e.HasValue {
		t.Errorf("broker.id has the value %q", e.Value)
	}

	dynamic, err := base.WithDynamic(map[string]string{"message.max.bytes": "2000", "log.retention.ms": "1"}, map[string]string{"message.max.bytes": "3000"})
	if err != nil {
		t.Fatal(err)
	}
	e := entry(t, dynamic.DescribeBroker(), "message.max.bytes")
	want := []SynonymValue{
		{"message.max.bytes", "3000", DynamicBroker},
		{"message.max.bytes", "2000", DynamicDefaultBroker},
		{"message.max.bytes", "1000", StaticBroker},
		{"message.max.bytes", "1048588", DefaultValue},
	}
	if diff := cmp.Diff(want, e.Synonyms); e.Value != "3000" || diff != "" {
		t.Errorf("dynamic: %q (-want +got):\n%s", e.Value, diff)
	}
	topic, err := ResolveTopic(dynamic, nil)
	if err != nil || topic.MaxMessageBytes != 3000 || topic.RetentionMs != 1 {
		t.Errorf("a topic gets %+v, %v", topic, err)
	}
	if got, _ := base.Raw("message.max.bytes"); got != "1000" {
		t.Errorf("WithDynamic changed its receiver: %s", got)
	}
	// Taking the dynamic values away again leaves the static one.
	again, err := dynamic.WithDynamic(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := again.Raw("message.max.bytes"); got != "1000" {
		t.Errorf("after removal: %s", got)
	}
	if _, err := base.WithDynamic(map[string]string{"message.max.bytes": "200000000"}, nil); err == nil {
		t.Error("a batch larger than a request was accepted")
	}
}

func TestValidateBrokerConfig(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"message.max.bytes", "1", ""},
		{"message.max.bytes", "-1", "at least 0"},
		{"num.partitions", "3", "cannot update these configs dynamically"},
		{"retention.ms", "3", "unknown broker config name"},
		{"min.insync.replicas", "2", ""},
	} {
		err := ValidateBrokerConfig(c.name, c.value, true)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s=%s: %v, want %q", c.name, c.value, err, c.want)
		}
	}
}
