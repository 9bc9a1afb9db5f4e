package image

import (
	"iter"
	"strings"

	"github.com/seawallmq/seawall/internal/ids"
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// NoLeader is a partition's leader when it has none.
const NoLeader ids.NodeID = -1

// Topic is a topic; its id, not its name, is its identity.
type Topic struct {
	ID   ids.TopicID
	Name string
}

// Partition is one partition of a topic and the stream that stores it.
type Partition struct {
	Topic  ids.TopicID
	Index  int32
	Stream ids.StreamID
	Leader ids.NodeID // NoLeader when there is none
	// LeaderEpoch is Kafka's: it rises when the leader changes or opens the
	// stream anew.
	LeaderEpoch int32
}

// RemoveTopic is the end of a topic; its partitions end by records of theirs.
type RemoveTopic struct {
	ID ids.TopicID
}

// RemovePartition is the end of a partition.
type RemovePartition struct {
	Topic ids.TopicID
	Index int32
}

// RecordKind is KindTopic.
func (*Topic) RecordKind() RecordKind { return KindTopic }

func (r *Topic) fields(c *wire.Coder) {
	c.UUID(&r.ID)
	wire.String(c, &r.Name)
}

func (r *Topic) apply(img *Image) {
	img.topics.put(r.ID, r)
	img.topicNames.put(collisionForm(r.Name), r.ID)
}

// RecordKind is KindRemoveTopic.
func (*RemoveTopic) RecordKind() RecordKind { return KindRemoveTopic }

func (r *RemoveTopic) fields(c *wire.Coder) { c.UUID(&r.ID) }

func (r *RemoveTopic) apply(img *Image) {
	if t, ok := img.topics.get(r.ID); ok {
		img.topicNames.remove(collisionForm(t.Name))
	}
	img.topics.remove(r.ID)
}

// RecordKind is KindPartition.
func (*Partition) RecordKind() RecordKind { return KindPartition }

func (r *Partition) fields(c *wire.Coder) {
	c.UUID(&r.Topic)
	wire.Int(c, &r.Index)
	wire.Uint(c, &r.Stream)
	wire.Int(c, &r.Leader)
	wire.Int(c, &r.LeaderEpoch)
}

func (r *Partition) apply(img *Image) { img.partitions.put(partitionKey{r.Topic, r.Index}, r) }

// RecordKind is KindRemovePartition.
func (*RemovePartition) RecordKind() RecordKind { return KindRemovePartition }

func (r *RemovePartition) fields(c *wire.Coder) {
	c.UUID(&r.Topic)
	wire.Int(c, &r.Index)
}

func (r *RemovePartition) apply(img *Image) { img.partitions.remove(partitionKey{r.Topic, r.Index}) }

// collisionForm is a topic's name with what Kafka's metric names do not tell
// apart made the same: no two topics of a cluster may share it.
func collisionForm(name string) string { return strings.ReplaceAll(name, ".", "_") }

// Topic returns a topic by its identity.
func (img *Image) Topic(id ids.TopicID) (*Topic, bool) { return img.topics.get(id) }

// TopicByName returns the topic that has this name now.
func (img *Image) TopicByName(name string) (*Topic, bool) {
	t, ok := img.topicColliding(name)
	if !ok || t.Name != name {
		return nil, false
	}
	return t, true
}

// topicColliding returns the topic that a topic of this name would collide
// with.
func (img *Image) topicColliding(name string) (*Topic, bool) {
	id, ok := img.topicNames.get(collisionForm(name))
	if !ok {
		return nil, false
	}
	return img.topics.get(id)
}

// Topics walks the topics, in the order of their ids.
func (img *Image) Topics() iter.Seq[*Topic] { return img.topics.values() }

// Partition returns one partition of a topic.
func (img *Image) Partition(topic ids.TopicID, index int32) (*Partition, bool) {
	return img.partitions.get(partitionKey{topic, index})
}

// Partitions walks a topic's partitions by index.
func (img *Image) Partitions(topic ids.TopicID) iter.Seq[*Partition] {
	return func(yield func(*Partition) bool) {
		for key, p := range img.partitions.from(partitionKey{topic, 0}) {
			if key.topic != topic || !yield(p) {
				return
			}
		}
	}
}

// AllPartitions walks the partitions of all topics.
func (img *Image) AllPartitions() iter.Seq[*Partition] { return img.partitions.values() }

// PartitionCount is how many partitions a topic has: their indexes are 0 to
// one less.
func (img *Image) PartitionCount(topic ids.TopicID) int32 {
	p, ok := img.partitions.last(partitionKey{topic, maxPartitionIndex})
	if !ok || p.Topic != topic {
		return 0
	}
	return p.Index + 1
}

const maxPartitionIndex = 1<<31 - 1
