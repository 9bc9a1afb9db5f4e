package broker

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/internal/config"
	"github.com/seawallmq/seawall/kraftmeta/image"
)

// Resource types, short.
const (
	rtTopic  = kmsg.ConfigResourceTypeTopic
	rtBroker = kmsg.ConfigResourceTypeBroker
)

func describe(b *testBroker, version int16, kind kmsg.ConfigResourceType, name string, keys ...string) kmsg.DescribeConfigsResponseResource {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Version, req.IncludeSynonyms, req.IncludeDocumentation = version, true, true
	req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name, ConfigNames: keys}}
	return ask[*kmsg.DescribeConfigsResponse](b, req).Resources[0]
}

// value is a property's value on a resource, "null" when it has none.
func value(b *testBroker, kind kmsg.ConfigResourceType, name, key string) (v string, source kmsg.ConfigSource) {
	b.t.Helper()
	r := describe(b, 4, kind, name, key)
	if r.ErrorCode != 0 || len(r.Configs) != 1 {
		b.t.Fatalf("describe %s of %s: %+v", key, name, r)
	}
	return kmsgText(r.Configs[0].Value), r.Configs[0].Source
}

type alteration struct {
	op    kmsg.IncrementalAlterConfigOp
	key   string
	value string
}

func incremental(b *testBroker, version int16, kind kmsg.ConfigResourceType, name string, ops ...alteration) kmsg.IncrementalAlterConfigsResponseResource {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Version = version
	r := kmsg.IncrementalAlterConfigsRequestResource{ResourceType: kind, ResourceName: name}
	for _, op := range ops {
		c := kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: op.key, Op: op.op}
		if op.value != "null" {
			c.Value = &op.value
		}
		r.Configs = append(r.Configs, c)
	}
	req.Resources = append(req.Resources, r)
	return ask[*kmsg.IncrementalAlterConfigsResponse](b, req).Resources[0]
}

func TestDescribeConfigsInEveryVersion(t *testing.T) {
	b := newTestBroker(t, map[string]string{"log.retention.hours": "2"})
	b.topic("t", 1)
	for v := int16(1); v <= 4; v++ {
		r := describe(b, v, rtTopic, "t")
		if r.ErrorCode != 0 || r.ResourceName != "t" || r.ResourceType != rtTopic || len(r.Configs) != len(config.All(config.PerTopic)) {
			t.Fatalf("v%d: %d settings, error %d", v, len(r.Configs), r.ErrorCode)
		}
		got := describe(b, v, rtTopic, "t", "retention.ms").Configs[0]
		if *got.Value != "7200000" || got.Source != kmsg.ConfigSourceStaticBrokerConfig || got.ReadOnly || got.IsSensitive {
			t.Errorf("v%d: %+v", v, got)
		}
		want := []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{
			{Name: "log.retention.hours", Value: kmsg.StringPtr("2"), Source: kmsg.ConfigSourceStaticBrokerConfig},
			{Name: "log.retention.hours", Value: kmsg.StringPtr("168"), Source: kmsg.ConfigSourceDefaultConfig},
		}
		if d := cmp.Diff(want, got.ConfigSynonyms, ignoreTags); d != "" {
			t.Errorf("v%d: synonyms (-want +got):\n%s", v, d)
		}
		if v >= 3 && (got.ConfigType != kmsg.ConfigTypeLong || kmsgText(got.Documentation) == "null") {
			t.Errorf("v%d: type %v, documentation %s", v, got.ConfigType, kmsgText(got.Documentation))
		}
		if id := describe(b, v, rtBroker, "1", "node.id").Configs[0]; *id.Value != "1" || !id.ReadOnly {
			t.Errorf("v%d: %+v", v, id)
		}
	}
}

