package broker

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seawallmq/seawall/broker/batch"
	"github.com/seawallmq/seawall/internal/ids"
)

// records is a batch of as many records.
func records(n int) []byte { return recordsOf(batch.NewBuilder(), n) }

func recordsOf(b *batch.Builder, n int) []byte {
	for i := range n {
		b.Add(time.Now().UnixMilli(), []byte("k"), fmt.Appendf(nil, "value %d", i))
	}
	return b.AppendTo(nil)
}

// produceTo is a request with these partitions of one topic.
func produceTo(version int16, id ids.TopicID, topic string, batches map[int32][]byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = version, -1, 5000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = topic, id
	for _, index := range sortedKeys(batches) {
		rt.Partitions = append(rt.Partitions, kmsg.ProduceRequestTopicPartition{Partition: index, Records: batches[index]})
	}
	req.Topics = append(req.Topics, rt)
	return req
}

// produceOne appends a batch to partition 0 of a topic and returns its offset.
func produceOne(b *testBroker, topic string, raw []byte) int64 {
	b.t.Helper()
	resp := ask[*kmsg.ProduceResponse](b, produceTo(9, ids.TopicID{}, topic, map[int32][]byte{0: raw}))
	p := resp.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		b.t.Fatalf("produce: %+v", p)
	}
	return p.BaseOffset
}

func TestProduceInEveryVersion(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1, 1, 2)
	stamped := b.topic("stamped", 1)
	incremental(b, 1, rtTopic, "stamped", alteration{0, "message.timestamp.type", "LogAppendTime"})
	c := b.dial()
	offset := int64(0)
	for v := int16(3); v <= 13; v++ {
		req := produceTo(v, id, "t", map[int32][]byte{0: records(2), 1: records(3), 2: records(1), 9: records(1)})
		req.Topics = append(req.Topics, produceTo(v, stamped, "stamped", map[int32][]byte{0: records(1)}).Topics...)
		c.send(req)
		resp := c.receive(req).(*kmsg.ProduceResponse)
		if len(resp.Topics) != 2 || len(resp.Topics[0].Partitions) != 4 {
			t.Fatalf("v%d: %+v", v, resp)
		}
		start := int64(0)
		if v < 5 {
			start = -1
		}
		want := []kmsg.ProduceResponseTopicPartition{
			{Partition: 0, BaseOffset: 2 * offset, LogAppendTime: -1, LogStartOffset: start},
			{Partition: 1, BaseOffset: 3 * offset, LogAppendTime: -1, LogStartOffset: start},
			{Partition: 2, ErrorCode: kerr.NotLeaderForPartition.Code, BaseOffset: -1, LogAppendTime: -1, LogStartOffset: -1},
			{Partition: 9, ErrorCode: kerr.UnknownTopicOrPartition.Code, BaseOffset: -1, LogAppendTime: -1, LogStartOffset: -1},
		}
		for i, p := range resp.Topics[0].Partitions {
			if (p.ErrorMessage != nil) != (v >= 8 && p.ErrorCode != 0) {
				t.Errorf("v%d: message %s", v, kmsgText(p.ErrorMessage))
			}
			p.ErrorMessage, p.ErrorRecords, p.CurrentLeader = nil, nil, want[i].CurrentLeader
			if d := cmp.Diff(want[i], p, ignoreTags); d != "" {
				t.Errorf("v%d (-want +got):\n%s", v, d)
			}
		}
		if p := resp.Topics[1].Partitions[0]; p.BaseOffset != offset || p.LogAppendTime < time.Now().Add(-time.Minute).UnixMilli() {
			t.Errorf("v%d: LogAppendTime: %+v", v, p)
		}
		offset++
	}
}

