package image

import (
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// MaxPartitions bounds the partitions that one topic may have.
const MaxPartitions = 100_000

// MaxTopicNameBytes is the longest name of a topic.
const MaxTopicNameBytes = 249

// CreateTopics creates topics, each accepted or refused by itself.
type CreateTopics struct {
	Topics []NewTopic
}

// NewTopic describes a topic to create.
type NewTopic struct {
	Name string
	// ID is the topic's identity, drawn by the issuer: Apply draws nothing.
	ID      ids.TopicID
	Leaders []ids.NodeID // one a partition; NoLeader leaves the choice open
	Configs []ConfigEntry
}

// ConfigEntry is a property's name and value.
type ConfigEntry struct {
	Name  string
	Value string
}

// TopicOutcomes is the result of commands that treat topics one by one, in the
// order asked for.
type TopicOutcomes struct {
	Topics []TopicOutcome
}

// TopicOutcome is what became of one topic.
type TopicOutcome struct {
	ID      ids.TopicID
	Refused *Refusal // nil where it was done
}

// CommandKind is KindCreateTopics.
func (*CreateTopics) CommandKind() CommandKind { return KindCreateTopics }

// NewResult is an empty result.
func (*CreateTopics) NewResult() *TopicOutcomes { return new(TopicOutcomes) }

func (cmd *CreateTopics) fields(c *wire.Coder) {
	wire.List(c, &cmd.Topics, 19, func(c *wire.Coder, t *NewTopic) {
		wire.String(c, &t.Name)
		c.UUID(&t.ID)
		wire.List(c, &t.Leaders, 1, wire.Int[ids.NodeID])
		wire.List(c, &t.Configs, 2, func(c *wire.Coder, e *ConfigEntry) {
			wire.String(c, &e.Name)
			wire.String(c, &e.Value)
		})
	})
}

func (r *TopicOutcomes) fields(c *wire.Coder) {
	wire.List(c, &r.Topics, 17, func(c *wire.Coder, t *TopicOutcome) {
		c.UUID(&t.ID)
		wire.Optional(c, &t.Refused, refusalFields)
	})
}

func (cmd *CreateTopics) run(d *draft) (Result, *Refusal) {
	result := new(TopicOutcomes)
	for i := range cmd.Topics {
		t := &cmd.Topics[i]
		result.Topics = append(result.Topics, TopicOutcome{t.ID, d.createTopic(t)})
	}
	return result, nil
}

func (d *draft) createTopic(t *NewTopic) *Refusal {
	if r := CheckTopicName(t.Name); r != nil {
		return r
	}
	if other, ok := d.img.topicColliding(t.Name); ok {
		if other.Name != t.Name {
			return refuse(TopicExists, "topic %q collides with %q", t.Name, other.Name)
		}
		return refuse(TopicExists, "topic %q", t.Name)
	}
	if _, ok := d.img.topics.get(t.ID); ok || t.ID.IsZero() {
		return refuse(InvalidCommand, "topic id %s is not a new one", t.ID)
	}
	if n := len(t.Leaders); n < 1 || n > MaxPartitions {
		return refuse(InvalidPartitions, "%d partitions", n)
	}
	d.put(&Topic{ID: t.ID, Name: t.Name})
	if r := d.addPartitions(t.ID, 0, t.Leaders); r != nil {
		return r
	}
	for _, e := range t.Configs {
		d.put(&Config{TopicConfigOf(t.Name), e.Name, e.Value})
	}
	return nil
}

// addPartitions adds a partition, with a stream of its own, for each leader.
func (d *draft) addPartitions(topic ids.TopicID, first int32, leaders []ids.NodeID) *Refusal {
	stream, r := d.take(StreamCounter, uint64(len(leaders)))
	if r != nil {
		return r
	}
	for i, leader := range leaders {
		p := &Partition{
			Topic: topic, Index: first + int32(i), Stream: ids.StreamID(stream) + ids.StreamID(i), Leader: leader,
		}
		d.put(&Stream{ID: p.Stream, Topic: topic, Partition: p.Index})
		d.put(p)
	}
	return nil
}

// CheckTopicName refuses a name that Kafka does not allow: it must have 1 to
// 249 characters out of letters, digits, '.', '_' and '-', and not be "." or
// "..".
func CheckTopicName(name string) *Refusal {
	switch {
	case name == "":
		return refuse(InvalidTopicName, "the name is empty")
	case name == "." || name == "..":
		return refuse(InvalidTopicName, "the name cannot be %q", name)
	case len(name) > MaxTopicNameBytes:
		return refuse(InvalidTopicName, "the name has %d characters, at most %d are allowed",
			len(name), MaxTopicNameBytes)
	}
	legal := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			r == '.' || r == '_' || r == '-'
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return !legal(r) }); i >= 0 {
		return refuse(InvalidTopicName, "%q has a character other than letters, digits, '.', '_' and '-'", name)
	}
	return nil
}

