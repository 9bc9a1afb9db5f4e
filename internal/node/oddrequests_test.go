package node

import (
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/crc"
)

// oddBatch is a batch of one record, changed by change before its CRC is made
// right again, and by spoil after.
func oddBatch(codec batch.Codec, value int, change func([]byte), spoil func([]byte) []byte) []byte {
	b := batch.NewBuilder()
	b.Codec = codec
	b.Add(1e12, nil, make([]byte, value))
	raw := b.AppendTo(nil)
	if change != nil {
		change(raw)
		binary.BigEndian.PutUint32(raw[17:], crc.Of(raw[21:]))
	}
	if spoil != nil {
		raw = spoil(raw)
	}
	return raw
}

// Each odd request gets its own answer, and the next one is served.
func TestOddRequests(t *testing.T) {
	n := start(t, smallConfig(t, t.TempDir(), map[string]string{"log.message.timestamp.before.max.ms": "9223372036854775807"}))
	produce(t, n, "t", 0, 10)
	c := dialRaw(t, n)
	ask := func(name string, req kmsg.Request, want *kerr.Error, code func(kmsg.Response) int16) {
		t.Helper()
		resp, err := c.do(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			c = dialRaw(t, n)
			return
		}
		if got := code(resp); got != want.Code {
			t.Errorf("%s: %v, want %v", name, kerr.ErrorForCode(got), want)
		}
	}
	oddProduces(ask)
	oddFetches(ask)
	oddTopics(ask)
	produce(t, n, "t", 10, 1)
	consume(t, n, "t", 11)
}

type asker func(name string, req kmsg.Request, want *kerr.Error, code func(kmsg.Response) int16)

func oddProduces(ask asker) {
	good := oddBatch(batch.CodecNone, 10, nil, nil)
	set := func(at int, v byte) func([]byte) { return func(b []byte) { b[at] = v } }
	for _, c := range []struct {
		name    string
		topic   string
		version int16
		acks    int16
		records []byte
		want    *kerr.Error
	}{
		{"acks=2", "t", 9, 2, good, kerr.InvalidRequiredAcks},
		{"no such partition's topic", "none", 9, -1, good, kerr.UnknownTopicOrPartition},
		{"internal topic", "__consumer_offsets", 9, -1, good, kerr.UnknownTopicOrPartition}, // not made yet
		{"no records", "t", 9, -1, nil, kerr.InvalidRecord},
		{"cut short", "t", 9, -1, good[:len(good)-1], kerr.CorruptMessage},
		{"bad CRC", "t", 9, -1, oddBatch(batch.CodecNone, 10, nil, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), kerr.CorruptMessage},
		{"trailing bytes", "t", 9, -1, oddBatch(batch.CodecNone, 10, nil, func(b []byte) []byte { return append(b, 0) }), kerr.InvalidRecord},
		{"two batches", "t", 9, -1, append(good[:len(good):len(good)], good...), kerr.InvalidRecord},
		{"wrong count", "t", 9, -1, oddBatch(batch.CodecNone, 10, set(60, 9), nil), kerr.InvalidRecord},
		{"negative count", "t", 9, -1, oddBatch(batch.CodecNone, 10, set(57, 0xff), nil), kerr.InvalidRecord},
		{"control batch", "t", 9, -1, oddBatch(batch.CodecNone, 10, set(22, 0x20), nil), kerr.InvalidRecord},
		{"log append time", "t", 9, -1, oddBatch(batch.CodecNone, 10, set(22, 0x08), nil), kerr.InvalidTimestamp},
		{"message set v1", "t", 9, -1, oddBatch(batch.CodecNone, 10, nil, func(b []byte) []byte { b[16] = 1; return b }), kerr.InvalidRecord},
		{"unknown codec", "t", 9, -1, oddBatch(batch.CodecNone, 10, set(22, 7), nil), kerr.UnsupportedCompressionType},
		{"zstd below v7", "t", 6, -1, oddBatch(batch.CodecZstd, 10, nil, nil), kerr.UnsupportedCompressionType},
		{"zstd bomb", "t", 9, -1, oddBatch(batch.CodecZstd, 64<<20, nil, nil), kerr.MessageTooLarge},
		{"gzip bomb", "t", 9, -1, oddBatch(batch.CodecGzip, 64<<20, nil, nil), kerr.MessageTooLarge},
		{"too large", "t", 9, -1, oddBatch(batch.CodecNone, 2<<20, nil, nil), kerr.MessageTooLarge},
	} {
		req := kmsg.NewPtrProduceRequest()
		req.SetVersion(c.version)
		req.Acks, req.TimeoutMillis = c.acks, 1000
		rt := kmsg.NewProduceRequestTopic()
		rt.Topic = c.topic
		rp := kmsg.NewProduceRequestTopicPartition()
		rp.Records = c.records
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		ask("produce: "+c.name, req, c.want, func(r kmsg.Response) int16 {
			return r.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
		})
	}
}

func oddFetches(ask asker) {
	for _, c := range []struct {
		name           string
		offset         int64
		session, epoch int32
		want           *kerr.Error
	}{
		{"negative offset", -1, 0, -1, kerr.OffsetOutOfRange},
		{"past the end", 1 << 40, 0, -1, kerr.OffsetOutOfRange},
		{"unknown session", 0, 4711, 1, kerr.FetchSessionIDNotFound},
		{"epoch without a session", 0, 0, 5, kerr.FetchSessionIDNotFound},
	} {
		req := kmsg.NewPtrFetchRequest()
		req.SetVersion(12)
		req.SessionID, req.SessionEpoch, req.MaxBytes, req.MinBytes = c.session, c.epoch, 1<<20, 1
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic = "t"
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = c.offset, 1<<20, -1
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		ask("fetch: "+c.name, req, c.want, func(r kmsg.Response) int16 {
			f := r.(*kmsg.FetchResponse)
			if f.ErrorCode != 0 || len(f.Topics) == 0 {
				return f.ErrorCode
			}
			return f.Topics[0].Partitions[0].ErrorCode
		})
	}
}

func oddTopics(ask asker) {
	for _, c := range []struct {
		name, topic string
		partitions  int32
		config      string
		value       string
		want        *kerr.Error
	}{
		{"a milliard partitions", "many", 1e9, "", "", kerr.PolicyViolation},
		{"no partitions", "few", 0, "", "", kerr.InvalidPartitions},
		{"a path", "../t", 1, "", "", kerr.InvalidTopicException},
		{"no name", "", 1, "", "", kerr.InvalidTopicException},
		{"a huge setting", "huge", 1, "retention.ms", string(make([]byte, 1<<20)), kerr.InvalidConfig},
		{"an unknown setting", "unknown", 1, "retention.eons", "1", kerr.InvalidConfig},
	} {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.SetVersion(5)
		req.TimeoutMillis = 5000
		rt := kmsg.NewCreateTopicsRequestTopic()
		rt.Topic, rt.NumPartitions, rt.ReplicationFactor = c.topic, c.partitions, 1
		if c.config != "" {
			rt.Configs = append(rt.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: c.config, Value: &c.value})
		}
		req.Topics = append(req.Topics, rt)
		ask("create topics: "+c.name, req, c.want, func(r kmsg.Response) int16 {
			return r.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode
		})
	}
}