func TestDescribeConfigsRefuses(t *testing.T) {
	b := newTestBroker(t, nil)
	for _, c := range []struct {
		kind kmsg.ConfigResourceType
		name string
		want int16
	}{
		{rtTopic, "none", kerr.UnknownTopicOrPartition.Code},
		{rtTopic, "a/b", kerr.InvalidTopicException.Code},
		{rtBroker, "2", kerr.InvalidRequest.Code},
		{rtBroker, "x", kerr.InvalidRequest.Code},
		{rtBroker, "", 0},
		{kmsg.ConfigResourceTypeBrokerLogger, "1", 0},
		{kmsg.ConfigResourceTypeBrokerLogger, "2", kerr.InvalidRequest.Code},
		{kmsg.ConfigResourceTypeGroupConfig, "g", 0},
		{kmsg.ConfigResourceTypeClientMetrics, "", kerr.InvalidRequest.Code},
		{99, "x", kerr.InvalidRequest.Code},
	} {
		if got := describe(b, 4, c.kind, c.name); got.ErrorCode != c.want || len(got.Configs) != 0 {
			t.Errorf("type %d %q: error %d, %d settings, want %d", c.kind, c.name, got.ErrorCode, len(got.Configs), c.want)
		}
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Version = 4
	req.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: rtBroker, ResourceName: "1"}, {ResourceType: rtBroker, ResourceName: "1"}}
	got := ask[*kmsg.DescribeConfigsResponse](b, req).Resources
	if got[0].ErrorCode != 0 || got[1].ErrorCode != kerr.InvalidRequest.Code || len(got[1].Configs) != 0 {
		t.Errorf("the same resource again: error %d, %d settings", got[1].ErrorCode, len(got[1].Configs))
	}
}

func TestIncrementalAlterConfigs(t *testing.T) {
	const set, del, add, sub = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete,
		kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract
	for v := int16(0); v <= 1; v++ {
		b := newTestBroker(t, nil)
		b.topic("t", 1)
		for _, step := range []struct {
			what string
			ops  []alteration
			want int16
			key  string
			now  string
		}{
			{"set", []alteration{{set, "retention.ms", "5"}, {set, "max.message.bytes", "77"}}, 0, "retention.ms", "5"},
			{"set again", []alteration{{set, "retention.ms", "6"}}, 0, "retention.ms", "6"},
			{"others stay", nil, 0, "max.message.bytes", "77"},
			{"delete", []alteration{{del, "retention.ms", "null"}}, 0, "retention.ms", "604800000"},
			{"delete what is not set", []alteration{{del, "retention.ms", "null"}}, 0, "retention.ms", "604800000"},
			{"append to the default", []alteration{{add, "cleanup.policy", "compact"}}, 0, "cleanup.policy", "delete,compact"},
			{"append what is there", []alteration{{add, "cleanup.policy", "compact"}}, 0, "cleanup.policy", "delete,compact"},
			{"subtract", []alteration{{sub, "cleanup.policy", "delete"}}, 0, "cleanup.policy", "compact"},
			{"append a bad element", []alteration{{add, "cleanup.policy", "burn"}}, kerr.InvalidConfig.Code, "cleanup.policy", "compact"},
			{"append to a number", []alteration{{add, "retention.ms", "1"}}, kerr.InvalidConfig.Code, "retention.ms", "604800000"},
			{"a bad value", []alteration{{set, "max.message.bytes", "5"}, {set, "retention.ms", "x"}}, kerr.InvalidConfig.Code, "max.message.bytes", "77"},
			{"an unknown name", []alteration{{set, "no.such", "5"}}, kerr.InvalidConfig.Code, "max.message.bytes", "77"},
			{"null", []alteration{{set, "retention.ms", "null"}}, kerr.InvalidRequest.Code, "retention.ms", "604800000"},
			{"twice", []alteration{{set, "retention.ms", "1"}, {del, "retention.ms", "null"}}, kerr.InvalidRequest.Code, "retention.ms", "604800000"},
			{"an unknown operation", []alteration{{4, "retention.ms", "1"}}, kerr.InvalidRequest.Code, "retention.ms", "604800000"},
			{"a negative operation", []alteration{{-1, "retention.ms", "1"}}, kerr.InvalidRequest.Code, "retention.ms", "604800000"},
		} {
			got := incremental(b, v, rtTopic, "t", step.ops...)
			if got.ErrorCode != step.want || (got.ErrorMessage != nil) != (step.want != 0) {
				t.Errorf("v%d, %s: %d (%s), want %d", v, step.what, got.ErrorCode, kmsgText(got.ErrorMessage), step.want)
			}
			if now, _ := value(b, rtTopic, "t", step.key); now != step.now {
				t.Errorf("v%d, %s: %s=%s, want %s", v, step.what, step.key, now, step.now)
			}
		}
		p, err := b.Partitions.ByName([]byte("t"), 0)
		if err != nil || p.Settings().MaxMessageBytes != 77 || !p.Settings().Compact {
			t.Errorf("v%d: not in force at the partition: %+v, %v", v, p.Settings(), err)
		}
	}
}

