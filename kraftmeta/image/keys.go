package image

import (
	"bytes"
	"cmp"

	"github.com/seawallmq/seawall/internal/ids"
)

type partitionKey struct {
	topic ids.TopicID
	index int32
}

type configKey struct {
	resource Resource
	name     string
}

type rangeKey struct {
	stream ids.StreamID
	start  int64
}

func compareUUIDs(a, b ids.UUID) int { return bytes.Compare(a[:], b[:]) }

func comparePartitions(a, b partitionKey) int {
	if c := compareUUIDs(a.topic, b.topic); c != 0 {
		return c
	}
	return cmp.Compare(a.index, b.index)
}

func compareConfigs(a, b configKey) int {
	if c := cmp.Compare(a.resource.Type, b.resource.Type); c != 0 {
		return c
	}
	if c := cmp.Compare(a.resource.Name, b.resource.Name); c != 0 {
		return c
	}
	return cmp.Compare(a.name, b.name)
}

func compareRanges(a, b rangeKey) int {
	if c := cmp.Compare(a.stream, b.stream); c != 0 {
		return c
	}
	return cmp.Compare(a.start, b.start)
}

func compareCommandIDs(a, b CommandID) int {
	if c := compareUUIDs(a.Issuer, b.Issuer); c != 0 {
		return c
	}
	return cmp.Compare(a.Sequence, b.Sequence)
}
