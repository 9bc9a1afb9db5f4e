package image

import (
	"github.com/seawallmq/seawall/kraftmeta/image/wire"
)

// Counter is the next number to give out of one kind of id.
type Counter struct {
	Kind CounterKind
	Next uint64
}

// CounterKind names what a counter counts. The numbers are durable.
type CounterKind uint8

// The counters.
const (
	StreamCounter     CounterKind = 1
	ObjectCounter     CounterKind = 2
	ProducerIDCounter CounterKind = 3
)

// String names the counter.
func (k CounterKind) String() string { return enumName(k, "", "stream", "object", "producer id") }

// RecordKind is KindCounter.
func (*Counter) RecordKind() RecordKind { return KindCounter }

func (r *Counter) fields(c *wire.Coder) {
	wire.Uint(c, &r.Kind)
	wire.Uint(c, &r.Next)
}

func (r *Counter) apply(img *Image) { img.counters.put(r.Kind, r) }

// NextID is the number that a counter gives out next. Stream and object ids
// begin with 1, since 0 is none; producer ids with 0.
func (img *Image) NextID(kind CounterKind) uint64 {
	if c, ok := img.counters.get(kind); ok {
		return c.Next
	}
	if kind == ProducerIDCounter {
		return 0
	}
	return 1
}
