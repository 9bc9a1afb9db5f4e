package image

import (
	"bytes"

	"github.com/seawallmq/seawall/internal/ids"
)

// Diff is the delta that leads from one image to another, whatever lies
// between: what a subscriber gets when its observer had to begin again with a
// snapshot. It takes time that grows with both.
func Diff(from, to *Image) Delta {
	f := differ{}
	// What goes stands before what comes: a topic made again takes the name of
	// the one removed. Ranges go while their objects are there, and come after.
	removed(&f, from.ranges, to.ranges, func(k rangeKey) Record { return &RemoveRange{k.stream, k.start} })
	removed(&f, from.objects, to.objects, func(k ids.ObjectID) Record { return &RemoveObject{k} })
	removed(&f, from.streams, to.streams, func(k ids.StreamID) Record { return &RemoveStream{k} })
	removed(&f, from.configs, to.configs, func(k configKey) Record { return &RemoveConfig{k.resource, k.name} })
	removed(&f, from.partitions, to.partitions, func(k partitionKey) Record { return &RemovePartition{k.topic, k.index} })
	removed(&f, from.topics, to.topics, func(k ids.TopicID) Record { return &RemoveTopic{k} })
	removed(&f, from.wals, to.wals, func(k ids.WALInstance) Record { return &RemoveWAL{k} })
	removed(&f, from.issuers, to.issuers, func(k ids.UUID) Record { return &ForgetIssuer{k} })

	if to.cluster != nil && (from.cluster == nil || *from.cluster != *to.cluster) {
		f.records = append(f.records, to.cluster)
	}
	put(&f, from.features, to.features)
	put(&f, from.counters, to.counters)
	put(&f, from.nodes, to.nodes)
	put(&f, from.wals, to.wals)
	put(&f, from.topics, to.topics)
	put(&f, from.partitions, to.partitions)
	put(&f, from.configs, to.configs)
	put(&f, from.streams, to.streams)
	put(&f, from.objects, to.objects)
	put(&f, from.ranges, to.ranges)
	put(&f, from.answers, to.answers) // their floors remove those that went
	return Delta{Index: to.index, Records: f.records}
}

type differ struct {
	records []Record
	a, b    []byte // encodings to compare
}

func removed[K, V any](f *differ, from, to table[K, V], removal func(K) Record) {
	for k := range from.all() {
		if _, ok := to.get(k); !ok {
			f.records = append(f.records, removal(k))
		}
	}
}

func put[K any, R interface {
	comparable
	Record
}](f *differ, from, to table[K, R]) {
	for k, r := range to.all() {
		if was, ok := from.get(k); ok && (was == r || f.equal(was, r)) {
			continue
		}
		f.records = append(f.records, r)
	}
}

// equal compares what two records say: images that came by different ways
// share no memory.
func (f *differ) equal(a, b Record) bool {
	f.a, f.b = AppendRecord(f.a[:0], a), AppendRecord(f.b[:0], b)
	return bytes.Equal(f.a, f.b)
}
