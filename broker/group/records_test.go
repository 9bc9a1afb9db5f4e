package group

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestGoldenRecords pins the bytes on disk, which are Kafka's.
func TestGoldenRecords(t *testing.T) {
	g := newGroup("grp")
	g.protocolType, g.protocol, g.generation, g.leaderID, g.stateSinceMs = "consumer", "range", 7, "m-1", 1_700_000_000_000
	g.add(&member{
		id: "m-1", instanceID: kmsg.StringPtr("i"), clientID: "c", clientHost: "/h",
		sessionTimeout: 10 * time.Second, rebalanceTimeout: time.Minute,
		protocols: []protocol{{name: "range", metadata: []byte{0xab}}},
	})
	tests := []struct {
		name       string
		change     change
		key, value string
	}{
		{
			"offset", change{group: "grp", isOffset: true, topic: "top", partition: 9, offset: &offset{
				committed: 42, leaderEpoch: 5, metadata: "md", commitMs: 1_700_000_000_000, expireMs: -1,
			}},
			"0001" + "0003677270" + "0003746f70" + "00000009",
			"0003" + "000000000000002a" + "00000005" + "00026d64" + "0000018bcfe56800",
		},
		{
			"offset with a retention", change{group: "grp", isOffset: true, topic: "top", partition: 9, offset: &offset{
				committed: 42, leaderEpoch: -1, commitMs: 1_700_000_000_000, expireMs: 1_700_000_000_001,
			}},
			"0001" + "0003677270" + "0003746f70" + "00000009",
			"0001" + "000000000000002a" + "0000" + "0000018bcfe56800" + "0000018bcfe56801",
		},
		{"offset tombstone", change{group: "grp", isOffset: true, topic: "top", partition: 9}, "0001" + "0003677270" + "0003746f70" + "00000009", ""},
		{
			"group", change{group: "grp", metadata: g.encodeMetadata(map[string][]byte{"m-1": {0xcd, 0xef}})},
			"0002" + "0003677270",
			"0003" + "0008636f6e73756d6572" + "00000007" + "000572616e6765" + "00036d2d31" + "0000018bcfe56800" +
				"00000001" + "00036d2d31" + "000169" + "000163" + "00022f68" + "0000ea60" + "00002710" + "00000001ab" + "00000002cdef",
		},
		{"group tombstone", change{group: "grp"}, "0002" + "0003677270", ""},
	}
	for _, test := range tests {
		r := test.change.record()
		if got := hex.EncodeToString(r.Key); got != test.key {
			t.Errorf("%s: key %s, want %s", test.name, got, test.key)
		}
		if got := hex.EncodeToString(r.Value); got != test.value || (r.Value == nil) != (test.value == "") {
			t.Errorf("%s: value %s, want %s", test.name, got, test.value)
		}
		back, err := decodeRecord(r.Key, r.Value)
		if err != nil || !reflect.DeepEqual(back, test.change) {
			t.Errorf("%s: decoded as %+v, %v", test.name, back, err)
		}
	}
}

// TestNewerRecordsAreRefused: loading what one does not understand would drop
// it at the next compaction.
func TestNewerRecordsAreRefused(t *testing.T) {
	offsetRecord := change{group: "g", isOffset: true, topic: "t", offset: &offset{}}.record()
	groupRecord := change{group: "g", metadata: newGroup("g").encodeMetadata(nil)}.record()
	withVersion := func(b []byte, version byte) []byte { return append([]byte{0, version}, b[2:]...) }
	tests := []struct {
		what       string
		version    int16
		key, value []byte
	}{
		{"key", groupKeyVersion + 1, withVersion(groupRecord.Key, groupKeyVersion+1), groupRecord.Value},
		{"offset value", offsetValueVersionNewest + 1, offsetRecord.Key, withVersion(offsetRecord.Value, offsetValueVersionNewest+1)},
		{"group value", groupValueVersionNewest + 1, groupRecord.Key, withVersion(groupRecord.Value, groupValueVersionNewest+1)},
	}
	for _, test := range tests {
		var versionErr *VersionError
		err := NewShard(DefaultConfig(), nil).Replay(test.key, test.value)
		if !errors.As(err, &versionErr) || versionErr.What != test.what || versionErr.Version != test.version {
			t.Errorf("%s of version %d: %v", test.what, test.version, err)
		}
	}
}

// FuzzReplay: no bytes make Replay or Load panic, and what was understood
// survives being written again.
func FuzzReplay(f *testing.F) {
	for _, c := range []change{
		{group: "g", isOffset: true, topic: "t", offset: &offset{committed: 3, metadata: "m", expireMs: -1}},
		{group: "g", isOffset: true, topic: "t"},
		{group: "g", metadata: newGroup("g").encodeMetadata(nil)},
		{group: "g"},
	} {
		r := c.record()
		f.Add(r.Key, r.Value)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		s := NewShard(DefaultConfig(), nil)
		if s.Replay(key, value) != nil {
			return
		}
		s.Load(epoch)
		again := replayed(DefaultConfig(), nil, s.LiveRecords())
		if a, b := durableDump(s), durableDump(again); a != b {
			t.Fatalf("%s became %s", a, b)
		}
	})
}

func TestSubscribedTopicsIsBounded(t *testing.T) {
	good := subscription("a", "bc")
	if topics, ok := subscribedTopics(good); !ok || !reflect.DeepEqual(topics, []string{"a", "bc"}) {
		t.Fatalf("%v %v", topics, ok)
	}
	for n := range 9 { // the topics end at byte 13, their count and first byte before
		if topics, ok := subscribedTopics(good[:n]); ok {
			t.Errorf("%d bytes gave %v", n, topics)
		}
	}
	if _, ok := subscribedTopics([]byte{0, 0, 0x7f, 0xff, 0xff, 0xff}); ok {
		t.Error("an impossible count was believed")
	}
}

func TestConfigReportsEveryFault(t *testing.T) {
	err := Config{SessionTimeoutMax: -1, InitialRebalanceDelay: -1, OffsetMetadataBytesMax: -1}.Validate()
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 10 {
		t.Fatalf("%v", err)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
}