// CreatePartitions adds partitions to topics, each accepted or refused by
// itself.
type CreatePartitions struct {
	Topics []MorePartitions
}

// MorePartitions asks for partitions of one topic.
type MorePartitions struct {
	Topic    ids.TopicID
	Expected int32        // how many it has now
	Leaders  []ids.NodeID // of the added ones
}

// CommandKind is KindCreatePartitions.
func (*CreatePartitions) CommandKind() CommandKind { return KindCreatePartitions }

// NewResult is an empty result.
func (*CreatePartitions) NewResult() *TopicOutcomes { return new(TopicOutcomes) }

func (cmd *CreatePartitions) fields(c *wire.Coder) {
	wire.List(c, &cmd.Topics, 18, func(c *wire.Coder, t *MorePartitions) {
		c.UUID(&t.Topic)
		wire.Int(c, &t.Expected)
		wire.List(c, &t.Leaders, 1, wire.Int[ids.NodeID])
	})
}

func (cmd *CreatePartitions) run(d *draft) (Result, *Refusal) {
	result := new(TopicOutcomes)
	for _, t := range cmd.Topics {
		result.Topics = append(result.Topics, TopicOutcome{t.Topic, d.createPartitions(t)})
	}
	return result, nil
}

func (d *draft) createPartitions(t MorePartitions) *Refusal {
	if _, ok := d.img.topics.get(t.Topic); !ok {
		return refuse(UnknownTopic, "topic %s", t.Topic)
	}
	now := d.img.PartitionCount(t.Topic)
	switch {
	case now != t.Expected:
		return refuse(InvalidPartitions, "the topic has %d partitions, not %d", now, t.Expected)
	case len(t.Leaders) == 0 || int(now)+len(t.Leaders) > MaxPartitions:
		return refuse(InvalidPartitions, "%d more partitions than %d", len(t.Leaders), now)
	}
	return d.addPartitions(t.Topic, now, t.Leaders)
}

// DeleteTopics deletes topics by identity. Their streams end at once, whatever
// is in WALs; their objects are removed when no other stream is in them.
type DeleteTopics struct {
	Topics []ids.TopicID
}

// CommandKind is KindDeleteTopics.
func (*DeleteTopics) CommandKind() CommandKind { return KindDeleteTopics }

// NewResult is an empty result.
func (*DeleteTopics) NewResult() *TopicOutcomes { return new(TopicOutcomes) }

func (cmd *DeleteTopics) fields(c *wire.Coder) { wire.List(c, &cmd.Topics, 16, uuidField) }

func uuidField(c *wire.Coder, u *ids.UUID) { c.UUID(u) }

func (cmd *DeleteTopics) run(d *draft) (Result, *Refusal) {
	result := new(TopicOutcomes)
	for _, id := range cmd.Topics {
		result.Topics = append(result.Topics, TopicOutcome{id, d.deleteTopic(id)})
	}
	return result, nil
}

func (d *draft) deleteTopic(id ids.TopicID) *Refusal {
	t, ok := d.img.topics.get(id)
	if !ok {
		return refuse(UnknownTopic, "topic %s", id)
	}
	var partitions []*Partition
	for p := range d.img.Partitions(id) {
		partitions = append(partitions, p)
	}
	for _, p := range partitions {
		d.releaseBelow(p.Stream, maxOffset)
		d.put(&RemoveStream{p.Stream})
		d.put(&RemovePartition{id, p.Index})
	}
	var configs []*Config
	for cfg := range d.img.Configs(TopicConfigOf(t.Name)) {
		configs = append(configs, cfg)
	}
	for _, cfg := range configs {
		d.put(&RemoveConfig{cfg.Resource, cfg.Name})
	}
	d.put(&RemoveTopic{id})
	return nil
}

const maxOffset = 1<<63 - 1