func TestProduceRefuses(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	b.topic("keyed", 1)
	b.topic("__consumer_offsets", 1)
	incremental(b, 1, rtTopic, "keyed", alteration{0, "cleanup.policy", "compact"}, alteration{0, "max.message.bytes", "300"})
	corrupt := records(1)
	corrupt[len(corrupt)-1]++
	old := records(1)
	old[16] = 1
	noKey := batch.NewBuilder()
	noKey.Add(time.Now().UnixMilli(), nil, []byte("v"))
	zstd := batch.NewBuilder()
	zstd.Codec = batch.CodecZstd
	zstdBatch := recordsOf(zstd, 3)
	stale := batch.NewBuilder()
	stale.Add(time.Now().Add(48*time.Hour).UnixMilli(), nil, []byte("from the future"))
	tx := batch.NewBuilder()
	tx.ProducerID, tx.ProducerEpoch, tx.BaseSequence, tx.Transactional = 5, 0, 0, true
	for _, c := range []struct {
		what    string
		version int16
		topic   string
		batch   []byte
		want    *kerr.Error
	}{
		{"no records", 9, "t", nil, kerr.InvalidRecord},
		{"a flipped bit", 9, "t", corrupt, kerr.CorruptMessage},
		{"two batches", 9, "t", append(records(1), records(1)...), kerr.InvalidRecord},
		{"an old format", 9, "t", old, kerr.InvalidRecord},
		{"no key", 9, "keyed", noKey.AppendTo(nil), kerr.InvalidRecord},
		{"too large", 9, "keyed", records(100), kerr.MessageTooLarge},
		{"zstd before v7", 6, "t", zstdBatch, kerr.UnsupportedCompressionType},
		{"a bad time", 9, "t", stale.AppendTo(nil), kerr.InvalidTimestamp},
		{"the broker's own topic", 9, "__consumer_offsets", records(1), kerr.InvalidTopicException},
		{"a transaction", 9, "t", recordsOf(tx, 1), kerr.InvalidTxnState},
	} {
		req := produceTo(c.version, ids.TopicID{}, c.topic, map[int32][]byte{0: c.batch})
		got := ask[*kmsg.ProduceResponse](b, req).Topics[0].Partitions[0]
		if got.ErrorCode != c.want.Code || got.BaseOffset != -1 {
			t.Errorf("%s: %v (%s), want %v", c.what, kerr.ErrorForCode(got.ErrorCode), kmsgText(got.ErrorMessage), c.want)
		}
		if c.what == "no key" && (len(got.ErrorRecords) != 1 || got.ErrorRecords[0].RelativeOffset != 0) {
			t.Errorf("%s: per record %+v", c.what, got.ErrorRecords)
		}
	}
	if offset := produceOne(b, "t", zstdBatch); offset != 0 {
		t.Errorf("offset %d after refused batches only", offset)
	}
	for _, c := range []struct {
		what string
		set  func(*kmsg.ProduceRequest)
		want *kerr.Error
	}{
		{"acks=2", func(r *kmsg.ProduceRequest) { r.Acks = 2 }, kerr.InvalidRequiredAcks},
		{"a transactional id", func(r *kmsg.ProduceRequest) { r.TransactionID = kmsg.StringPtr("x") }, kerr.TransactionalIDAuthorizationFailed},
		{"an unknown id", func(r *kmsg.ProduceRequest) { r.Version, r.Topics[0].TopicID = 13, ids.TopicID{0xee} }, kerr.UnknownTopicID},
	} {
		req := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1)})
		c.set(req)
		if got := ask[*kmsg.ProduceResponse](b, req).Topics[0].Partitions[0]; got.ErrorCode != c.want.Code {
			t.Errorf("%s: %v", c.what, kerr.ErrorForCode(got.ErrorCode))
		}
	}
}

// A request is answered when its last batch is durable, and answers leave in
// the order of the requests.
// Names stand in the answer though the body is freed before it, unless they are
// too long to be copied.
func TestProduceAnswersByName(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	for _, n := range []int{1, 200, 30_000} {
		req := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1)})
		for i := range 5 {
			name := strings.Repeat(string(rune('a'+i)), n)
			req.Topics = append(req.Topics, produceTo(9, ids.TopicID{}, name, map[int32][]byte{0: records(1)}).Topics...)
		}
		resp := ask[*kmsg.ProduceResponse](b, req)
		for i, rt := range resp.Topics {
			if want := req.Topics[i].Topic; rt.Topic != want || (rt.Partitions[0].ErrorCode == 0) != (i == 0) {
				t.Errorf("names of %d bytes: topic %d is answered with %d bytes and error %d", n, i, len(rt.Topic), rt.Partitions[0].ErrorCode)
			}
		}
	}
}