func TestAlterConfigsReplaces(t *testing.T) {
	for v := int16(0); v <= 2; v++ {
		b := newTestBroker(t, nil)
		b.topic("t", 1)
		incremental(b, 1, rtTopic, "t", alteration{0, "retention.ms", "5"}, alteration{0, "max.message.bytes", "77"})
		req := kmsg.NewPtrAlterConfigsRequest()
		req.Version, req.ValidateOnly = v, true
		req.Resources = []kmsg.AlterConfigsRequestResource{
			{ResourceType: rtTopic, ResourceName: "t", Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: "retention.ms", Value: kmsg.StringPtr("9")}}},
			{ResourceType: rtTopic, ResourceName: "none"},
		}
		check := func(retention, size string) {
			t.Helper()
			got := ask[*kmsg.AlterConfigsResponse](b, req).Resources
			if got[0].ErrorCode != 0 || got[0].ResourceName != "t" || got[1].ErrorCode != kerr.UnknownTopicOrPartition.Code {
				t.Errorf("v%d: %+v", v, got)
			}
			r, _ := value(b, rtTopic, "t", "retention.ms")
			if s, _ := value(b, rtTopic, "t", "max.message.bytes"); r != retention || s != size {
				t.Errorf("v%d: retention %s and size %s, want %s and %s", v, r, s, retention, size)
			}
		}
		check("5", "77")
		req.ValidateOnly = false
		check("9", "1048588")
		req.Resources = append(req.Resources, req.Resources[0])
		for i, want := range []int16{kerr.InvalidRequest.Code, kerr.UnknownTopicOrPartition.Code, kerr.InvalidRequest.Code} {
			if got := ask[*kmsg.AlterConfigsResponse](b, req).Resources[i]; got.ErrorCode != want {
				t.Errorf("v%d: resource %d named twice: %+v", v, i, got)
			}
		}
	}
}

func TestAlterBrokerConfigs(t *testing.T) {
	b := newTestBroker(t, nil)
	const key = "message.max.bytes"
	for _, c := range []struct {
		name  string
		op    alteration
		want  int16
		value string
		from  kmsg.ConfigSource
	}{
		{"", alteration{0, key, "100"}, 0, "100", kmsg.ConfigSourceDynamicDefaultBrokerConfig},
		{"1", alteration{0, key, "200"}, 0, "200", kmsg.ConfigSourceDynamicBrokerConfig},
		{"2", alteration{0, key, "300"}, kerr.InvalidRequest.Code, "200", kmsg.ConfigSourceDynamicBrokerConfig},
		{"1", alteration{0, "node.id", "2"}, kerr.InvalidRequest.Code, "200", kmsg.ConfigSourceDynamicBrokerConfig},
		{"1", alteration{0, "no.such", "2"}, kerr.InvalidRequest.Code, "200", kmsg.ConfigSourceDynamicBrokerConfig},
		{"1", alteration{0, key, "-1"}, kerr.InvalidRequest.Code, "200", kmsg.ConfigSourceDynamicBrokerConfig},
		{"1", alteration{0, key, "2000000000"}, kerr.InvalidRequest.Code, "200", kmsg.ConfigSourceDynamicBrokerConfig},
		{"1", alteration{1, key, "null"}, 0, "100", kmsg.ConfigSourceDynamicDefaultBrokerConfig},
		{"", alteration{1, key, "null"}, 0, "1048588", kmsg.ConfigSourceDefaultConfig},
	} {
		got := incremental(b, 1, rtBroker, c.name, c.op)
		if got.ErrorCode != c.want {
			t.Errorf("%q %+v: %d (%s), want %d", c.name, c.op, got.ErrorCode, kmsgText(got.ErrorMessage), c.want)
		}
		if now, from := value(b, rtBroker, "1", key); now != c.value || from != c.from {
			t.Errorf("%q %+v: now %s from %d, want %s from %d", c.name, c.op, now, from, c.value, c.from)
		}
	}
	incremental(b, 1, rtBroker, "", alteration{0, key, "100"})
	if all := describe(b, 4, rtBroker, ""); len(all.Configs) != 1 || *all.Configs[0].Value != "100" || len(all.Configs[0].ConfigSynonyms) != 1 {
		t.Errorf("default of all: %+v", all.Configs)
	}
	if got := incremental(b, 1, kmsg.ConfigResourceTypeGroupConfig, "g", alteration{0, "x", "1"}); got.ErrorCode != kerr.InvalidRequest.Code {
		t.Errorf("group: %+v", got)
	}
}

