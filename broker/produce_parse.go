package broker

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/seawallmq/seawall/broker/batch"
)

// produceTopicBytes and producePartBytes are the least that a topic and a
// partition take in a request.
const (
	produceTopicBytes = 3
	producePartBytes  = 5
)

// produceEmptyMax is how many topics or partitions a request may name beyond
// those that it has the bytes of a batch for. So what it is parsed into stays
// small against the frame, which is paid for (I9).
const produceEmptyMax = 256

// partsMax is how many topics, and partitions, a body may name.
func partsMax(body []byte) int { return produceEmptyMax + len(body)/batch.HeaderSize }

// parse reads the body, which may still be coming, into topics and parts, whose
// batches lie in it, and checks each batch as it comes.
func (req *produceRequest) parse(body []byte, coming *Ctx, now time.Time) error {
	flexible := req.version >= produceFlexibleVersion
	r := wireReader{b: body, flexible: flexible, coming: coming}
	_, notTransactional := r.string()
	req.acks = r.int16()
	req.timeout = time.Duration(r.int32()) * time.Millisecond
	limit := partsMax(body)
	topics := r.array(produceTopicBytes)
	if topics > limit {
		return fmt.Errorf("%w: %d topics in %d bytes", errMalformed, topics, len(body))
	}
	for range topics {
		var t produceTopic
		if req.version >= 13 {
			t.id = r.uuid()
		} else {
			name, _ := r.string()
			t.name = req.keepName(name)
		}
		t.parts = r.array(producePartBytes)
		if len(req.parts)+t.parts > limit {
			return fmt.Errorf("%w: more than %d partitions in %d bytes", errMalformed, limit, len(body))
		}
		for range t.parts {
			index := r.int32()
			records, _ := r.bytes()
			r.tags()
			if r.err != nil {
				return r.err
			}
			req.add(&t, index, records, !notTransactional, now)
		}
		r.tags()
		req.topics = append(req.topics, t)
	}
	r.tags()
	return r.err
}

// produceNamesMax bounds the names that are copied out of the body (I9).
const produceNamesMax = 64 << 10

// keepName is the name where the answer will find it: copied out of the body, or
// else the body is kept.
func (req *produceRequest) keepName(name []byte) []byte {
	begin := len(req.names)
	if begin+len(name) > produceNamesMax {
		req.namesInBody = true
		return name
	}
	req.names = append(req.names, name...)
	return req.names[begin:]
}

// add appends a partition, looks it up and checks its batch.
func (req *produceRequest) add(t *produceTopic, index int32, records []byte, transactional bool, now time.Time) {
	req.parts = append(req.parts, producePart{req: req, index: index, topic: len(req.topics)})
	part := &req.parts[len(req.parts)-1]
	part.Batch, part.LeaderEpoch, part.BaseOffset, part.LogAppendTimeMs = records, -1, -1, -1
	switch {
	case req.acks < -1 || req.acks > 1:
		part.err = kerr.InvalidRequiredAcks
	case transactional:
		part.err = kerr.TransactionalIDAuthorizationFailed
	default:
		part.err = part.lookUp(t)
	}
	if part.err == nil {
		part.err = part.validate(now)
	}
}

// lookUp finds the partition.
func (part *producePart) lookUp(t *produceTopic) (err error) {
	if part.req.version < 13 {
		part.p, err = part.req.b.byName(t.name, part.index)
	} else {
		part.p, err = part.req.b.partitionByID(t.id, part.index)
	}
	if err == nil && part.p.Internal() {
		return errInternalTopic
	}
	return err
}
