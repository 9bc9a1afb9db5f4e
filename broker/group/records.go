package group

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Versions of the records written; see the package comment.
const (
	offsetKeyVersion           = 1
	offsetKeyVersionOldest     = 0
	groupKeyVersion            = 2
	offsetValueVersion         = 3
	offsetValueVersionExpiring = 1
	offsetValueVersionNewest   = 4
	groupValueVersion          = 3
	groupValueVersionNewest    = 4
)

// offset is a committed offset.
type offset struct {
	committed   int64
	leaderEpoch int32 // -1 when the client gave none
	metadata    string
	commitMs    int64 // wall clock
	expireMs    int64 // wall clock; -1: by the broker's retention
}

// change is one change of the durable state: the decoded form of a record.
// topic is empty for a group metadata record, whose value is metadata.
// A nil offset or nil metadata is a tombstone.
type change struct {
	group     string
	isOffset  bool
	topic     string
	partition int32
	offset    *offset
	metadata  []byte
}

// VersionError says that a record was written by a version of the format that
// this program does not know, so that the shard must not be loaded.
type VersionError struct {
	What    string // "key", "offset value" or "group value"
	Version int16
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("group coordinator record: %s of version %d is newer than this program", e.What, e.Version)
}

// record encodes c.
func (c change) record() Record {
	if !c.isOffset {
		key := kmsg.GroupMetadataKey{Version: groupKeyVersion, Group: c.group}
		return Record{Key: key.AppendTo(nil), Value: c.metadata}
	}
	key := kmsg.OffsetCommitKey{Version: offsetKeyVersion, Group: c.group, Topic: c.topic, Partition: c.partition}
	r := Record{Key: key.AppendTo(nil)}
	if c.offset != nil {
		value := kmsg.NewOffsetCommitValue()
		value.Version = offsetValueVersion
		if c.offset.expireMs >= 0 {
			value.Version = offsetValueVersionExpiring
		}
		value.Offset = c.offset.committed
		value.LeaderEpoch = c.offset.leaderEpoch
		value.Metadata = c.offset.metadata
		value.CommitTimestamp = c.offset.commitMs
		value.ExpireTimestamp = c.offset.expireMs
		r.Value = value.AppendTo(nil)
	}
	return r
}

// decodeRecord is the inverse of change.record. It keeps neither key nor value.
func decodeRecord(key, value []byte) (change, error) {
	version, err := versionOf(key)
	if err != nil {
		return change{}, fmt.Errorf("group coordinator record: key: %w", err)
	}
	switch version {
	case offsetKeyVersionOldest, offsetKeyVersion:
		return decodeOffset(key, value)
	case groupKeyVersion:
		var k kmsg.GroupMetadataKey
		if err := k.ReadFrom(key); err != nil {
			return change{}, fmt.Errorf("group coordinator record: group key: %w", err)
		}
		if value == nil {
			return change{group: k.Group}, nil
		}
		if _, err := decodeGroup(value); err != nil {
			return change{}, err
		}
		return change{group: k.Group, metadata: bytes.Clone(value)}, nil
	default:
		return change{}, &VersionError{What: "key", Version: version}
	}
}

func decodeOffset(key, value []byte) (change, error) {
	var k kmsg.OffsetCommitKey
	if err := k.ReadFrom(key); err != nil {
		return change{}, fmt.Errorf("group coordinator record: offset key: %w", err)
	}
	c := change{group: k.Group, isOffset: true, topic: k.Topic, partition: k.Partition}
	if value == nil {
		return c, nil
	}
	version, err := versionOf(value)
	if err != nil {
		return change{}, fmt.Errorf("group coordinator record: offset value: %w", err)
	}
	if version < 0 || version > offsetValueVersionNewest {
		return change{}, &VersionError{What: "offset value", Version: version}
	}
	v := kmsg.NewOffsetCommitValue()
	if err := v.ReadFrom(value); err != nil {
		return change{}, fmt.Errorf("group coordinator record: offset value: %w", err)
	}
	c.offset = &offset{
		committed: v.Offset, leaderEpoch: -1, metadata: v.Metadata,
		commitMs: v.CommitTimestamp, expireMs: -1,
	}
	if version >= 3 {
		c.offset.leaderEpoch = v.LeaderEpoch
	}
	if version == offsetValueVersionExpiring {
		c.offset.expireMs = v.ExpireTimestamp
	}
	return c, nil
}

func decodeGroup(value []byte) (*kmsg.GroupMetadataValue, error) {
	version, err := versionOf(value)
	if err != nil {
		return nil, fmt.Errorf("group coordinator record: group value: %w", err)
	}
	if version < 0 || version > groupValueVersionNewest {
		return nil, &VersionError{What: "group value", Version: version}
	}
	v := kmsg.NewGroupMetadataValue()
	if err := v.ReadFrom(value); err != nil {
		return nil, fmt.Errorf("group coordinator record: group value: %w", err)
	}
	return &v, nil
}

func versionOf(b []byte) (int16, error) {
	if len(b) < 2 {
		return 0, fmt.Errorf("%d bytes are too few for a version", len(b))
	}
	return int16(binary.BigEndian.Uint16(b)), nil
}

// encodeMetadata is the group metadata value that makes g, in its current
// generation, durable with the given assignments by member id.
func (g *group) encodeMetadata(assignments map[string][]byte) []byte {
	v := kmsg.NewGroupMetadataValue()
	v.Version = groupValueVersion
	v.ProtocolType = g.protocolType
	v.Generation = g.generation
	v.Protocol = optional(g.protocol)
	v.Leader = optional(g.leaderID)
	v.CurrentStateTimestamp = g.stateSinceMs
	for _, m := range g.memberOrder {
		vm := kmsg.NewGroupMetadataValueMember()
		vm.MemberID = m.id
		vm.InstanceID = m.instanceID
		vm.ClientID = m.clientID
		vm.ClientHost = m.clientHost
		vm.RebalanceTimeoutMillis = int32(m.rebalanceTimeout.Milliseconds())
		vm.SessionTimeoutMillis = int32(m.sessionTimeout.Milliseconds())
		vm.Subscription = m.metadata(g.protocol)
		vm.Assignment = assignments[m.id]
		v.Members = append(v.Members, vm)
	}
	return v.AppendTo(nil)
}

// subscribedTopics reads the topics of a consumer's subscription: a version,
// then an array of strings, which every version of it begins with.
func subscribedTopics(metadata []byte) (topics []string, ok bool) {
	if len(metadata) < 6 {
		return nil, false
	}
	count := int32(binary.BigEndian.Uint32(metadata[2:]))
	rest := metadata[6:]
	if count < 0 || int(count) > len(rest)/2 {
		return nil, false
	}
	topics = make([]string, 0, count)
	for range count {
		if len(rest) < 2 {
			return nil, false
		}
		n := int(int16(binary.BigEndian.Uint16(rest)))
		if n < 0 || n > len(rest)-2 {
			return nil, false
		}
		topics = append(topics, string(rest[2:2+n]))
		rest = rest[2+n:]
	}
	return topics, true
}

// optional is Kafka's nullable string: nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