// A large request is checked while it comes. Nothing of it is appended before it
// is there, and one that is cut short is not appended at all.
func TestProduceWhileItComes(t *testing.T) {
	b := newTestBroker(t, nil)
	id := b.topic("t", 1, 1, 1)
	large := func() []byte {
		build := batch.NewBuilder()
		for range 3 {
			build.Add(time.Now().UnixMilli(), nil, make([]byte, 100<<10))
		}
		return build.AppendTo(nil)
	}
	corrupt := large()
	corrupt[len(corrupt)-1]++
	end := func(index int32) int64 {
		p, _ := b.Partitions.ByName([]byte("t"), index)
		return p.Offsets().HighWatermark
	}
	for v := int16(8); v <= 13; v++ {
		req := produceTo(v, id, "t", map[int32][]byte{0: large(), 1: corrupt, 2: large()})
		c := b.dial()
		frame := c.formatter.AppendRequest(nil, req, 1)
		cut := b.dial()
		before := end(0)
		for at := 0; at < len(frame)-10; at += 70_001 {
			piece := frame[at:min(at+70_001, len(frame)-10)]
			for _, conn := range []*wireConn{c, cut} {
				if _, err := conn.Write(piece); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cut.Close()
		if now := end(0); now != before {
			t.Fatalf("v%d: %d records appended before the request is complete", v, now-before)
		}
		if _, err := c.Write(frame[len(frame)-10:]); err != nil {
			t.Fatal(err)
		}
		parts := c.receive(req).(*kmsg.ProduceResponse).Topics[0].Partitions
		if parts[0].ErrorCode != 0 || parts[1].ErrorCode != kerr.CorruptMessage.Code || parts[2].ErrorCode != 0 {
			t.Errorf("v%d: %+v", v, parts)
		}
		if end(0) != before+3 || end(1) != 0 {
			t.Errorf("v%d: high watermarks %d and %d, want %d and 0", v, end(0), end(1), before+3)
		}
	}
}

func TestProduceWaitsForDurability(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1, 1)
	c := b.dial()
	b.store.device.shutGate()
	first := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1), 1: records(1)})
	second := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{7: records(1)}) // refused at once
	c.send(first)
	c.send(second)
	p, _ := b.Partitions.ByName([]byte("t"), 1)
	waitUntil(t, "both partitions are appended to", func() bool { return b.store.device.writes() > 0 })
	if hw := p.Offsets().HighWatermark; hw != 0 {
		t.Errorf("visible before it is durable: high watermark %d", hw)
	}
	b.store.device.open(nil)
	for i, p := range c.receive(first).(*kmsg.ProduceResponse).Topics[0].Partitions {
		if p.ErrorCode != 0 || p.Partition != int32(i) {
			t.Errorf("%+v", p)
		}
	}
	if p := c.receive(second).(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.Partition != 7 || p.ErrorCode == 0 {
		t.Errorf("%+v", p)
	}
}

// lease is one that ends when it is told to.
type lease struct{ over atomic.Bool }

// Valid implements Lease.
func (l *lease) Valid() bool { return !l.over.Load() }