func TestListConfigResources(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("b", 1)
	b.topic("a", 1)
	b.meta.must(t, &image.AlterConfigs{Changes: []image.ConfigChange{
		{Resource: image.Resource{Type: image.ClientMetricsResource, Name: "m"}, Name: "x"},
		{Resource: image.Resource{Type: image.ClientMetricsResource, Name: "m"}, Name: "y"},
	}})
	type resource = kmsg.ListConfigResourcesResponseConfigResource
	for _, c := range []struct {
		version int16
		types   []int8
		want    []resource
	}{
		{0, nil, []resource{{Name: "m", Type: 16}}},
		{1, nil, []resource{{Name: "a", Type: 2}, {Name: "b", Type: 2}, {Name: "1", Type: 4}, {Name: "2", Type: 4},
			{Name: "1", Type: 8}, {Name: "2", Type: 8}, {Name: "m", Type: 16}}},
		{1, []int8{4, 2, 4}, []resource{{Name: "a", Type: 2}, {Name: "b", Type: 2}, {Name: "1", Type: 4}, {Name: "2", Type: 4}}},
		{1, []int8{32}, nil},
	} {
		req := kmsg.NewPtrListConfigResourcesRequest()
		req.Version, req.ResourceTypes = c.version, c.types
		resp := ask[*kmsg.ListConfigResourcesResponse](b, req)
		if d := cmp.Diff(c.want, resp.ConfigResources, ignoreTags); d != "" || resp.ErrorCode != 0 {
			t.Errorf("v%d %v: error %d (-want +got):\n%s", c.version, c.types, resp.ErrorCode, d)
		}
	}
	req := kmsg.NewPtrListConfigResourcesRequest()
	req.Version, req.ResourceTypes = 1, []int8{2, 3}
	if resp := ask[*kmsg.ListConfigResourcesResponse](b, req); resp.ErrorCode != kerr.UnsupportedVersion.Code {
		t.Errorf("an unknown type: %+v", resp)
	}
}

// A topic becomes diskless only once no broker is left that could not open it then.
func TestDisklessNeedsTheFeatureLevel(t *testing.T) {
	b := newTestBroker(t, nil) // formatted without features: at the first level
	b.topic("t", 1)
	set := alteration{kmsg.IncrementalAlterConfigOpSet, "diskless.enable", "true"}
	got := incremental(b, 1, rtTopic, "t", set)
	if got.ErrorCode != kerr.InvalidConfig.Code || !strings.Contains(kmsgText(got.ErrorMessage), "kafka-features.sh") {
		t.Errorf("below the level: %d %s", got.ErrorCode, kmsgText(got.ErrorMessage))
	}
	b.meta.must(t, &image.UpdateFeatures{Features: image.LatestFeatures()})
	if got := incremental(b, 1, rtTopic, "t", set); got.ErrorCode != 0 {
		t.Errorf("at the level: %d %s", got.ErrorCode, kmsgText(got.ErrorMessage))
	}
}

// What a topic cannot be on a broker without a WAL is told to who asks for it.
func TestABrokerWithoutAWALHasDisklessTopicsOnly(t *testing.T) {
	b := newTestBroker(t, map[string]string{"s3.wal.path": "0@s3://"})
	b.meta.must(t, &image.UpdateFeatures{Features: image.LatestFeatures()})
	b.topic("t", 1)
	got := incremental(b, 1, rtTopic, "t", alteration{kmsg.IncrementalAlterConfigOpSet, "diskless.enable", "false"})
	if got.ErrorCode != kerr.InvalidConfig.Code || !strings.Contains(kmsgText(got.ErrorMessage), "has no WAL") {
		t.Errorf("%d %s", got.ErrorCode, kmsgText(got.ErrorMessage))
	}
	if now, _ := value(b, rtTopic, "t", "diskless.enable"); now != "true" {
		t.Errorf("shown as %s", now)
	}
}
