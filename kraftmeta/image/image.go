package image

import (
	"cmp"

	"github.com/seawallmq/seawall/internal/ids"
)

// Image is the metadata as it stood after one command. It never changes:
// [Apply] and [Image.With] make a new one that shares what is equal. What its
// methods return belongs to the image and must not be written to.
type Image struct {
	index   uint64
	cluster *Cluster // nil until the cluster is formatted

	features   table[string, *Feature]
	nodes      table[ids.NodeID, *Node]
	wals       table[ids.WALInstance, *WAL]
	topics     table[ids.TopicID, *Topic]
	partitions table[partitionKey, *Partition]
	configs    table[configKey, *Config]
	streams    table[ids.StreamID, *Stream]
	objects    table[ids.ObjectID, *Object]
	ranges     table[rangeKey, *Range]
	counters   table[CounterKind, *Counter]
	answers    table[CommandID, *Remembered]

	// Indexes, derived from the tables above and in no snapshot.
	topicNames table[string, ids.TopicID]   // by the name's collision form
	issuers    table[ids.UUID, issuer]      // of the remembered answers
	unsettled  table[ids.ObjectID, *Object] // prepared or removed
}

// New is the image before the first command.
func New() *Image {
	return &Image{
		features:   newTable[string, *Feature](cmp.Compare[string]),
		nodes:      newTable[ids.NodeID, *Node](cmp.Compare[ids.NodeID]),
		wals:       newTable[ids.WALInstance, *WAL](compareUUIDs),
		topics:     newTable[ids.TopicID, *Topic](compareUUIDs),
		partitions: newTable[partitionKey, *Partition](comparePartitions),
		configs:    newTable[configKey, *Config](compareConfigs),
		streams:    newTable[ids.StreamID, *Stream](cmp.Compare[ids.StreamID]),
		objects:    newTable[ids.ObjectID, *Object](cmp.Compare[ids.ObjectID]),
		ranges:     newTable[rangeKey, *Range](compareRanges),
		counters:   newTable[CounterKind, *Counter](cmp.Compare[CounterKind]),
		issuers:    newTable[ids.UUID, issuer](compareUUIDs),
		answers:    newTable[CommandID, *Remembered](compareCommandIDs),
		topicNames: newTable[string, ids.TopicID](cmp.Compare[string]),
		unsettled:  newTable[ids.ObjectID, *Object](cmp.Compare[ids.ObjectID]),
	}
}

// copy is a private image to change in place.
func (img *Image) copy() *Image {
	return &Image{
		index:      img.index,
		cluster:    img.cluster,
		features:   img.features.copy(),
		nodes:      img.nodes.copy(),
		wals:       img.wals.copy(),
		topics:     img.topics.copy(),
		partitions: img.partitions.copy(),
		configs:    img.configs.copy(),
		streams:    img.streams.copy(),
		objects:    img.objects.copy(),
		ranges:     img.ranges.copy(),
		counters:   img.counters.copy(),
		issuers:    img.issuers.copy(),
		answers:    img.answers.copy(),
		topicNames: img.topicNames.copy(),
		unsettled:  img.unsettled.copy(),
	}
}

// Fork is the same image as the root of another line of images. Of one line,
// only one goroutine at a time may call [Apply], [Image.With] or Fork; lines
// made by Fork are independent of one another, though they share memory.
func (img *Image) Fork() *Image { return img.copy() }

// Index is the index of the last command that the image contains.
func (img *Image) Index() uint64 { return img.index }

// With is the image after delta, which must be the next one after img or a
// later one: it is how observers follow. See [Image.Fork] for who may call it.
func (img *Image) With(d Delta) *Image {
	next := img.copy()
	next.index = d.Index
	for _, r := range d.Records {
		r.apply(next)
	}
	return next
}