// A broker that was paused past its session while a batch became durable does
// not acknowledge it: its WAL may have been given up, and no fence says so.
func TestProduceIsNotAcknowledgedPastTheLease(t *testing.T) {
	b := newTestBroker(t, nil)
	l := new(lease)
	b.Lease = l
	b.topic("t", 1, 1)
	c := b.dial()
	b.store.device.shutGate()
	req := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1), 1: records(1)})
	c.send(req)
	waitUntil(t, "the write waits", func() bool { return b.store.device.writes() > 0 })
	l.over.Store(true)
	b.store.device.open(nil)
	for _, p := range c.receive(req).(*kmsg.ProduceResponse).Topics[0].Partitions {
		if p.ErrorCode != kerr.NotLeaderForPartition.Code || p.BaseOffset != -1 {
			t.Errorf("%+v", p)
		}
	}
	l.over.Store(false) // the cluster still takes it for alive, and it is served again
	c.send(req)
	for _, p := range c.receive(req).(*kmsg.ProduceResponse).Topics[0].Partitions {
		if p.ErrorCode != 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestProduceAfterAFailedWrite(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	c := b.dial()
	b.store.device.shutGate()
	req := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1)})
	c.send(req)
	waitUntil(t, "the write waits", func() bool { return b.store.device.writes() > 0 })
	b.store.device.open(errors.New("I/O error"))
	for range 2 { // what was under way, and what comes after
		if p := c.receive(req).(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != kerr.KafkaStorageError.Code {
			t.Errorf("%+v", p)
		}
		c.send(req)
	}
}

// A repetition gets the first answer's offset, once that is durable.
func TestProduceRepeated(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	build := func(sequence int32) []byte {
		x := batch.NewBuilder()
		x.ProducerID, x.ProducerEpoch, x.BaseSequence = 7, 0, sequence
		return recordsOf(x, 2)
	}
	request := func(sequence int32) *kmsg.ProduceRequest {
		return produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: build(sequence)})
	}
	c := b.dial()
	b.store.device.shutGate()
	for _, sequence := range []int32{0, 2, 2, 0} {
		c.send(request(sequence))
	}
	waitUntil(t, "the write waits", func() bool { return b.store.device.writes() > 0 })
	b.store.device.open(nil)
	for i, want := range []int64{0, 2, 2, 0} {
		if p := c.receive(request(0)).(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != 0 || p.BaseOffset != want {
			t.Errorf("request %d: %+v, want offset %d", i, p, want)
		}
	}
	c.send(request(6))
	if p := c.receive(request(6)).(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != kerr.OutOfOrderSequenceNumber.Code {
		t.Errorf("a gap: %+v", p)
	}
}

func TestProduceWithoutAcks(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	c := b.dial()
	quiet := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1)})
	quiet.Acks = 0
	c.send(quiet)
	loud := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: records(1)})
	c.send(loud)
	if p := c.receive(loud).(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.BaseOffset != 1 {
		t.Errorf("%+v, want the answer to the second request", p)
	}
	quiet.Topics[0].Topic = "none"
	c.send(quiet)
	if _, _, err := c.frame(true); !errors.Is(err, io.EOF) {
		t.Errorf("after a refused batch without acks: %v, want a closed connection", err)
	}
}

// A full log makes the producer wait for room, at most its time-out.
func TestProduceIntoAFullLog(t *testing.T) {
	b := newTestBroker(t, nil)
	b.topic("t", 1)
	big := batch.NewBuilder()
	big.Add(time.Now().UnixMilli(), nil, make([]byte, 512<<10))
	raw := big.AppendTo(nil)
	req := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{0: raw})
	req.TimeoutMillis = 1
	c := b.dial()
	var appended int64
	for {
		c.send(req)
		p := c.receive(req).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		if p.ErrorCode == kerr.NotEnoughReplicas.Code {
			break
		}
		if p.ErrorCode != 0 || p.BaseOffset != appended {
			t.Fatalf("batch %d: %+v", appended, p)
		}
		if appended++; appended > 2*testWALBytes/int64(len(raw)) {
			t.Fatal("the log is never full")
		}
	}
	req.TimeoutMillis = 10_000
	c.send(req)
	b.store.log.Trim(b.store.log.DurableUpTo())
	if p := c.receive(req).(*kmsg.ProduceResponse).Topics[0].Partitions[0]; p.ErrorCode != 0 || p.BaseOffset != appended {
		t.Errorf("with room again: %+v, want offset %d", p, appended)
	}
}

// Requests are pooled: many at a time, of all sorts, must not see each other.
func TestProduceConcurrently(t *testing.T) {
	b := newTestBroker(t, nil)
	const clients, requests = 8, 60
	b.topic("t", make1(clients)...)
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			c := b.dial()
			next := int64(0)
			var pending []*kmsg.ProduceRequest
			for i := range requests {
				req := produceTo(9, ids.TopicID{}, "t", map[int32][]byte{int32(client): records(1 + i%3), 999: records(1)})
				if i%5 == 0 {
					req.Topics[0].Partitions[1].Partition = -1
				}
				c.send(req)
				pending = append(pending, req)
				if i%4 != 3 {
					continue
				}
				for _, req := range pending {
					ps := c.receive(req).(*kmsg.ProduceResponse).Topics[0].Partitions
					want := req.Topics[0].Partitions
					if len(ps) != 2 || ps[0].Partition != want[0].Partition || ps[0].BaseOffset != next || ps[0].ErrorCode != 0 ||
						ps[1].Partition != want[1].Partition || ps[1].ErrorCode != kerr.UnknownTopicOrPartition.Code {
						t.Errorf("client %d: %+v, want offset %d", client, ps, next)
						return
					}
					h, _ := batch.ParseHeader(want[0].Records)
					next += int64(h.NumRecords)
				}
				pending = pending[:0]
			}
		})
	}
	wg.Wait()
}

// make1 is n partitions led by node 1.
func make1(n int) []ids.NodeID {
	leaders := make([]ids.NodeID, n)
	for i := range leaders {
		leaders[i] = 1
	}
	return leaders
}

// waitUntil waits for a condition that something else brings about.
func waitUntil(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// FuzzProduceRequest holds the decoder by hand against kmsg's.
func FuzzProduceRequest(f *testing.F) {
	for v := int16(3); v <= 13; v++ {
		req := produceTo(v, ids.TopicID{1}, "topic", map[int32][]byte{0: records(1), 3: nil})
		f.Add(req.AppendTo(nil), v)
		req.TransactionID = kmsg.StringPtr("tx")
		f.Add(req.AppendTo(nil), v)
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, int16(9))
	b := newTestBroker(f, nil)
	b.topic("topic", 1)
	f.Fuzz(func(t *testing.T, body []byte, version int16) {
		if version < produceMinVersion || version > produceMaxVersion {
			return
		}
		req := produceRequests.Get().(*produceRequest)
		defer req.free()
		req.b, req.version = b.Broker, version
		own := req.parse(body, nil, time.Now())
		want := &kmsg.ProduceRequest{Version: version}
		if err := decode(want, body); err != nil {
			return // kmsg sees faults that lie behind what is read here
		}
		if own != nil {
			if errors.Is(own, errMalformed) && len(req.parts)+len(want.Topics) > 0 {
				total := len(want.Topics)
				for _, rt := range want.Topics {
					total += len(rt.Partitions)
				}
				if total > produceEmptyMax {
					return // more than we take
				}
			}
			t.Fatalf("refused: %v; kmsg reads %+v", own, want)
		}
		same := req.acks == want.Acks && req.timeout == time.Duration(want.TimeoutMillis)*time.Millisecond && len(req.topics) == len(want.Topics)
		next := 0
		for i := 0; same && i < len(req.topics); i++ {
			a, w := &req.topics[i], &want.Topics[i]
			same = a.parts == len(w.Partitions) && (version >= 13 || string(a.name) == w.Topic) && (version < 13 || a.id == w.TopicID)
			for j := 0; same && j < a.parts; j++ {
				same = req.parts[next].index == w.Partitions[j].Partition && string(req.parts[next].Batch) == string(w.Partitions[j].Records)
				next++
			}
		}
		if !same {
			t.Errorf("read %+v, kmsg reads %+v", req, want)
		}
	})
}
